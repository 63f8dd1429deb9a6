/*
 * GitHub's REST API: https://docs.github.com/rest. Statuses, headers and limits as documented there
 * under "Rate limits for the REST API" and "Troubleshooting the REST API".
 */
#include <string.h>

#include "base/text.h"
#include "provider/github_app.h"
#include "provider/github_calls.h"
#include "provider/github_installation.h"
#include "provider/github_questions.h"
#include "provider/provider.h"

/* The least that GitHub asks for where it gives no Retry-After */
#define SECONDARY_LIMIT_MS 60000

/* The parts of one entry that say what is wrong; GitHub gives a message to those of the code custom
 * only. */
static void read_entry(const cJSON *entry, struct refusal_body *body)
{
	char detail[128];
	const char *field = json_member_string(entry, "field"),
		   *code = json_member_string(entry, "code");

	if (code != NULL && body->code[0] == '\0')
		text_copy(body->code, sizeof(body->code), code);
	if (field != NULL && body->field[0] == '\0')
		text_copy(body->field, sizeof(body->field), field);
	if (cJSON_IsString(entry)) {
		refusal_add(body, entry->valuestring);
	} else if (json_member_string(entry, "message") != NULL) {
		refusal_add(body, json_member_string(entry, "message"));
	} else if (field != NULL && code != NULL) {
		text_format(detail, sizeof(detail), "%s is %s", field, code);
		refusal_add(body, detail);
	}
}

static void read_refusal(const cJSON *json, struct refusal_body *body)
{
	/* errors holds objects, or strings as for branch protection and template generation, or is
	 * one string. */
	const cJSON *errors = json_member(json, "errors"), *block = json_member(json, "block"),
		    *entry;

	refusal_add(body, json_member_string(json, "message"));
	if (cJSON_IsString(errors))
		refusal_add(body, errors->valuestring);
	cJSON_ArrayForEach (entry, errors) {
		read_entry(entry, body);
	}

	/* A repository that may not be shown, with the notice that says why. */
	refusal_add(body, json_member_string(block, "reason"));
	refusal_link(body, json_member_string(block, "html_url"));
}

/* Limits of the second kind have no header of their own, and creating too fast is told as a failed
 * validation. */
static bool is_secondary(const struct http_response *response, const struct refusal_body *body)
{
	if (strcasestr(body->message, "submitted too quickly") != NULL)
		return response->status == 403 || response->status == 422;
	return response->status == 403 &&
		(strcasestr(body->message, "secondary rate limit") != NULL ||
			strcasestr(body->message, "abuse") != NULL);
}

static bool is_limited(
	const struct http_response *response, const struct refusal_body *body, int64_t *ret_ms)
{
	bool primary = response->status == 403 &&
		(response->retry_after_ms > 0 || response->limit_remaining == 0);

	if (response->status != 429 && !primary && !is_secondary(response, body))
		return false;
	if (response->retry_after_ms > 0)
		*ret_ms = response->retry_after_ms;
	else if (response->limit_remaining == 0 && response->limit_reset_ms > 0)
		*ret_ms = response->limit_reset_ms;
	else
		*ret_ms = SECONDARY_LIMIT_MS;
	return true;
}

#define UNARCHIVE                                                                                  \
	"Unarchive the repository in its settings, or use another one; then trigger the step "     \
	"again."
#define BLOCKED_TEXT "Use another repository, or follow the notice."

