/*
 * Signs the App's JSON Web Token, asks for an installation token, and keeps it until shortly before
 * it expires; or has another process do that, and keeps what this has made for a short while.
 */
#include "provider/github_app.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/record.h"
#include "base/redact.h"
#include "provider/github_installation.h"

#define JWT_LIFE_MS  INT64_C(540000)
#define SKEW_SECONDS 30 /* of our clock, at which a refused JWT is worth another try */
#define REFRESH_MS   300000
#define LIFE_MAX_MS  3600000
#define KEPT_MS      240000 /* a token that another process has made, and keeps itself */
#define TOKENS_MAX   32
#define LIVING_MAX   96 /* tokens that are renewed live on for a while, and so do JWTs */

/* ---- the store: one process, one thread ---- */

struct stored_token {
	struct arena arena; /* of the texts */
	const char *grant;  /* what it is for; NULL: the place is free */
	const char *token;
	int64_t made_ms, until_ms; /* monotonic */
};
static struct stored_token tokens[TOKENS_MAX];
static size_t next_place;
static int64_t clock_skew_seconds; /* GitHub's clock less ours, as last seen */

static void drop(struct stored_token *stored)
{
	arena_release(&stored->arena);
	memset(stored, 0, sizeof(*stored));
}

/* ---- what is to stand in no text: each JWT and token for as long as it lives, whether it is still
 * in use or not ----
 */

struct living {
	struct arena arena; /* of the text */
	const char *text;   /* NULL: the place is free */
	int64_t until_ms;   /* monotonic */
};
static struct living living[LIVING_MAX];

static void forget_token(struct living *place)
{
	if (place->text != NULL)
		redact_remove(place->text);
	arena_release(&place->arena);
	memset(place, 0, sizeof(*place));
}

/* A place that is free, or that of the one which ends first. */
static struct living *find_place(void)
{
	struct living *first = &living[0];

	for (size_t i = 0; i < LIVING_MAX; i++) {
		if (living[i].text != NULL && living[i].until_ms <= clock_monotonic_ms())
			forget_token(&living[i]);
		if (living[i].text == NULL)
			return &living[i];
		if (living[i].until_ms < first->until_ms)
			first = &living[i];
	}

	forget_token(first);
	return first;
}

static enum error_class hide(const char *text, int64_t until_ms, struct error *error)
{
	struct living *place = find_place();

