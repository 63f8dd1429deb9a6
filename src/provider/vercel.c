/*
 * Vercel's REST API: https://vercel.com/docs/rest-api. The version stands in each path. Error
 * bodies and limits as documented there under "Errors" and "Rate limits".
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "provider/provider.h"
#include "provider/survey.h"
#include "provider/vercel_calls.h"

#define LIMIT_MS      5000 /* where neither Retry-After nor the body says how long */
#define TIME_MAX_MS   1e15 /* of the year 33658 */
#define LIMIT_MAX_MS  86400000
#define SECONDS_BELOW 1e11 /* a later second since 1970 is of the year 5138 */
#define INVALID_TOKEN "the token is not valid"

/* Every call carries the team, GETs and DELETEs as well; without it, it runs in the token's own
 * account. */
static struct string_pair scope(const char *team)
{
	return (struct string_pair){ text_has_prefix(team, "team_") ? "teamId" : "slug", team };
}

static void copy_member(const cJSON *json, const char *name, char *target, size_t size)
{
	const char *text = json_member_string(json, name);
	text_copy(target, size, text != NULL ? text : "");
}

/* How long until the limit opens. resetMs is milliseconds since 1970, reset seconds or, for quotas,
 * milliseconds. */
static int64_t limit_left_ms(const cJSON *limit)
{
	const cJSON *reset_ms = json_member(limit, "resetMs"), *reset = json_member(limit, "reset");
	double at = cJSON_IsNumber(reset_ms) ? reset_ms->valuedouble
		: cJSON_IsNumber(reset)      ? reset->valuedouble
					     : 0;
	if (at < SECONDS_BELOW)
		at *= 1000;
	double left = at - (double)clock_wall_ms();
	return left <= 0 ? 0 : left < LIMIT_MAX_MS ? (int64_t)left : LIMIT_MAX_MS;
}

static void read_limit(const cJSON *limit, struct refusal_body *body)
{
	char detail[64];
	const cJSON *remaining = json_member(limit, "remaining"),
		    *total = json_member(limit, "total");
	body->retry_after_ms = limit_left_ms(limit);
	if (!cJSON_IsNumber(remaining) || !cJSON_IsNumber(total))
		return;
	text_format(detail, sizeof(detail), "%.0f of %.0f are left", remaining->valuedouble,
		total->valuedouble);
	refusal_add(body, detail);
}

static void read_refusal(const cJSON *json, struct refusal_body *body)
{
	const cJSON *error = json_member(json, "error");

	copy_member(error, "code", body->code, sizeof(body->code));
	copy_member(error, "message", body->message, sizeof(body->message));
	refusal_link(body, json_member_string(error, "link"));

	/* What a person is to do, as "Install GitHub App", or what was refused, as "create". */
	refusal_add(body, json_member_string(error, "action"));
	read_limit(json_member(error, "limit"), body);

	/* Which variable of many. */
	refusal_add(body, json_member_string(error, "envVarKey"));

	/* A token that is no good is said by a member beside the code forbidden. */
	if (cJSON_IsTrue(json_member(error, "invalidToken")))
		refusal_add(body, INVALID_TOKEN);
}

static bool is_limited(
	const struct http_response *response, const struct refusal_body *body, int64_t *ret_ms)
{
	if (response->status != 429)
		return false;
	*ret_ms = response->retry_after_ms > 0 ? response->retry_after_ms
		: body->retry_after_ms > 0     ? body->retry_after_ms
		: response->limit_reset_ms > 0 ? response->limit_reset_ms
					       : LIMIT_MS;
	return true;
}

#define GIT_APP_URL    "https://github.com/apps/vercel"
#define LOGINS_URL     "https://vercel.com/account/login-connections"
#define TOKENS_URL     "https://vercel.com/account/settings/tokens"
#define MEMBERS_URL    "https://vercel.com/docs/accounts/team-members-and-roles"
#define DOMAINS_URL    "https://vercel.com/dashboard/domains"
#define BILLING_URL    "https://vercel.com/dashboard/usage"
#define DASHBOARD_URL  "https://vercel.com/dashboard"
#define PROTECTION_URL "https://vercel.com/docs/deployment-protection"
#define TEAM           "SLIPWAY_VERCEL_TEAM (of a connection, its account)"
#define REPLACE_TOKEN  "Replace the token in SLIPWAY_VERCEL_TOKEN_FILE and trigger the step again."
#define FREE_DOMAIN    "Remove the domain from the project that has it, or choose another."
#define FREE_VARIABLE                                                                              \
	"Remove the variable of that name from the project, or give this one other targets."