static const struct refusal refusals[] = {
	/* Whatever the status, and whatever was written: before rows of what it may speak of. */
	{ .message = "was archived so is read-only",
		.class = ERROR_INVALID_INPUT,
		.remedy = UNARCHIVE,
		.input = "repository",
		.always = true },
	{ .status = 410,
		.class = ERROR_INTERNAL,
		.remedy = "This version of GitHub's API is gone; update Slipway." },
	{ .status = 401,
		.message = "('exp')",
		.class = ERROR_AUTH_EXPIRED,
		.remedy = "Set the clock of the machine that made the token, make a new one, and "
			  "trigger the step again." },
	{ .status = 401,
		.message = "('iat')",
		.class = ERROR_AUTH_EXPIRED,
		.remedy = "Set the clock of the machine that made the token, make a new one, and "
			  "trigger the step again." },
	{ .status = 401,
		.class = ERROR_AUTH_EXPIRED,
		.remedy = "Replace the token in SLIPWAY_GITHUB_TOKEN_FILE and trigger the step "
			  "again.",
		.remedy_url = TOKENS_URL },
	{ .message = "Repository access blocked",
		.class = ERROR_NOT_FOUND,
		.remedy = BLOCKED_TEXT },
	{ .status = 451, .class = ERROR_NOT_FOUND, .remedy = BLOCKED_TEXT },
	{ .status = 403,
		.message = "SAML",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Authorise the token for the organisation's single sign-on, then trigger "
			  "the step again.",
		.remedy_url = TOKENS_URL },
	{ .status = 403,
		.message = "IP allow list",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Let an owner of the organisation add the address of the workers to its "
			  "IP allow list, then trigger the step again.",
		.remedy_url =
			"https://docs.github.com/organizations/keeping-your-organization-secure" },
	{ .status = 403,
		.message = "token's lifetime",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Shorten the lifetime of the token to what the organisation allows, then "
			  "trigger the step again.",
		.remedy_url = "https://github.com/settings/personal-access-tokens" },
	{ .status = 403,
		.message = "forbids access via a personal access token",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Use a token of a kind that the organisation allows, in "
			  "SLIPWAY_GITHUB_TOKEN_FILE, and trigger the step again.",
		.remedy_url = TOKENS_URL },
	{ .status = 403,
		.message = "Resource not accessible by personal access token",
		.class = ERROR_SCOPE_MISSING,
		.remedy_url = "https://github.com/settings/personal-access-tokens" },
	{ .status = 403,
		.message = "OAuth App access restrictions",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Let an owner of the organisation approve the app that the token is of, "
			  "then trigger the step again.",
		.remedy_url = "https://docs.github.com/articles/"
			      "restricting-access-to-your-organization-s-data/" },
	/* "Requires", but no permission. */
	{ .status = 403,
		.message = "two-factor",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Turn on two-factor authentication for the token's account, or use the "
			  "token of another; then trigger the step again.",
		.remedy_url = "https://github.com/settings/security" },
	{ .status = 403,
		.message = "email address must be verified",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Verify the email address of the token's account, then trigger the step "
			  "again.",
		.remedy_url = "https://github.com/settings/emails" },
	{ .status = 403,
		.message = "installation has been suspended",
		.class = ERROR_APP_NOT_INSTALLED,
		.remedy = "Lift the suspension of the app's installation, then trigger the step "
			  "again.",
		.remedy_url = "https://github.com/settings/installations" },
	{ .status = 403,
		.message = "account was suspended",
		.class = ERROR_AUTH_EXPIRED,
		.remedy = "Ask GitHub's support about the token's account, or use the token of "
			  "another.",
		.remedy_url = "https://support.github.com" },
	{ .status = 403,
		.message = "Upgrade to GitHub",
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Upgrade the plan of the account, or, where everybody may see its code, "
			  "make the repository public; then trigger the step again.",
		.remedy_url = PRICING_URL },
	{ .message = "through a pull request",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Choose a branch that takes commits without a pull request, or let the "
			  "token past that rule; then trigger the step again." },
	{ .message = "rule violation",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Follow the rule, which is in the settings of the repository or of its "
			  "organisation, or let the token bypass it; then trigger the step "
			  "again." },
	{ .status = 403,
		.message = "forking",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Let its owner allow forks of it, or make the repository from a "
			  "template; then trigger the step again.",
		.input = "fork" },
	{ .status = 422,
		.message = "template repository not found",
		.class = ERROR_NOT_FOUND,
		.input = "template" },
	{ .status = 403,
		.message = "Empty repositories cannot be forked",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Push a commit to the repository that is to be forked, then trigger the "
			  "step again.",
		.input = "fork" },
	{ .status = 403,
		.message = "admin access to the organization",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Let an owner of the organisation allow its members to create "
			  "repositories of this visibility, use an owner's token, or ask for "
			  "another \"visibility\"." },
	{ .status = 422,
		.message = "admin access to the organization",
		.class = ERROR_SCOPE_MISSING,
		.remedy = "Let an owner of the organisation allow its members to create "
			  "repositories of this visibility, use an owner's token, or ask for "
			  "another \"visibility\"." },
	{ .status = 422,
		.message = "upgrade your subscription",
		.class = ERROR_PLAN_LIMIT,
		.remedy = "Upgrade the plan of the account, or, where everybody may see its code, "
			  "make the repository public; then trigger the step again.",
		.remedy_url = PRICING_URL },
	{ .status = 422,
		.message = "Public repositories are not permitted",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Ask for \"visibility\": \"private\" or \"internal\", for the "
			  "organisation has no public repositories.",
		.input = "visibility" },
	{ .status = 422,
		.message = "visibility to internal",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Ask for \"visibility\": \"private\": only organisations of an "
			  "enterprise have internal repositories.",
		.input = "visibility" },
	{ .status = 422,
		.message = "visibility can't be",
		.class = ERROR_INVALID_INPUT,
		.remedy =
			"Ask for another \"visibility\", which the owner of the repository allows.",
		.input = "visibility" },
	{ .status = 422,
		.message = "key is already in use",
		.class = ERROR_CONFLICT_FOREIGN,
		.remedy = "Use another key, or remove it from where it is, then trigger the step "
			  "again." },
	{ .status = 422,
		.message = "is not a template repository",
		.class = ERROR_INVALID_INPUT,
		.remedy = "Mark it as a template in its settings, or fork it; then trigger the "
			  "step again.",
		.input = "template" },
	{ .status = 422, .code = "already_exists", .class = ERROR_CONFLICT_FOREIGN },
	{ .status = 422, .message = "already exists", .class = ERROR_CONFLICT_FOREIGN },
	/* What was made a moment ago is not everywhere yet. */
	{ .status = 422, .message = "Object does not exist", .class = ERROR_NOT_READY },
	{ .status = 422, .message = "Tree SHA does not exist", .class = ERROR_NOT_READY },
	{ .status = 409, .message = "Git Repository is empty", .class = ERROR_NOT_READY },
	/* Somebody wrote in between: the next attempt reads again. */
	{ .status = 409, .message = "does not match", .class = ERROR_CONFLICT_OURS },
	{ .status = 409, .message = "expected to be at", .class = ERROR_CONFLICT_OURS },
	{ .status = 422, .message = "Name must be unique", .class = ERROR_CONFLICT_OURS },
	{ .class = ERROR_NONE },
};

