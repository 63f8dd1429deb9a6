/*
 * API: https://docs.github.com/rest/apps/apps: "Get an installation for the authenticated app".
 */
#include "provider/github_installation.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "provider/github_app.h"

static const struct provider_app *app_of(const struct provider_exchange *exchange)
{
	return &exchange->access->app;
}

/* The page of the app or of its installation, for a person to open; NULL where GitHub does not say.
 */
static const char *find_page(
	const struct provider_exchange *exchange, const struct provider_request *request)
{
	static const struct field page_fields[] = { { STRING_FIELD(
		"html_url", struct string_pair, value) } };
	static const struct record page_record = RECORD(struct string_pair, page_fields);
	struct string_pair page = { NULL, NULL };
	struct provider_response response = { .status = 0 };
	struct error ignored;
	cJSON *json;

	if (github_app_call(exchange, request, &response, &ignored) != ERROR_NONE ||
		response.status != 200 ||
		json_parse(response.body, response.body_length, JSON_LIMITS_WIDE, &json,
			&ignored) != ERROR_NONE)
		return NULL;
	enum error_class class = record_decode(
		&page_record, json, RECORD_LENIENT, "", exchange->arena, &page, &ignored);
	cJSON_Delete(json);
	return class == ERROR_NONE ? page.value : NULL;
}

static enum error_class refuse_installation(const struct provider_exchange *exchange,
	const struct provider_response *response, struct error *error)
{
	const struct provider_request app = { .path = "/app", .expect = { 401, 403, 404 } };
	const char *page = find_page(exchange, &app);
	char command[CONNECTION_COMMAND_SIZE];
	error_set(error, ERROR_APP_NOT_INSTALLED,
		"GitHub answers %d: installation %s of the app is not there any more",
		response->status, app_of(exchange)->installation_id);
	const char *url =
		page != NULL ? arena_format(exchange->arena, "%s/installations/new", page) : NULL;
	if (exchange->access->connection == NULL)
		return error_remedy(error, url,
			"Install the app on the organisation, set SLIPWAY_GITHUB_INSTALLATION_ID "
			"to the number in the address of the page that follows, restart "
			"slipway-worker, then trigger the step again.");
	return error_remedy(error, url,
		"Install the app on the organisation; the NUMBER is in the address of the "
		"page that follows. Then an operator gives it by %s; trigger the step again.",
		connection_command(
			exchange->access->connection, "--installation NUMBER --replace", command));
}

enum error_class installation_ask(const struct provider_exchange *exchange,
	struct mint_question *question, const char **ret_text, struct error *error)
{
	question->time_left_ms = exchange->deadline_at - clock_monotonic_ms();
	return app_of(exchange)->mint(app_of(exchange)->mint_data, question, ret_text, error);
}

static const char *ask_page_elsewhere(const struct provider_exchange *exchange)
{
	struct mint_question question = { .page = true };
	const char *page = NULL;
	struct error ignored;

	github_app_question(exchange, NULL, &question);
	return installation_ask(exchange, &question, &page, &ignored) == ERROR_NONE ? page : NULL;
}

const char *github_app_page(const struct provider_exchange *exchange)
{
	if (app_of(exchange)->mint != NULL)
		return ask_page_elsewhere(exchange);
	const struct provider_request installation = {
		.path = "/app/installations/{installation_id}",
		.parameters = { app_of(exchange)->installation_id },
		.expect = { 401, 403, 404 }
	};
	return find_page(exchange, &installation);
}

bool installation_lacks(const struct provider_response *response)
{
	return response->status == 422 && strcasestr(response->message, "does not exist") != NULL;
}

#define LIFT_SUSPENSION                                                                            \
	"Lift the suspension of the app's installation, then trigger the step again."
#define GIVE_RIGHTS                                                                                \
	"Give the app's installation the repository and the permissions that are named, then "     \
	"trigger the step again."

#define FRESH_MS 60000 /* what was made since may not be known where tokens are made */

static enum error_class refuse_grant(const struct provider_exchange *exchange,
	const struct provider_response *response, const char *grant, struct error *error)
{
	const int64_t ago_ms = exchange->grant != NULL ? exchange->grant->made_ago_ms : 0;

	if (ago_ms > 0 && ago_ms < FRESH_MS && installation_lacks(response))
		return error_set(error, ERROR_NOT_READY, "GitHub makes no token (%s) yet: %s",
			grant, response->message);
	const char *page = github_app_page(exchange);
	bool suspended = response->status == 403;
	error_set(error, suspended ? ERROR_APP_NOT_INSTALLED : ERROR_SCOPE_MISSING,
		"GitHub answers %d to the request for a token (%s): %s", response->status, grant,
		response->message);
	return error_remedy(error, page, "%s", suspended ? LIFT_SUSPENSION : GIVE_RIGHTS);
}