static const struct refusal refusals[] = {
	/* Git: what only a person can connect. */
	{ .status = 400,
		.message = "Login Connection",
		.class = ERROR_APP_NOT_INSTALLED,
		.remedy = "Connect the Vercel account of the token with GitHub, then trigger the "
			  "step again.",
		.remedy_url = LOGINS_URL },
	{ .status = 400,
		.message = "Install GitHub App",
		.class = ERROR_APP_NOT_INSTALLED,
		.remedy = "Install Vercel's GitHub app on the organisation that owns the "
			  "repository, then trigger the step again.",
		.remedy_url = GIT_APP_URL },
	{ .code = "repo_not_found",
		.class = ERROR_APP_NOT_INSTALLED,
		.remedy = "Give Vercel's GitHub app access to the repository, then trigger the "
			  "step again.",
		.remedy_url = GIT_APP_URL },
	{ .code = "repo_links_exceeded_limit",
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Unlink projects that no longer need the repository, then trigger the "
			  "step again.",
		.remedy_url = DASHBOARD_URL },
	/* Vercel does not see yet what was pushed a moment ago. */
	{ .status = 400, .code = "incorrect_git_source_info", .class = ERROR_NOT_READY },

	{ .status = 400,
		.message = "name of your Environment Variable is reserved",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Give the variable another name, then trigger the step again.",
		.remedy_url = "https://vercel.com/docs/environment-variables/"
			      "reserved-environment-variables",
		.input = "variables" },
	{ .status = 400,
		.message = "Project names can",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Choose another name, then trigger the step again.",
		.input = "name" },
	{ .status = 404,
		.message = "Project not found",
		.class = ERROR_NOT_FOUND,
		.remedy = "Run the step that makes the project again, or check " TEAM "." },
	{ .status = 403,
		.message = "Git author",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Give the author of the commit access to the team, or deploy a commit of "
			  "an author who has it; then trigger the step again.",
		.remedy_url =
			"https://vercel.com/docs/deployments/troubleshoot-project-collaboration" },
	{ .status = 400,
		.message = "env update",
		.class = ERROR_CONFLICT_OURS,
		.remedy = "Wait until the other change of the project's variables has ended, then "
			  "trigger the step again." },
	{ .status = 400,
		.message = "daily cron jobs",
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Let the cron jobs in vercel.json run once a day at most, or upgrade the "
			  "plan. Then trigger the step again.",
		.remedy_url = "https://vercel.com/docs/cron-jobs/usage-and-pricing" },
	{ .code = "ENV_CONFLICT",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = FREE_VARIABLE,
		.remedy_url = DASHBOARD_URL },
	{ .code = "ENV_ALREADY_EXISTS",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = FREE_VARIABLE,
		.remedy_url = DASHBOARD_URL },

	{ .code = "domain_already_in_use",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = FREE_DOMAIN,
		.remedy_url = DOMAINS_URL },
	{ .code = "existing_project_domain",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = FREE_DOMAIN,
		.remedy_url = DOMAINS_URL },
	{ .status = 400,
		.message = "already assigned to another project",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = FREE_DOMAIN,
		.remedy_url = DOMAINS_URL },
	{ .status = 403,
		.message = "access to the domain",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = "Remove the domain from the other Vercel account that has it, or choose "
			  "another.",
		.remedy_url = DOMAINS_URL },
	{ .code = "missing_txt_record", .class = ERROR_NOT_READY },
	{ .code = "custom_domain_needs_upgrade",
		.class = ERROR_PLAN_LIMIT,
		.remedy_url = BILLING_URL },
	{ .status = 400,
		.message = "latest production deployment",
		.class = ERROR_BUILD_FAILED,
		.remedy = "Run the deployment step until it is done, then this one again." },
	{ .status = 400, .message = "is not READY", .class = ERROR_NOT_READY },
	{ .status = 400, .message = "alias is not ready", .class = ERROR_NOT_READY },
	{ .status = 400,
		.message = "only accessible for enterprise",
		.class = ERROR_PLAN_LIMIT,
		.remedy_url = BILLING_URL },

	{ .status = 401,
		.class = ERROR_AUTH_EXPIRED,
		.remedy = REPLACE_TOKEN,
		.remedy_url = TOKENS_URL },
	{ .status = 403,
		.message = INVALID_TOKEN,
		.class = ERROR_AUTH_EXPIRED,
		.remedy = REPLACE_TOKEN,
		.remedy_url = TOKENS_URL },
	{ .status = 403,
		.message = "re-authenticate to this scope",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Correct " TEAM ", or give the workers a token that reaches that team, "
			  "and trigger the step again.",
		.remedy_url = TOKENS_URL },
	{ .status = 403,
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Read what Vercel says; check " TEAM " and the role of the token's user "
			  "in that team, then trigger the step again." },

	/* Its limit.reset is always a day from now, so there is nothing to wait
	 * for within a run. */
	{ .status = 402,
		.code = "api-deployments-free-per-day",
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Upgrade the plan, or trigger the step again when the day's deployments "
			  "are no longer used up.",
		.remedy_url = BILLING_URL },
	{ .status = 402,
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Put the payment or the plan of the account in order, then trigger the "
			  "step again.",
		.remedy_url = BILLING_URL },
	{ .status = 428,
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Add deployment protection to the plan, or do without it, then trigger "
			  "the step again.",
		.remedy_url = PROTECTION_URL },
	{ .status = 409,
		.message = "being transfer",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy =
			"Wait until the project has been transferred, then trigger the step again.",
		.remedy_url = DASHBOARD_URL },
	{ .status = 409, .class = ERROR_CONFLICT_FOREIGN },
	{ .status = 410,
		.class = ERROR_INTERNAL,
		.remedy = "This version of Vercel's API is gone; update Slipway." },
	{ .class = ERROR_NONE },
};

