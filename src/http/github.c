/*
 * GitHub's REST API: https://docs.github.com/rest. Statuses, headers and limits as documented there under "Rate limits
 * for the REST API" and "Troubleshooting the REST API".
 */
#include <string.h>

#include "base/text.h"
#include "http/github_app.h"
#include "http/provider.h"

#define SECONDARY_LIMIT_MS 60000 /* the least that GitHub asks for where it gives no Retry-After */

static void read_refusal(const cJSON *json, struct refusal_body *body)
{
	const char *message = json_member_string(json, "message");
	text_copy(body->message, sizeof(body->message), message != NULL ? message : "");
	/* errors holds objects, or strings: branch protection and template generation send those. */
	const cJSON *first = cJSON_GetArrayItem(json_member(json, "errors"), 0);
	const char *detail = cJSON_IsString(first) ? first->valuestring : json_member_string(first, "message");
	const char *code = json_member_string(first, "code");
	text_copy(body->code, sizeof(body->code), code != NULL ? code : "");
	if (detail != NULL) {
		size_t length = strlen(body->message);
		text_format(
			body->message + length, sizeof(body->message) - length, "%s%s", length > 0 ? ": " : "", detail);
	}
}

static bool is_limited(const struct http_answer *answer, const struct refusal_body *body, int64_t *ret_ms)
{
	if (answer->status != 403 && answer->status != 429)
		return false;
	bool secondary = strcasestr(body->message, "secondary rate limit") != NULL ||
		strcasestr(body->message, "abuse") != NULL ||
		strcasestr(body->message, "submitted too quickly") != NULL;
	if (answer->status == 403 && answer->retry_after_ms == 0 && answer->limit_remaining != 0 && !secondary)
		return false;
	if (answer->retry_after_ms > 0)
		*ret_ms = answer->retry_after_ms;
	else if (answer->limit_remaining == 0 && answer->limit_reset_ms > 0)
		*ret_ms = answer->limit_reset_ms;
	else
		*ret_ms = SECONDARY_LIMIT_MS;
	return true;
}

static const struct refusal refusals[] = {
	{ 401, NULL, NULL, ERROR_AUTH_EXPIRED,
		"Replace the token in SLIPWAY_GITHUB_TOKEN_FILE and trigger the step again.",
		"https://github.com/settings/tokens" },
	{ 403, NULL, "SAML", ERROR_SCOPE_MISSING, "Authorise the token for the organisation's single sign-on.",
		"https://github.com/settings/tokens" },
	{ 403, NULL, "Resource not accessible by", ERROR_SCOPE_MISSING, NULL, NULL },
	{ 403, NULL, "Upgrade to GitHub", ERROR_PLAN_LIMIT,
		"Upgrade the plan of the account, or make the repository public.", "https://github.com/pricing" },
	{ 403, NULL, "suspended", ERROR_APP_NOT_INSTALLED, "Lift the suspension of the app's installation.", NULL },
	{ 422, "already_exists", NULL, ERROR_CONFLICT_FOREIGN, NULL, NULL },
	{ 422, NULL, "already exists", ERROR_CONFLICT_FOREIGN, NULL, NULL },
	{ 409, NULL, "Git Repository is empty", ERROR_NOT_READY, NULL, NULL },
	{ 0, NULL, NULL, ERROR_NONE, NULL, NULL },
};

static struct provider_access access_of(const struct settings *settings)
{
	/* An app is not a person: GET /user is refused to it. */
	bool app = settings->github_app_id != NULL && settings->github_installation_id != NULL &&
		settings->github_app_key_file != NULL;
	return (struct provider_access){
		.base_url = settings->github_url,
		.token = app ? NULL : settings->github_token,
		.account = app ? settings->github_installation_id : NULL,
		.probe = app ? "/installation/repositories" : "/user",
	};
}

const struct provider github = {
	.id = "github",
	.name = "GitHub",
	.headers = { "Accept: application/vnd.github+json", "X-GitHub-Api-Version: 2022-11-28" },
	.access = access_of,
	.mint = github_app_token,
	.token_setting = "SLIPWAY_GITHUB_TOKEN",
	.read_refusal = read_refusal,
	.is_limited = is_limited,
	.refusals = refusals,
};