/* ---- what a plan asks before a change ---- */

#define REPOSITORY_PATH "/repos/{owner}/{repo}"

/* What of a repository the request changes: "/branches/{branch}/protection"; NULL: it changes none.
 */
static const char *changed_part(const struct provider_request *request)
{
	const char *part = request->path + strlen(REPOSITORY_PATH);

	if (!text_has_prefix(request->path, REPOSITORY_PATH))
		return NULL;
	/* An archived repository may be forked, and deleted. */
	if (strcmp(part, "/forks") == 0 || (request->method == HTTP_DELETE && part[0] == '\0'))
		return NULL;
	return part;
}

static bool foresee(const struct provider_request *request, struct provider_request *ret_read)
{
	static const struct string_pair permissions[] = { { "metadata", "read" }, { NULL, NULL } };

	*ret_read = (struct provider_request){ .path = REPOSITORY_PATH,
		.parameters = { request->parameters[0], request->parameters[1] },
		.permissions = permissions,
		.expect = { 401, 403, 404 } };
	return changed_part(request) != NULL;
}

static bool is_for_administrators(const char *part)
{
	static const char *const parts[] = { "/branches/", "/rulesets", "/collaborators/",
		"/actions/permissions" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (text_has_prefix(part, parts[i]))
			return true;
	return part[0] == '\0';
}

/* Of an app's token, GitHub shows no rights of a person: then none is true, not even to read. */
static enum error_class foreseen(
	const struct provider_request *request, const cJSON *json, struct error *error)
{
	const cJSON *rights = json_member(json, "permissions");
	const char *name = json_member_string(json, "full_name");
	bool administers = is_for_administrators(changed_part(request));

	name = name != NULL ? name : "the repository";
	if (cJSON_IsTrue(json_member(json, "archived"))) {
		error_set(error, ERROR_INVALID_INPUT,
			"%s is archived, so nothing can be written to it", name);
		text_copy(error->remedy_input, sizeof(error->remedy_input), "repository");
		return error_remedy(error, NULL, UNARCHIVE);
	}

	if (!cJSON_IsTrue(json_member(rights, "pull")) ||
		!cJSON_IsFalse(json_member(rights, administers ? "admin" : "push")))
		return ERROR_NONE;
	error_set(error, ERROR_SCOPE_MISSING, "the token's account may not %s %s",
		administers ? "administer" : "write to", name);
	return error_remedy(error, NULL,
		"Give the account the role %s there, or use another token; then trigger the step "
		"again.",
		administers ? "admin" : "write");
}

/* ---- settings ---- */

static const struct setting setting_rows[] = {
	{ URL_SETTING("SLIPWAY_GITHUB_URL", struct github_settings, url),
		.fallback = "https://api.github.com", .programs = SETTINGS_WORKER,
		.description = "Base URL of GitHub's REST API; https://HOST/api/v3 for an "
			       "Enterprise Server" },
	{ SECRET_SETTING("SLIPWAY_GITHUB_TOKEN", struct github_settings, token),
		.programs = SETTINGS_WORKER,
		.description =
			"Token for GitHub; not needed where the workers act as a GitHub App" },
	{ TEXT_SETTING("SLIPWAY_GITHUB_APP_ID", struct github_settings, app_id),
		.programs = SETTINGS_WORKER,
		.description = "GitHub App to act as: its client id or app id" },
	{ TEXT_SETTING("SLIPWAY_GITHUB_INSTALLATION_ID", struct github_settings, installation_id),
		.programs = SETTINGS_WORKER,
		.description = "Installation of the GitHub App: the number at the end of its "
			       "page's address" },
	{ TEXT_SETTING("SLIPWAY_GITHUB_APP_KEY_FILE", struct github_settings, app_key_file),
		.watched = true, .programs = SETTINGS_WORKER,
		.description = "File with the GitHub App's private key (.pem)" },
	{ INTEGER_SETTING(
		  "SLIPWAY_GITHUB_WRITE_SPACING_MS", struct github_settings, write_spacing_ms),
		.fallback = "1000", .maximum = 60000, .programs = SETTINGS_WORKER,
		.description = "Time between two calls to GitHub that change something, over all "
			       "workers, as GitHub asks; a step makes up to five in a row and "
			       "others wait the longer; 0 for a server of your own without "
			       "limits" },
};

/* A part of a GitHub App is none, and its token would be missed only when a step fails. */
static enum error_class check_app(const void *part, struct error *error)
{
	const struct github_settings *own = part;
	bool whole = (own->app_id != NULL) == (own->app_key_file != NULL);

	if (whole && (own->installation_id == NULL || own->app_id != NULL))
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT,
		"SLIPWAY_GITHUB_APP_ID, SLIPWAY_GITHUB_INSTALLATION_ID and "
		"SLIPWAY_GITHUB_APP_KEY_FILE belong together: set all three, or none; without the "
		"second, the app is for connections only");
}