/* ---- what doctor asks ---- */

#define NAMES_SIZE 160

/* For a team, or the account of the token's user: both say what has been taken from them. */
static void read_account(struct survey *survey, const cJSON *json, const char *what)
{
	const cJSON *block = json_member(json, "softBlock");
	const char *reason = json_member_string(block, "reason");

	if (cJSON_IsTrue(json_member(json, "limited")))
		survey_add(survey, true, TOKENS_URL,
			"Sign in to Vercel as it asks there, by single sign-on or with two "
			"factors, and make a new token that reaches it.",
			"Vercel shows the token only a part of %s: its single sign-on, two factors "
			"or the token's scope keep it out",
			what);
	if (cJSON_IsObject(block))
		survey_add(survey, true, BILLING_URL,
			"Put the payment or the plan of the account in order.",
			"Vercel has blocked %s: %s", what,
			reason != NULL ? reason : "it does not say why");
}

/* Whether a list of texts has this one. */
static bool has_text(const cJSON *list, const char *text)
{
	const cJSON *one;
	cJSON_ArrayForEach (one, list) {
		if (cJSON_IsString(one) && strcmp(one->valuestring, text) == 0)
			return true;
	}
	return false;
}

/* A role without the right to create projects; a permission of its own may add that. */
static void read_role(struct survey *survey, const cJSON *membership)
{
	static const char *const roles[] = { "VIEWER", "VIEWER_FOR_PLUS", "BILLING", "SECURITY",
		"CONTRIBUTOR" };
	const char *role = json_member_string(membership, "role");

	for (size_t i = 0; role != NULL && i < ARRAY_LEN(roles); i++)
		if (strcmp(role, roles[i]) == 0 &&
			!has_text(json_member(membership, "teamPermissions"), "CreateProject"))
			survey_add(survey, false, MEMBERS_URL,
				"Let an owner of the team give the token's user the role of a "
				"member, or use the token of a member.",
				"the user of the token for Vercel has the role %s in the team, "
				"which creates no projects",
				role);
}

static void read_team(struct survey *survey, const cJSON *json)
{
	read_account(survey, json, "the team");
	read_role(survey, json_member(json, "membership"));
}

static void read_user(struct survey *survey, const cJSON *json)
{
	read_account(survey, json_member(json, "user"), "the account");
}

static void read_token(struct survey *survey, const cJSON *json)
{
	const cJSON *token = json_member(json, "token"),
		    *expires_at = json_member(token, "expiresAt");

	survey_add_expiry(survey,
		cJSON_IsNumber(expires_at) && expires_at->valuedouble > 0 &&
				expires_at->valuedouble < TIME_MAX_MS
			? (int64_t)expires_at->valuedouble
			: 0);
	if (cJSON_IsNumber(json_member(token, "leakedAt")))
		survey_add(survey, false, TOKENS_URL, REPLACE_TOKEN,
			"Vercel has found the token in a public place");
}

/* Accounts of GitHub on which Vercel's app is installed, and that the token's user is connected
 * with. */
static void read_namespaces(struct survey *survey, const cJSON *json)
{
	const cJSON *one;

	if (cJSON_IsArray(json) && cJSON_GetArraySize(json) == 0)
		survey_add(survey, false, GIT_APP_URL,
			"Install Vercel's GitHub app on the organisation that is to own the "
			"repositories, and connect the Vercel account of the token with GitHub.",
			"Vercel sees no account of GitHub: no project can be linked to a "
			"repository");
	cJSON_ArrayForEach (one, json) {
		const char *slug = json_member_string(one, "slug");
		if (slug == NULL || !cJSON_IsObject(one))
			continue;
		if (cJSON_IsTrue(json_member(one, "requireReauth")))
			survey_add(survey, false, LOGINS_URL,
				"Connect the Vercel account of the token with GitHub again.",
				"Vercel's login to %s at GitHub has ended", slug);
		if (cJSON_IsTrue(json_member(one, "isAccessRestricted")))
			survey_add(survey, false, GIT_APP_URL,
				"Let an owner allow Vercel's GitHub app there, or add the Vercel "
				"account's address to its allow list.",
				"Vercel's access to %s at GitHub is restricted", slug);
	}
}

