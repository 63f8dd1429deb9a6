/*
 * slipway token: makes, lists and revokes tokens, in Redis itself. So whoever may write its tokens
 * there needs none: the first one is made on a machine that has the login slipway-admin.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/operator.h"
#include "cli/show.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/tokens.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)

struct options {
	struct settings settings; /* first: see command.h */
	const char *what, *id;
	const char *role, *prefix, *tenant, *label, *expires;
	bool json;
};
static const struct options defaults = { .tenant = TENANT_DEFAULT };

/* How long it lasts, such as 30d, 12h or 45m; 0 for never. False for anything else. */
static bool read_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = { { 'm', MINUTE_MS }, { 'h', HOUR_MS }, { 'd', DAY_MS } };
	char number[8];
	size_t length = strlen(text);
	int64_t count;

	*ret_ms = 0;
	if (strcmp(text, "never") == 0)
		return true;
	if (length < 2 || !text_format(number, sizeof(number), "%.*s", (int)length - 1, text) ||
		!text_to_integer(number, &count) || count < 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].letter == text[length - 1])
			*ret_ms = count * units[i].ms;
	return *ret_ms > 0 && *ret_ms <= TOKEN_DAYS_MAX * DAY_MS;
}

/* ---- create ---- */

static void fill(struct token *token, const struct options *options)
{
	operator_name(token->maker);
	token->role = role_by_name(options->role);
	text_copy(token->tenant, sizeof(token->tenant), options->tenant);
	if (options->prefix != NULL)
		text_copy(token->prefix, sizeof(token->prefix), options->prefix);
	if (options->label != NULL)
		text_copy(token->label, sizeof(token->label), options->label);
}

/* The text alone goes to standard output, so that it can go into a file without being shown. */
static enum error_class create(
	struct redis *redis, const struct options *options, struct error *error)
{
	char text[TOKEN_TEXT_SIZE], ends[CLOCK_TEXT_SIZE];
	struct token token = { .role = ROLE_NONE };
	int64_t lasts_ms;

	if (!read_duration(options->expires, &lasts_ms))
		return error_set(
			error, ERROR_INVALID_INPUT, "'%.40s' is no duration", options->expires);
	fill(&token, options);
	token_make(&token, NULL, text);
	enum error_class class = token_store(redis, &token, lasts_ms, error);
	if (class == ERROR_NONE) {
		puts(text);
		fprintf(stderr,
			"The token %s has the role %s in the tenant %s, and ends %s. It is shown "
			"this once.\n",
			token.id, options->role, options->tenant,
			token.expires_at > 0 ? clock_text_or_null(token.expires_at, ends)
					     : "never");
	}
	sodium_memzero(text, sizeof(text));
	return class;
}

/* ---- list ---- */

static cJSON *time_json(int64_t at_ms)
{
	char text[CLOCK_TEXT_SIZE];
	return at_ms > 0 ? cJSON_CreateString(clock_text_or_null(at_ms, text)) : cJSON_CreateNull();
}

static cJSON *token_json(const struct token *token)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL || !json_add(json, "id", cJSON_CreateString(token->id)) ||
		!json_add(json, "role", cJSON_CreateString(role_name(token->role))) ||
		!json_add(json, "tenant", cJSON_CreateString(token->tenant)) ||
		!json_add(json, "appPrefix", cJSON_CreateString(token->prefix)) ||
		!json_add(json, "label", cJSON_CreateString(token->label)) ||
		!json_add(json, "createdBy", cJSON_CreateString(token->maker)) ||
		!json_add(json, "createdAt", time_json(token->created_at)) ||
		!json_add(json, "expiresAt", time_json(token->expires_at)) ||
		!json_add(json, "revokedAt", time_json(token->revoked_at)))
		return NULL;
	return json_take(&json);
}

static void show_token(const struct token *token)
{
	char time[CLOCK_TEXT_SIZE];
	const char *role = role_name(token->role);

	show_column(stdout, token->id, 16);
	show_column(stdout, token->revoked_at > 0 ? "revoked" : text_or_null(role), 7);
	show_column(stdout, token->tenant, 12);
	show_column(stdout, text_or_null(token->prefix), 12);
	show_column(stdout,
		token->expires_at > 0 ? clock_text_or_null(token->expires_at, time) : NULL, 24);
	show_text(stdout, token->label);
	putchar('\n');
}

