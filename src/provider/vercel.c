/*
 * Vercel's REST API: https://vercel.com/docs/rest-api. The version stands in each path. Error bodies and limits as
 * documented there under "Errors" and "Rate limits".
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "provider/provider.h"

#define LIMIT_MS      5000 /* where neither Retry-After nor the body says how long */
#define LIMIT_MAX_MS  86400000
#define SECONDS_BELOW 1e11 /* a later second since 1970 is of the year 5138 */
#define INVALID_TOKEN "the token is not valid"

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

/* How long until the limit opens. resetMs is milliseconds since 1970, reset seconds or, for quotas, milliseconds. */
static int64_t limit_left_ms(const cJSON *limit)
{
	const cJSON *reset_ms = json_member(limit, "resetMs"), *reset = json_member(limit, "reset");
	double at = cJSON_IsNumber(reset_ms) ? reset_ms->valuedouble : cJSON_IsNumber(reset) ? reset->valuedouble : 0;
	if (at < SECONDS_BELOW)
		at *= 1000;
	double left = at - (double)clock_wall_ms();
	return left > 0 && left < LIMIT_MAX_MS ? (int64_t)left : 0;
}

static void read_limit(const cJSON *limit, struct refusal_body *body)
{
	char detail[64];
	const cJSON *remaining = json_member(limit, "remaining"), *total = json_member(limit, "total");
	body->retry_after_ms = limit_left_ms(limit);
	if (!cJSON_IsNumber(remaining) || !cJSON_IsNumber(total))
		return;
	text_format(detail, sizeof(detail), "%.0f of %.0f are left", remaining->valuedouble, total->valuedouble);
	refusal_add(body, detail);
}

static void read_refusal(const cJSON *json, struct refusal_body *body)
{
	const cJSON *error = json_member(json, "error");

	copy_member(error, "code", body->code, sizeof(body->code));
	copy_member(error, "message", body->message, sizeof(body->message));
	copy_member(error, "link", body->link, sizeof(body->link));

	/* What a person is to do, as "Install GitHub App", or what was refused, as "create". */
	refusal_add(body, json_member_string(error, "action"));
	read_limit(json_member(error, "limit"), body);

	/* A token that is no good is said by a member beside the code forbidden. */
	if (cJSON_IsTrue(json_member(error, "invalidToken")))
		refusal_add(body, INVALID_TOKEN);
}

static bool is_limited(const struct http_response *response, const struct refusal_body *body, int64_t *ret_ms)
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
#define DOMAINS_URL    "https://vercel.com/dashboard/domains"
#define BILLING_URL    "https://vercel.com/dashboard/usage"
#define DASHBOARD_URL  "https://vercel.com/dashboard"
#define PROTECTION_URL "https://vercel.com/docs/deployment-protection"
#define REPLACE_TOKEN  "Replace the token in SLIPWAY_VERCEL_TOKEN_FILE and trigger the step again."
#define FREE_DOMAIN    "Remove the domain from the project or account that has it, or choose another."
#define FREE_VARIABLE  "Remove the variable of that name from the project, or give this one other targets."