/* The next page is named by a time or a token. */
static void go_on(struct survey *survey, const cJSON *next)
{
	char text[sizeof(survey->next_page)];

	if (cJSON_IsString(next))
		survey_go_on(survey, next->valuestring);
	if (cJSON_IsNumber(next) && text_format(text, sizeof(text), "%.0f", next->valuedouble))
		survey_go_on(survey, text);
}

/* After an Instant Rollback, or by a setting, new deployments are built and not shown. */
static void read_projects(struct survey *survey, const cJSON *json)
{
	char names[NAMES_SIZE] = "";
	const cJSON *project;

	cJSON_ArrayForEach (project, json_member(json, "projects")) {
		const char *name = json_member_string(project, "name");
		if (name != NULL &&
			cJSON_IsFalse(json_member(project, "autoAssignCustomDomains")) &&
			!text_append(
				names, sizeof(names), "%s%s", names[0] != '\0' ? ", " : "", name))
			break;
	}

	if (names[0] != '\0')
		survey_add(survey, false, DASHBOARD_URL,
			"Undo the rollback or promote a deployment there, or set \"promote\" in "
			"the steps that deploy.",
			"production is pinned by an Instant Rollback or by a setting, and new "
			"deployments do not show there: %s",
			names);
	go_on(survey, json_member(json_member(json, "pagination"), "next"));
}

static const struct provider_question team_questions[] = {
	{ .path = "/v2/teams/{teamId}", .planned = true, .read = read_team },
	{ .path = "/v5/user/tokens/current",
		.planned = true,
		.unscoped = true,
		.read = read_token },
	{ .path = "/v1/integrations/git-namespaces",
		.query = { "provider", "github" },
		.unscoped = true,
		.read = read_namespaces },
	{ .path = "/v10/projects",
		.query = { "limit", "100" },
		.page = "from",
		.read = read_projects },
	{ .path = NULL },
};

static const struct provider_question user_questions[] = {
	{ .path = "/v2/user", .planned = true, .read = read_user },
	{ .path = "/v5/user/tokens/current",
		.planned = true,
		.unscoped = true,
		.read = read_token },
	{ .path = "/v1/integrations/git-namespaces",
		.query = { "provider", "github" },
		.unscoped = true,
		.read = read_namespaces },
	{ .path = "/v10/projects",
		.query = { "limit", "100" },
		.page = "from",
		.read = read_projects },
	{ .path = NULL },
};

struct vercel_settings {
	const char *url;
	const char *token;
	const char *team;
};
static const struct setting setting_rows[] = {
	{ URL_SETTING("SLIPWAY_VERCEL_URL", struct vercel_settings, url),
		.fallback = "https://api.vercel.com", .programs = SETTINGS_WORKER,
		.description = "Base URL of Vercel's REST API" },
	{ SECRET_SETTING("SLIPWAY_VERCEL_TOKEN", struct vercel_settings, token),
		.programs = SETTINGS_WORKER, .description = "Token for Vercel" },
	{ TEXT_SETTING("SLIPWAY_VERCEL_TEAM", struct vercel_settings, team),
		.programs = SETTINGS_WORKER,
		.description = "Vercel team that owns the projects, by id (team_...) or slug; "
			       "without it the token's own account" },
};

/* That the token is good is not enough: it may not reach the team, or not any more. */
static const struct provider_question *questions_of(const struct provider_access *access)
{
	bool team = access->scope != NULL && access->scope[0] != '\0';
	return team ? team_questions : user_questions;
}

static struct provider_access access_of(const struct settings *settings)
{
	const struct vercel_settings *own = settings_part(settings, &vercel.settings);
	struct provider_access access = {
		.base_url = own->url,
		.token = own->token,
		.scope = own->team,
	};

	access.questions = questions_of(&access);
	return access;
}

/* It makes names of members of secrets, and addresses with secrets in them. */
static const char *const secret_members[] = { "protectionBypass", "deployHooks", NULL };

const struct provider vercel = {
	.id = "vercel",
	.name = "Vercel",
	.headers = { "Accept: application/json" },
	.request_id_header = "x-vercel-id",
	.settings = { SETTINGS_PART(struct vercel_settings, setting_rows) },
	.access = access_of,
	.questions = questions_of,
	.token_setting = "SLIPWAY_VERCEL_TOKEN",
	.tokens_page = TOKENS_URL,
	.scope = scope,
	.calls = vercel_calls,
	.plain_query = vercel_plain_query,
	.is_id = vercel_is_id,
	.secret_members = secret_members,
	.read_refusal = read_refusal,
	.is_limited = is_limited,
	.limits_by_endpoint = true,
	.refusals = refusals,
};