	arena_init(&place->arena, 0);
	const char *copy = arena_string(&place->arena, text);
	if (copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a token");
	if (redact_add(copy, error) != ERROR_NONE) {
		arena_release(&place->arena);
		return error->class;
	}

	place->text = copy;
	place->until_ms = until_ms;
	return ERROR_NONE;
}

void github_app_forget(void)
{
	for (size_t i = 0; i < TOKENS_MAX; i++)
		drop(&tokens[i]);
	for (size_t i = 0; i < LIVING_MAX; i++)
		forget_token(&living[i]);
	clock_skew_seconds = 0;
}

static struct stored_token *find(const char *grant)
{
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (tokens[i].grant != NULL && strcmp(tokens[i].grant, grant) == 0)
			return &tokens[i];
	return NULL;
}

static enum error_class store(
	const char *grant, const char *token, int64_t until_ms, struct error *error)
{
	struct stored_token *place = find(grant);

	if (place == NULL)
		place = &tokens[next_place++ % TOKENS_MAX];
	drop(place);
	arena_init(&place->arena, 0);
	const char *name = arena_string(&place->arena, grant),
		   *copy = arena_string(&place->arena, token);
	if (name == NULL || copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a token");
	if (hide(copy, until_ms, error) != ERROR_NONE)
		return error->class;
	place->grant = name;
	place->token = copy;
	place->made_ms = clock_monotonic_ms();
	place->until_ms = until_ms;
	return ERROR_NONE;
}

/* ---- the JWT by which the app shows who it is ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the app's token");
}

static const struct provider_app *app_of(const struct provider_exchange *exchange)
{
	return &exchange->access->app;
}

/* Signed here, or where the key is. */
static enum error_class make_jwt(
	const struct provider_exchange *exchange, const char **ret_jwt, struct error *error)
{
	const struct provider_app *app = app_of(exchange);
	enum error_class class = app->sign != NULL
		? app->sign(app->sign_data, clock_skew_seconds, ret_jwt, error)
		: github_app_sign(app, clock_skew_seconds, exchange->arena, ret_jwt, error);

	return class == ERROR_NONE ? hide(*ret_jwt, clock_monotonic_ms() + JWT_LIFE_MS, error)
				   : class;
}

/* ---- calls as the app ---- */

/* Nothing that a connection lists; what of it the token names, allowance_check() has allowed. */
static const struct call_row app_calls[] = {
	{ CALL(GET, "/app") },
	{ CALL_OF(GET, "/app/installations/{installation_id}", NAMES_NOTHING) },
	{ CALL_OF(POST, "/app/installations/{installation_id}/access_tokens", NAMES_NOTHING) },
	{ .path = NULL },
};

static enum error_class call_once(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *response,
	struct error *error)
{
	struct provider_access access = *exchange->access;
	struct provider_exchange own = *exchange;
	own.access = &access;
	access.connection = NULL;
	own.calls = app_calls;
	own.findings = NULL;
	if (make_jwt(exchange, &access.token, error) != ERROR_NONE ||
		provider_send(&own, request, response, error) != ERROR_NONE)
		return error->class;
	if (response->date_at > 0)
		clock_skew_seconds = (response->date_at - clock_wall_ms()) / 1000;
	return ERROR_NONE;
}

/* A clock that is off makes a JWT that is not valid yet, or no longer. */
enum error_class github_app_call(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *response,
	struct error *error)
{
	const int64_t assumed = clock_skew_seconds;

	if (call_once(exchange, request, response, error) != ERROR_NONE)
		return error->class;
	return response->status == 401 && llabs(clock_skew_seconds - assumed) >= SKEW_SECONDS
		? call_once(exchange, request, response, error)
		: ERROR_NONE;
}

/* Where the names of the repository stand among the path's parameters; -1: it names none. */
static int place_of_repository(const char *path)
{
	const char *found = strstr(path, "/repos/{owner}/{repo}");
	int place = 0;

	for (const char *at = path; found != NULL && at < found; at++)
		place += *at == '{';
	return found != NULL ? place : -1;
}

/* No permission named would be all that the installation has. */
static void ask_for_least(const struct provider_exchange *exchange, struct mint_question *question)
{
	question->permissions =
		(struct string_map){ &exchange->provider->permission_names->least, 1 };
}

void github_app_question(const struct provider_exchange *exchange,
	const struct provider_request *request, struct mint_question *question)
{
	const struct provider_grant *grant = exchange->grant;
	size_t count = 0;

	ask_for_least(exchange, question);
	if (grant == NULL)
		return;
	while (grant->permissions != NULL && grant->permissions[count].name != NULL)
		count++;
	if (count > 0)
		question->permissions = (struct string_map){ grant->permissions, count };
	question->made_ago_ms = grant->made_ago_ms;
	const int place =
		request != NULL && grant->one_repository ? place_of_repository(request->path) : -1;
	if (place < 0 || request->parameters[place + 1] == NULL)
		return;
	question->owner = request->parameters[place];
	question->repository = request->parameters[place + 1];
	question->missing = grant->may_be_missing;
}

/* ---- making a token ---- */

struct token_request {
	struct string_map permissions;
	struct string_list repositories;
};
static const struct field token_request_fields[] = {
	{ MAP_FIELD("permissions", struct token_request, permissions) },
	{ STRINGS_FIELD("repositories", struct token_request, repositories) },
};
static const struct record token_request_record =
	RECORD(struct token_request, token_request_fields);

struct token_repository {
	const char *full_name;
};
static const struct field token_repository_fields[] = {
	{ STRING_FIELD("full_name", struct token_repository, full_name), .required = true },
};
static const struct record token_repository_record =
	RECORD(struct token_repository, token_repository_fields);

struct token_answer {
	const char *token, *expires_at;
	struct object_list repositories; /* where they were asked for by their names */
};
static const struct field token_answer_fields[] = {
	{ STRING_FIELD("token", struct token_answer, token), .required = true },
	{ STRING_FIELD("expires_at", struct token_answer, expires_at), .required = true },
	{ OBJECTS_FIELD("repositories", struct token_answer, repositories),
		.record = &token_repository_record },
};
static const struct record token_answer_record = RECORD(struct token_answer, token_answer_fields);

/* One token, as it is given. */
struct making {
	struct mint_question *question;
	struct token_request body;
	const char *name; /* in the store */
	bool is_missing;  /* there is none: the repository may be missing, and is */
};

/* Both times are of GitHub's clock; ours does not matter. */
static int64_t life_ms(const struct token_answer *made, const struct provider_response *response)
{
	int64_t ends = clock_parse(made->expires_at);
	int64_t now = response->date_at > 0 ? response->date_at : clock_wall_ms();
	return ends <= now ? 0 : ends - now < LIFE_MAX_MS ? ends - now : LIFE_MAX_MS;
}

/* The owner is who has the installation, whatever the call names: another one's repository may have
 * the name of one that is listed. */
static enum error_class check_repositories(const struct provider_exchange *exchange,
	const struct token_request *asked, const struct token_answer *made, struct error *error)
{
	const struct connection *connection = exchange->access->connection;
	const struct token_repository *repositories = made->repositories.items;

	if (connection != NULL && asked->repositories.count > 0 && made->repositories.count == 0)
		return error_set(error, ERROR_NOT_ALLOWED,
			"GitHub does not say whose repository '%.160s' it has made a token for",
			asked->repositories.items[0]);
	for (size_t i = 0; connection != NULL && i < made->repositories.count; i++)
		if (!connection_allows_repository(connection, repositories[i].full_name))
			return error_set(error, ERROR_NOT_ALLOWED,
				"the installation of the connection '%s' has the repository "
				"'%.160s' by that name, which the connection does not list",
				connection->name, repositories[i].full_name);
	return ERROR_NONE;
}

/* Whether it is for the repository that was asked for, and for none of that name of who has the
 * installation. */
static bool is_of_question(const struct mint_question *question, const struct token_answer *made)
{
	const struct token_repository *repositories = made->repositories.items;
	const size_t length = strlen(question->owner);

	if (made->repositories.count == 0)
		return true;
	const char *name = repositories[0].full_name;
	return strncasecmp(name, question->owner, length) == 0 && name[length] == '/' &&
		strcasecmp(name + length + 1, question->repository) == 0;
}

static enum error_class take_token(const struct provider_exchange *exchange, struct making *making,
	const struct provider_response *response, const char **ret_token, struct error *error)
{
	struct token_answer made;
	cJSON *json;

	if (json_parse(response->body, response->body_length, JSON_LIMITS_WIDE, &json, error) !=
		ERROR_NONE)
		return error->class;
	enum error_class class = record_decode(
		&token_answer_record, json, RECORD_LENIENT, "", exchange->arena, &made, error);
	cJSON_Delete(json);
	if (class != ERROR_NONE)
		return class;
	making->is_missing = making->question->missing && !is_of_question(making->question, &made);
	if (making->is_missing)
		return ERROR_NONE;
	if (check_repositories(exchange, &making->body, &made, error) != ERROR_NONE)
		return error->class;
	*ret_token = made.token;
	return store(
		making->name, made.token, clock_monotonic_ms() + life_ms(&made, response), error);
}

static enum error_class ask_for_token(const struct provider_exchange *exchange,
	const struct token_request *body, struct provider_response *response, struct error *error)
{
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/app/installations/{installation_id}/access_tokens",
		.parameters = { app_of(exchange)->installation_id },
		.body_record = &token_request_record,
		.body = body,
		.expect = { 401, 403, 404, 422 } };

	return github_app_call(exchange, &request, response, error);
}

/* What the token is for, as a person reads it where it is refused. */
static const char *name_grant(
	const struct provider_exchange *exchange, const struct token_request *body)
{
	const char *name = arena_format(exchange->arena, "installation %s, %s",
		app_of(exchange)->installation_id,
		body->repositories.count > 0 ? body->repositories.items[0] : "all repositories");
	for (size_t i = 0; name != NULL && i < body->permissions.count; i++)
		name = arena_format(exchange->arena, "%s, %s: %s", name,
			body->permissions.items[i].name, body->permissions.items[i].value);
	return name;
}

/* By what a token is found again, as JSON, which says where each part ends: a repository may be
 * asked for by any text. Anybody can name the installation of somebody else, and say anything in a
 * record with which no credential was sealed: so it is the whole record that GitHub was shown a key
 * for. */
struct token_name {
	const char *app, *installation;
	const char *tenant, *connection, *digest; /* of the record; NULL: that of the settings */
	const void *grant;
	bool or_least; /* where the repository is missing, which another process finds out */
};
static const struct field token_name_fields[] = {
	{ STRING_FIELD("app", struct token_name, app) },
	{ STRING_FIELD("installation", struct token_name, installation) },
	{ STRING_FIELD("tenant", struct token_name, tenant) },
	{ STRING_FIELD("connection", struct token_name, connection) },
	{ STRING_FIELD("digest", struct token_name, digest) },
	{ OBJECT_FIELD("grant", struct token_name, grant), .record = &token_request_record },
	{ BOOLEAN_FIELD("orLeast", struct token_name, or_least), .omit_zero = true },
};
static const struct record token_name_record = RECORD(struct token_name, token_name_fields);

static enum error_class name_token(
	const struct provider_exchange *exchange, struct making *making, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	const struct connection *connection = exchange->access->connection;
	const struct provider_app *app = app_of(exchange);
	struct token_name name = { app->id, app->installation_id, .grant = &making->body,
		.or_least = making->question->missing && app->mint != NULL };
	char digest[CONNECTION_DIGEST_SIZE];
	const char *record;

	if (connection != NULL) {
		if (connection_print(connection, exchange->arena, &record, error) != ERROR_NONE)
			return error->class;
		connection_digest(record, digest);
		name.tenant = connection->tenant;
		name.connection = connection->name;
		name.digest = digest;
	}
	if (record_encode(&token_name_record, &name, &json, error) != ERROR_NONE)
		return error->class;
	making->name = json_print(exchange->arena, json);
	return making->name != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class make_here(const struct provider_exchange *exchange, struct making *making,
	const char **ret_token, struct error *error)
{
	struct provider_response response = { .status = 0 };
	const char *grant = name_grant(exchange, &making->body);

	if (grant == NULL)
		return no_memory(error);
	if (ask_for_token(exchange, &making->body, &response, error) != ERROR_NONE)
		return error->class;
	if (response.status < 400)
		return take_token(exchange, making, &response, ret_token, error);
	making->is_missing = making->question->missing && installation_lacks(&response);
	return making->is_missing ? ERROR_NONE
				  : installation_refuse(exchange, &response, grant, error);
}

/* It lasts for another REFRESH_MS at least. */
static enum error_class make_elsewhere(const struct provider_exchange *exchange,
	struct mint_question *question, const char *name, const char **ret_token,
	struct error *error)
{
	if (installation_ask(exchange, question, ret_token, error) != ERROR_NONE)
		return error->class;
	return store(name, *ret_token, clock_monotonic_ms() + REFRESH_MS + KEPT_MS, error);
}

/* A token is for what had the name when it was made, which another thing may have since. */
static bool is_good(const struct stored_token *stored, const struct mint_question *question)
{
	const int64_t now = clock_monotonic_ms();
	const bool is_older = question->repository != NULL && question->made_ago_ms > 0 &&
		now - stored->made_ms > question->made_ago_ms;

	return !question->refresh && !is_older && stored->until_ms - now >= REFRESH_MS;
}

static enum error_class give(const struct provider_exchange *exchange, struct making *making,
	const char **ret_token, struct error *error)
{
	struct mint_question *question = making->question;

	making->body = (struct token_request){ question->permissions,
		{ &question->repository, question->repository != NULL } };
	if (name_token(exchange, making, error) != ERROR_NONE)
		return error->class;
	const struct stored_token *stored = find(making->name);
	if (stored != NULL && is_good(stored, question)) {
		*ret_token = stored->token;
		return ERROR_NONE;
	}

	return app_of(exchange)->mint != NULL
		? make_elsewhere(exchange, question, making->name, ret_token, error)
		: make_here(exchange, making, ret_token, error);
}

enum error_class github_app_token(const struct provider_exchange *exchange,
	const struct provider_request *request, bool refresh, const char **ret_token,
	struct error *error)
{
	struct mint_question question = { .refresh = refresh };
	struct making making = { .question = &question, .name = "" };

	github_app_question(exchange, request, &question);
	enum error_class class = give(exchange, &making, ret_token, error);
	if (class != ERROR_NONE || !making.is_missing)
		return class;
	question = (struct mint_question){ .refresh = refresh };
	making.is_missing = false;
	ask_for_least(exchange, &question);
	return give(exchange, &making, ret_token, error);
}
