/*
 * Vercel's REST API: https://vercel.com/docs/rest-api. The version stands in each path. Error bodies and limits as
 * documented there under "Errors" and "Rate limits".
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/provider.h"

#define LIMIT_MS      5000 /* where neither Retry-After nor the body says how long */
#define LIMIT_MOST_MS 86400000

/* Every call carries the team, GETs and DELETEs as well; without it, it runs in the token's own account. */
static struct string_pair scope(const char *team)
{
	return (struct string_pair){ text_has_prefix(team, "team_") ? "teamId" : "slug", team };
}

static void copy_member(const cJSON *json, const char *name, char *target, size_t size)
{
	const char *text = json_member_string(json, name);
	text_copy(target, size, text != NULL ? text : "");
}

static void read_refusal(const cJSON *json, struct refusal_body *body)
{
	const cJSON *error = json_member(json, "error");
	copy_member(error, "code", body->code, sizeof(body->code));
	copy_member(error, "message", body->message, sizeof(body->message));
	copy_member(error, "link", body->link, sizeof(body->link));
	const char *action = json_member_string(error, "action");
	if (action != NULL) {
		size_t length = strlen(body->message);
		text_format(body->message + length, sizeof(body->message) - length, " (%s)", action);
	}
	/* A token that is no good is said by a member beside the code forbidden. */
	if (cJSON_IsTrue(json_member(error, "invalidToken")))
		text_copy(body->code, sizeof(body->code), "invalidToken");
	/* resetMs is a time since 1970. */
	const cJSON *reset = json_member(json_member(error, "limit"), "resetMs");
	double left = cJSON_IsNumber(reset) ? reset->valuedouble - (double)clock_wall_ms() : 0;
	if (left > 0 && left < LIMIT_MOST_MS)
		body->retry_after_ms = (int64_t)left;
}

static bool is_limited(const struct http_answer *answer, const struct refusal_body *body, int64_t *ret_ms)
{
	if (answer->status != 429)
		return false;
	*ret_ms = answer->retry_after_ms > 0 ? answer->retry_after_ms
		: body->retry_after_ms > 0   ? body->retry_after_ms
		: answer->limit_reset_ms > 0 ? answer->limit_reset_ms
					     : LIMIT_MS;
	return true;
}

#define GIT_APP_URL "https://github.com/apps/vercel"

static const struct refusal refusals[] = {
	{ 400, NULL, "Add a Login Connection", ERROR_APP_NOT_INSTALLED,
		"Connect the Vercel account of the token with GitHub, then trigger the step again.",
		"https://vercel.com/account/login-connections" },
	{ 400, NULL, "Install GitHub App", ERROR_APP_NOT_INSTALLED,
		"Install Vercel's GitHub app on the organisation that owns the repository, then trigger the step "
		"again.",
		GIT_APP_URL },
	{ 400, "repo_not_found", NULL, ERROR_APP_NOT_INSTALLED,
		"Give Vercel's GitHub app access to the repository, then trigger the step again.", GIT_APP_URL },
	{ 400, "repo_links_exceeded_limit", NULL, ERROR_PLAN_LIMIT,
		"Unlink a project that needs the repository no more, or choose another plan.",
		"https://vercel.com/dashboard" },
	{ 400, NULL, "env update", ERROR_CONFLICT_OURS, NULL, NULL },
	{ 401, NULL, NULL, ERROR_AUTH_EXPIRED,
		"Replace the token in SLIPWAY_VERCEL_TOKEN_FILE and trigger the step again.",
		"https://vercel.com/account/settings/tokens" },
	{ 403, "invalidToken", NULL, ERROR_AUTH_EXPIRED,
		"Replace the token in SLIPWAY_VERCEL_TOKEN_FILE and trigger the step again.",
		"https://vercel.com/account/settings/tokens" },
	{ 403, NULL, NULL, ERROR_SCOPE_MISSING,
		"Check SLIPWAY_VERCEL_TEAM and the role of the token's user in that team.", NULL },
	{ 402, NULL, NULL, ERROR_PLAN_LIMIT, NULL, "https://vercel.com/dashboard/usage" },
	{ 428, NULL, NULL, ERROR_PLAN_LIMIT, NULL, NULL },
	{ 409, NULL, NULL, ERROR_CONFLICT_FOREIGN, NULL, NULL },
	{ 410, NULL, NULL, ERROR_INTERNAL, "This version of Vercel's API is gone; update Slipway.", NULL },
	{ 0, NULL, NULL, ERROR_NONE, NULL, NULL },
};

static struct provider_access access_of(const struct settings *settings)
{
	return (struct provider_access){
		.base_url = settings->vercel_url,
		.token = settings->vercel_token,
		.scope = settings->vercel_team,
		.probe = "/v2/user",
	};
}

const struct provider vercel = {
	.id = "vercel",
	.name = "Vercel",
	.headers = { "Accept: application/json" },
	.access = access_of,
	.token_setting = "SLIPWAY_VERCEL_TOKEN",
	.scope = scope,
	.read_refusal = read_refusal,
	.is_limited = is_limited,
	.refusals = refusals,
};