static const struct refusal refusals[] = {
	/* Git: what only a person can connect. */
	{ 400, NULL, "Login Connection", ERROR_APP_NOT_INSTALLED,
		"Connect the Vercel account of the token with GitHub, then trigger the step again.", LOGINS_URL },
	{ 400, NULL, "Install GitHub App", ERROR_APP_NOT_INSTALLED,
		"Install Vercel's GitHub app on the organisation that owns the repository, then trigger the step "
		"again.",
		GIT_APP_URL },
	{ 0, "repo_not_found", NULL, ERROR_APP_NOT_INSTALLED,
		"Give Vercel's GitHub app access to the repository, then trigger the step again.", GIT_APP_URL },
	{ 0, "repo_links_exceeded_limit", NULL, ERROR_PLAN_LIMIT,
		"Unlink projects that no longer need the repository, then trigger the step again.", DASHBOARD_URL },
	/* Vercel does not see yet what was pushed a moment ago. */
	{ 400, "incorrect_git_source_info", NULL, ERROR_NOT_READY, NULL, NULL },

	{ 400, NULL, "env update", ERROR_CONFLICT_OURS, NULL, NULL },
	{ 0, "ENV_CONFLICT", NULL, ERROR_CONFLICT_FOREIGN, FREE_VARIABLE, DASHBOARD_URL },
	{ 0, "ENV_ALREADY_EXISTS", NULL, ERROR_CONFLICT_FOREIGN, FREE_VARIABLE, DASHBOARD_URL },

	{ 0, "domain_already_in_use", NULL, ERROR_CONFLICT_FOREIGN, FREE_DOMAIN, DOMAINS_URL },
	{ 0, "existing_project_domain", NULL, ERROR_CONFLICT_FOREIGN, FREE_DOMAIN, DOMAINS_URL },
	{ 400, NULL, "already assigned to another project", ERROR_CONFLICT_FOREIGN, FREE_DOMAIN, DOMAINS_URL },
	{ 403, NULL, "access to the domain", ERROR_CONFLICT_FOREIGN, FREE_DOMAIN, DOMAINS_URL },
	{ 0, "missing_txt_record", NULL, ERROR_NOT_READY, NULL, NULL },
	{ 0, "custom_domain_needs_upgrade", NULL, ERROR_PLAN_LIMIT, NULL, BILLING_URL },
	{ 400, NULL, "latest production deployment", ERROR_BUILD_FAILED,
		"Run the deployment step until it is done, then this one again.", NULL },
	{ 400, NULL, "is not READY", ERROR_NOT_READY, NULL, NULL },
	{ 400, NULL, "alias is not ready", ERROR_NOT_READY, NULL, NULL },
	{ 400, NULL, "only accessible for enterprise", ERROR_PLAN_LIMIT, NULL, BILLING_URL },

	{ 401, NULL, NULL, ERROR_AUTH_EXPIRED, REPLACE_TOKEN, TOKENS_URL },
	{ 403, NULL, INVALID_TOKEN, ERROR_AUTH_EXPIRED, REPLACE_TOKEN, TOKENS_URL },
	{ 403, NULL, "re-authenticate to this scope", ERROR_SCOPE_MISSING,
		"Correct SLIPWAY_VERCEL_TEAM, or give the workers a token that reaches that team, and trigger the step "
		"again.",
		TOKENS_URL },
	{ 403, NULL, NULL, ERROR_SCOPE_MISSING,
		"Check SLIPWAY_VERCEL_TEAM and the role of the token's user in that team, then trigger the step again.",
		NULL },

	/* Its limit.reset is always a day from now, so there is nothing to wait for within a run. */
	{ 402, "api-deployments-free-per-day", NULL, ERROR_PLAN_LIMIT,
		"Upgrade the plan, or trigger the step again when the day's deployments are no longer used up.",
		BILLING_URL },
	{ 402, NULL, NULL, ERROR_PLAN_LIMIT,
		"Put the payment or the plan of the account in order, then trigger the step again.", BILLING_URL },
	{ 428, NULL, NULL, ERROR_PLAN_LIMIT,
		"Add deployment protection to the plan, or do without it, then trigger the step again.",
		PROTECTION_URL },
	{ 409, NULL, "being transfer", ERROR_CONFLICT_FOREIGN,
		"Wait until the project has been transferred, then trigger the step again.", DASHBOARD_URL },
	{ 409, NULL, NULL, ERROR_CONFLICT_FOREIGN, NULL, NULL },
	{ 410, NULL, NULL, ERROR_INTERNAL, "This version of Vercel's API is gone; update Slipway.", NULL },
	{ .class = ERROR_NONE },
};

struct vercel_settings {
	const char *url;
	const char *token;
	const char *team;
};
static const struct setting setting_rows[] = {
	{ URL_SETTING("SLIPWAY_VERCEL_URL", struct vercel_settings, url), .fallback = "https://api.vercel.com",
		.programs = SETTINGS_WORKER, .description = "Base URL of Vercel's REST API" },
	{ SECRET_SETTING("SLIPWAY_VERCEL_TOKEN", struct vercel_settings, token), .programs = SETTINGS_WORKER,
		.description = "Token for Vercel" },
	{ TEXT_SETTING("SLIPWAY_VERCEL_TEAM", struct vercel_settings, team), .programs = SETTINGS_WORKER,
		.description = "Vercel team that owns the projects, by id (team_...) or slug; without it the token's "
			       "own account" },
};

/* That the token is good is not enough: it may not reach the team, or not any more. */
static struct provider_access access_of(const struct settings *settings)
{
	const struct vercel_settings *own = settings_part(settings, &vercel.settings);
	bool team = own->team != NULL && own->team[0] != '\0';

	return (struct provider_access){
		.base_url = own->url,
		.token = own->token,
		.scope = own->team,
		.probe = team ? "/v2/teams/{teamId}" : "/v2/user",
	};
}

const struct provider vercel = {
	.id = "vercel",
	.name = "Vercel",
	.headers = { "Accept: application/json" },
	.request_id_header = "x-vercel-id",
	.settings = { SETTINGS_PART(struct vercel_settings, setting_rows) },
	.access = access_of,
	.token_setting = "SLIPWAY_VERCEL_TOKEN",
	.scope = scope,
	.read_refusal = read_refusal,
	.is_limited = is_limited,
	.refusals = refusals,
};