static const struct provider_question *questions_of(const struct provider_access *access)
{
	return access->token == NULL && access->account != NULL ? github_app_questions
								: github_person_questions;
}

static struct provider_access access_of(const struct settings *settings)
{
	const struct github_settings *own = settings_part(settings, &github.settings);
	bool app = own->app_id != NULL && own->installation_id != NULL && own->app_key_file != NULL;
	struct provider_access access = {
		.base_url = own->url,
		.token = app ? NULL : own->token,
		.account = app ? own->installation_id : NULL,
		.write_spacing_ms = own->write_spacing_ms,
		.app = { .id = own->app_id,
			.installation_id = own->installation_id,
			.key_file = own->app_key_file },
	};

	access.questions = questions_of(&access);
	return access;
}

#define PUBLIC_SITE    "https://github.com"
#define API_ENTERPRISE "/api/v3" /* https://HOST/api/v3 of an Enterprise Server */
/* Https://api.NAME.ghe.com, of those whose data stays in a country */
#define API_SUBDOMAIN "https://api."

/* An API that is at none of the known places has its pages at GitHub's own. */
static const char *site(struct arena *arena, const char *base_url)
{
	size_t length = strlen(base_url), suffix = strlen(API_ENTERPRISE);

	while (length > 0 && base_url[length - 1] == '/')
		length--;
	if (length > suffix && strncmp(base_url + length - suffix, API_ENTERPRISE, suffix) == 0)
		return arena_format(arena, "%.*s", (int)(length - suffix), base_url);
	if (text_has_prefix(base_url, API_SUBDOMAIN))
		return arena_format(arena, "https://%.*s", (int)(length - strlen(API_SUBDOMAIN)),
			base_url + strlen(API_SUBDOMAIN));
	return PUBLIC_SITE;
}

/* Levels: https://docs.github.com/rest/apps/apps, schema app-permissions. */
static const char *const only_written[] = { "profile", "workflows", NULL };
static const char *const of_account[] = { "members", "organization_",
	"custom_properties_for_organizations", "enterprise_", NULL };
static const struct permission_names permission_names = {
	.least = { "metadata", "read" }, .only_written = only_written, .of_account = of_account
};

const struct provider github = {
	.id = "github",
	.name = "GitHub",
	.headers = { "Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28" },
	.request_id_header = "x-github-request-id",
	.sign_on_header = "x-github-sso",
	.permissions_header = "x-accepted-github-permissions",
	.scopes_header = "x-oauth-scopes",
	.expiry_header = "github-authentication-token-expiration",
	.permission_texts = { "not accessible by", "must have", "requires", "permission" },
	.settings = { SETTINGS_PART(struct github_settings, setting_rows), .check = check_app },
	.access = access_of,
	.questions = questions_of,
	.mint = github_app_token,
	.sign = github_app_sign,
	.forget = github_app_forget,
	.check_grant = github_app_check,
	.permission_names = &permission_names,
	.grant_page = github_app_page,
	.token_setting = "SLIPWAY_GITHUB_TOKEN",
	.tokens_page = TOKENS_URL,
	.token_prefixes = { "gh?_", "github_pat_" },
	.site = site,
	.settings_pages = PUBLIC_SITE "/settings/",
	.calls = github_calls,
	.plain_query = github_plain_query,
	.id_path = "/repositories/",
	.id_path_names = NAMES_REPOSITORY_ID,
	.read_refusal = read_refusal,
	.is_limited = is_limited,
	.refusals = refusals,
	.foresee = foresee,
	.foreseen = foreseen,
};
