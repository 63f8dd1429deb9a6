/*
 * What doctor asks GitHub, and what it finds in the responses.
 *
 * API: https://docs.github.com/rest/orgs, /rest/users, /rest/actions/permissions.
 */
#include "provider/github_questions.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "provider/survey.h"

#define PARTIAL "partial-results; organizations=" /* ids, with commas between */

/* Lists go without what belongs to an organisation that the token is not authorised for. */
static void tell_hidden(struct survey *survey)
{
	const char *hidden = survey->notice.sign_on;

	if (text_has_prefix(hidden, PARTIAL))
		survey_add(survey, false, TOKENS_URL,
			"Authorise the token for their single sign-on there; until then all that "
			"is theirs is not found.",
			"the token is not authorised for the single sign-on of organisations (ids: "
			"%s)",
			hidden + strlen(PARTIAL));
}

static void read_organizations(struct survey *survey, const cJSON *json)
{
	const cJSON *one;

	cJSON_ArrayForEach (one, json) {
		survey_add_name(survey, json_member_string(one, "login"));
	}
}

/* A fine-grained token is told of no organisation, but of the repositories that it reaches. */
static void read_repositories(struct survey *survey, const cJSON *json)
{
	const cJSON *one;

	tell_hidden(survey);
	cJSON_ArrayForEach (one, json) {
		const cJSON *owner = json_member(one, "owner");
		const char *type = json_member_string(owner, "type");
		if (type != NULL && strcmp(type, "Organization") == 0)
			survey_add_name(survey, json_member_string(owner, "login"));
	}
}

static double number_of(const cJSON *json, const char *name)
{
	const cJSON *number = json_member(json, name);
	return cJSON_IsNumber(number) ? number->valuedouble : -1;
}

/* Only owners are shown the plan. One without a limit of seats has none in use of none. */
static void read_organization(struct survey *survey, const cJSON *json)
{
	const cJSON *plan = json_member(json, "plan");
	const char *name = json_member_string(json, "login");
	double seats = number_of(plan, "seats"), repositories = number_of(plan, "private_repos");

	name = name != NULL ? name : "the organisation";
	if (seats > 0 && number_of(plan, "filled_seats") >= seats)
		survey_add(survey, false, PRICING_URL, "Add seats before people are given access.",
			"all %.0f seats of the plan of %s are in use", seats, name);
	if (repositories >= 0 && number_of(json, "owned_private_repos") >= repositories)
		survey_add(survey, false, PRICING_URL,
			"Upgrade the plan, or remove private repositories that nobody needs.",
			"%s has all %.0f private repositories that its plan allows", name,
			repositories);
}

static void read_actions(struct survey *survey, const cJSON *json)
{
	const char *enabled = json_member_string(json, "enabled_repositories");

	if (enabled != NULL && strcmp(enabled, "none") == 0)
		survey_add(survey, false, NULL,
			"Let an owner allow them in the organisation's settings of Actions.",
			"GitHub Actions are off in all repositories of %s", survey->about);
}

/* Only tokens of the older kind have scopes, and only their responses name them: "repo, workflow".
 */
static bool has_scope(const char *scopes, const char *scope)
{
	size_t length = strlen(scope);

	for (const char *next = scopes; next[0] != '\0'; next += strspn(next, ", ")) {
		size_t size = strcspn(next, ", ");
		if (size == length && strncmp(next, scope, size) == 0)
			return true;
		next += size;
	}

	return false;
}

/* What steps of an app need of such a token. */
static const struct scope {
	const char *name, *lacks;
} scopes[] = {
	{ "repo", "steps cannot create or change private repositories" },
	{ "workflow", "steps cannot write files below .github/workflows" },
	{ "delete_repo", "teardowns cannot delete repositories" },
};

static void read_account(struct survey *survey, const cJSON *json)
{
	const char *given = survey->notice.scopes;
	(void)json;

	given += strspn(given, " ,\t\r\n"); /* a header without a value says nothing */
	for (size_t i = 0; given[0] != '\0' && i < ARRAY_LEN(scopes); i++)
		if (!has_scope(given, scopes[i].name))
			survey_add(survey, false, TOKENS_URL,
				"Add the scope to the token, unless no app needs it.",
				"the token has no scope %s: %s", scopes[i].name, scopes[i].lacks);
}

/* Of a person's token. An organisation that refuses what anybody may read refuses the address that
 * it comes from, the kind of the token, or a token without its single sign-on. */
const struct provider_question github_person_questions[] = {
	{ .path = "/user", .read = read_account },
	{ .path = "/user/orgs", .query = { "per_page", "100" }, .read = read_organizations },
	{ .path = "/user/repos", .query = { "per_page", "100" }, .read = read_repositories },
	{ .path = "/orgs/{org}", .each = true, .tells_refusal = true, .read = read_organization },
	{ .path = "/orgs/{org}/actions/permissions", .each = true, .read = read_actions },
	{ .path = NULL },
};

/* An app is not a person: GET /user is refused to it. Where it is not installed any more, or
 * suspended, it gets no token to ask with; and an organisation that does not take the address of
 * the workers refuses this. */
const struct provider_question github_app_questions[] = {
	{ .path = "/installation/repositories" },
	{ .path = NULL },
};