static enum error_class refuse_app(const struct provider_exchange *exchange,
	const struct provider_response *response, struct error *error)
{
	error_set(error, ERROR_AUTH_EXPIRED, "GitHub does not take the key of app %s: %s",
		app_of(exchange)->id, response->message);
	return error_remedy(error, NULL,
		"Compare SLIPWAY_GITHUB_APP_ID and SLIPWAY_GITHUB_APP_KEY_FILE with the app's "
		"page, and this machine's clock with the time; then restart slipway-worker.");
}

enum error_class installation_refuse(const struct provider_exchange *exchange,
	const struct provider_response *response, const char *grant, struct error *error)
{
	if (response->status == 401)
		refuse_app(exchange, response, error);
	else if (response->status == 404)
		refuse_installation(exchange, response, error);
	else
		refuse_grant(exchange, response, grant, error);
	return error_exchange(error, exchange->provider->id, response->status, response->code,
		response->request_id);
}

/* ---- what it grants ---- */

struct installation {
	struct string_map permissions;
	const char *suspended_at, *html_url;
};
static const struct field installation_fields[] = {
	{ MAP_FIELD("permissions", struct installation, permissions), .required = true },
	{ STRING_FIELD("suspended_at", struct installation, suspended_at) },
	{ STRING_FIELD("html_url", struct installation, html_url) },
};
static const struct record installation_record = RECORD(struct installation, installation_fields);

static enum error_class read_installation(const struct provider_exchange *exchange,
	const char *grant, struct installation *ret_installation, struct error *error)
{
	const struct provider_request request = { .path = "/app/installations/{installation_id}",
		.parameters = { app_of(exchange)->installation_id },
		.expect = { 401, 403, 404 } };
	struct provider_response response = { .status = 0 };
	CLEANUP_JSON cJSON *json = NULL;

	if (github_app_call(exchange, &request, &response, error) != ERROR_NONE)
		return error->class;
	if (response.status >= 400)
		return installation_refuse(exchange, &response, grant, error);
	return json_parse(response.body, response.body_length, JSON_LIMITS_WIDE, &json, error) ==
			ERROR_NONE
		? record_decode(&installation_record, json, RECORD_LENIENT, "", exchange->arena,
			  ret_installation, error)
		: error->class;
}

/* What one may who has this level: more, the later. */
static size_t rank_of(const char *level)
{
	static const char *const levels[] = { "read", "write", "admin" };
	size_t rank = 0;

	while (rank < ARRAY_LEN(levels) && strcmp(levels[rank], level) != 0)
		rank++;
	return rank < ARRAY_LEN(levels) ? rank + 1 : 0;
}

static bool grants(const struct installation *installation, const struct string_pair *wanted)
{
	for (size_t i = 0; i < installation->permissions.count; i++)
		if (strcmp(installation->permissions.items[i].name, wanted->name) == 0)
			return rank_of(installation->permissions.items[i].value) >=
				rank_of(wanted->value);
	return false;
}

static enum error_class check_installation(const struct provider_exchange *exchange,
	const struct mint_question *question, const struct installation *installation,
	struct error *error)
{
	const char *id = app_of(exchange)->installation_id;

	if (installation->suspended_at != NULL) {
		error_set(error, ERROR_APP_NOT_INSTALLED,
			"GitHub says that the installation %s of the app is suspended", id);
		return error_remedy(error, installation->html_url, LIFT_SUSPENSION);
	}
	for (size_t i = 0; i < question->permissions.count; i++) {
		const struct string_pair *wanted = &question->permissions.items[i];
		if (grants(installation, wanted))
			continue;
		error_set(error, ERROR_SCOPE_MISSING,
			"the installation %s of the app does not have the permission %s: %s", id,
			wanted->name, wanted->value);
		return error_remedy(error, installation->html_url, GIVE_RIGHTS);
	}
	return ERROR_NONE;
}

/* To read what is there is asked for as any token: whether the repository is in reach. */
static enum error_class check_reach(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error)
{
	struct provider_grant grant = *exchange->grant;
	struct provider_exchange own = *exchange;
	const char *ignored;

	grant.permissions = NULL;
	own.grant = &grant;
	return github_app_token(&own, request, false, &ignored, error);
}

static enum error_class check_here(const struct provider_exchange *exchange,
	const struct mint_question *question, const struct provider_request *request,
	struct error *error)
{
	struct installation installation = { .suspended_at = NULL };
	const char *grant =
		arena_format(exchange->arena, "installation %s", app_of(exchange)->installation_id);

	if (grant == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an installation");
	if (read_installation(exchange, grant, &installation, error) != ERROR_NONE ||
		check_installation(exchange, question, &installation, error) != ERROR_NONE)
		return error->class;
	return question->repository != NULL ? check_reach(exchange, request, error) : ERROR_NONE;
}

enum error_class github_app_check(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error)
{
	struct mint_question question = { .checks = true };
	const char *ignored;

	github_app_question(exchange, request, &question);
	return app_of(exchange)->mint != NULL
		? installation_ask(exchange, &question, &ignored, error)
		: check_here(exchange, &question, request, error);
}