static enum error_class list(
	struct redis *redis, const struct options *options, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct token *tokens;
	size_t count;

	if (token_list(redis, &arena, &tokens, &count, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++) {
		CLEANUP_JSON cJSON *json = options->json ? token_json(&tokens[i]) : NULL;
		if (options->json)
			show_json(stdout, json);
		else
			show_token(&tokens[i]);
	}
	if (count == 0 && !options->json)
		printf("There are no tokens.\n");
	return ERROR_NONE;
}

/* ---- revoke ---- */

static enum error_class end_token(
	struct redis *redis, const struct options *options, struct error *error)
{
	if (token_revoke(redis, options->id, error) != ERROR_NONE)
		return error->class;
	printf("The token %s is revoked.\n", options->id);
	return ERROR_NONE;
}

/* ---- the command ---- */

static void check_create(const struct options *options, struct argp_state *state)
{
	int64_t ignored;

	if (role_by_name(options->role) == ROLE_NONE)
		argp_error(state, "--role must be read, deploy or admin");
	if (options->expires == NULL || !read_duration(options->expires, &ignored))
		argp_error(state,
			"--expires must be a duration such as 30d, 12h or 45m, of at most %d days, "
			"or never",
			TOKEN_DAYS_MAX);
	if (options->label != NULL && !token_label_valid(options->label))
		argp_error(state, "--label must be at most %d printable characters",
			TOKEN_LABEL_SIZE - 1);
	if (options->id != NULL)
		argp_error(state, "create takes no ID: it makes one");
}

static void check_list(const struct options *options, struct argp_state *state)
{
	if (options->id != NULL)
		argp_error(state, "list takes no ID");
}

static void check_revoke(const struct options *options, struct argp_state *state)
{
	if (options->id == NULL || !token_id_valid(options->id))
		argp_error(state, "revoke needs the ID of a token, as list shows it");
}

static const struct action {
	const char *name;
	void (*check)(const struct options *options, struct argp_state *state);
	enum error_class (*execute)(
		struct redis *redis, const struct options *options, struct error *error);
} actions[] = {
	{ "create", check_create, create },
	{ "list", check_list, list },
	{ "revoke", check_revoke, end_token },
};

static const struct action *find_action(const char *what)
{
	for (size_t i = 0; what != NULL && i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, what) == 0)
			return &actions[i];
	return NULL;
}

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;
	const struct action *action = find_action(options->what);

	if (action == NULL)
		argp_error(state, "'%s' is neither 'create' nor 'list' nor 'revoke'",
			options->what != NULL ? options->what : "");
	else
		action->check(options, state);
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;
	struct redis *redis;

	if (open_redis(&options->settings, "token", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	enum error_class class = find_action(options->what)->execute(redis, options, &error);
	redis_free(redis);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("ACTION", struct options, what), .required = true },
	{ ARGUMENT("ID", struct options, id) },
	{ TEXT_OPTION("role", 'r', struct options, role,
		  "What it may do: read, deploy or admin; each includes those before it"),
		.value = "ROLE" },
	{ TEXT_OPTION("app-prefix", 'a', struct options, prefix,
		  "Only apps whose id begins so; without it, all of the tenant"),
		.value = "PREFIX", .identifier = true },
	{ TEXT_OPTION("expires", 'e', struct options, expires,
		  "When it ends: in 30d, 12h or 45m, or never"),
		.value = "DURATION" },
	{ TEXT_OPTION("tenant", 't', struct options, tenant, "Whose it is (default)"),
		.value = "TENANT", .identifier = true },
	{ TEXT_OPTION("label", 'l', struct options, label, "Who or what it is for"),
		.value = "TEXT" },
	{ FLAG_OPTION("json", 'j', struct options, json, "List one JSON object per line") },
	{ .type = OPTION_END },
};

const struct command command_token = {
	.name = "token",
	.summary = "Make, list or revoke tokens for the endpoint",
	.about = "'create' makes a token and prints it, once; Redis keeps only its hash. 'list' "
		 "shows all tokens, without their secrets. 'revoke ID' ends one within a second, "
		 "with the browser tokens that were made with it. This asks Redis and not the "
		 "endpoint: log in as slipway-admin, with --redis-user and "
		 "--redis-password-file.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.check = check_options,
	.execute = execute,
};
