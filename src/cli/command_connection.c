/*
 * slipway connection: adds, lists, removes and tries connections, in Redis itself, with the login
 * slipway-admin. What a credential may do is written by whoever has that login, and by nobody else.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/process.h"
#include "cli/command.h"
#include "cli/connection_add.h"
#include "cli/doctor.h"
#include "cli/open_redis.h"
#include "cli/operator.h"
#include "cli/show.h"
#include "core/connection.h"
#include "slipway/field.h"
#include "store/audit.h"
#include "store/connections.h"
#include "store/keys.h"

static const struct connection_options defaults = { .tenant = NULL };

static const char *tenant_of(const struct connection_options *options)
{
	return options->tenant != NULL ? options->tenant : TENANT_DEFAULT;
}

/*
 * What is changed here, no api has seen. The record is what it may do from now on; NULL: nothing. A
 * command that failed midway has changed something, for all that is known: the audit has that too,
 * as what it failed with. Gives the exit status.
 */
static int tell_audit(struct redis *redis, const struct connection_options *options,
	const char *what, const char *record, const struct error *failure)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char who[OPERATOR_SIZE];
	const struct error_class_facts *facts =
		failure != NULL ? error_class_facts(failure->class) : NULL;
	struct audit_entry entry = { .tenant = tenant_of(options),
		.token = who,
		.what = what,
		.status = facts != NULL ? facts->http_status : 200,
		.class = facts != NULL ? facts->name : NULL,
		.detail = arena_format(&arena, "connection %s%s%s%s%s", options->name,
			record != NULL && options->is_default ? ", the default" : "",
			failure != NULL ? ", all or a part of it" : "", record != NULL ? ": " : "",
			record != NULL ? record : "") };
	struct error error;

	operator_name(who);
	enum error_class class = audit_append(redis, &entry, &error);
	if (class == ERROR_NONE)
		return failure != NULL ? command_fail(failure) : EX_OK;
	if (failure != NULL)
		command_fail(failure);
	fprintf(stderr, "slipway: the audit lacks this %s, for:\n", what);
	return command_fail(&error);
}

/* ---- add ---- */

static int add(struct redis *redis, const struct connection_options *options)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct connection_options given = *options;
	const char *record;
	struct error error;

	process_hide();
	given.tenant = tenant_of(options);
	if (connection_add(redis, &given, &arena, &record, &error) != ERROR_NONE)
		return record != NULL ? tell_audit(redis, options, "connection add", record, &error)
				      : command_fail(&error);
	printf("The tenant %s has the connection %s%s.\n", given.tenant, given.name,
		given.is_default ? ", which its apps use where they name no other" : "");
	return tell_audit(redis, options, "connection add", record, NULL);
}

/* ---- list ---- */

static bool add_facts(cJSON *json, const struct stored_connection *stored)
{
	char time[CLOCK_TEXT_SIZE];
	const struct connection *connection = &stored->connection;

	cJSON_DeleteItemFromObjectCaseSensitive(json, "createdAt");
	return json_add(json, "tenant", cJSON_CreateString(connection->tenant)) &&
		json_add(json, "name", cJSON_CreateString(connection->name)) &&
		json_add(json, "default", cJSON_CreateBool(stored->is_default)) &&
		json_add(json, "createdAt",
			cJSON_CreateString(clock_text_or_null(connection->created_at, time)));
}

/* Of one that is broken nothing else is known. */
static bool add_fault(cJSON *json, const struct stored_connection *stored)
{
	return json_add(json, "tenant", cJSON_CreateString(stored->connection.tenant)) &&
		json_add(json, "name", cJSON_CreateString(stored->connection.name)) &&
		json_add(json, "fault", cJSON_CreateString(stored->fault)) &&
		json_add(json, "advice", cJSON_CreateString(stored->advice));
}

static void show_connection_json(const struct stored_connection *stored)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error ignored;

	if (stored->fault != NULL) {
		json = cJSON_CreateObject();
		show_json(stdout, add_fault(json, stored) ? json : NULL);
		return;
	}
	if (record_encode(&connection_record, &stored->connection, &json, &ignored) == ERROR_NONE &&
		add_facts(json, stored))
		show_json(stdout, json);
	else
		show_json(stdout, NULL);
}

static void show_list(const struct connection *connection, enum connection_list which)
{
	const struct string_list *list = connection_list(connection, which);

	if (list->count == 0)
		return;
	printf("    %-13s", connection_list_name(which));
	for (size_t i = 0; i < list->count; i++) {
		putchar(' ');
		show_text(stdout, list->items[i]);
	}
	putchar('\n');
}

static void show_connection(const struct stored_connection *stored)
{
	const struct connection *connection = &stored->connection;
	const char *rights = connection->adopt && connection->share ? "adopt, share"
		: connection->adopt                                 ? "adopt"
		: connection->share                                 ? "share"
								    : NULL;

	show_column(stdout, connection->tenant, 16);
	show_column(stdout, connection->name, 16);
	if (stored->fault != NULL) {
		printf("broken\n    ");
		show_text(stdout, stored->fault);
		printf("\n    ");
		show_text(stdout, stored->advice);
		putchar('\n');
		return;
	}
	show_column(stdout, connection->provider, 8);
	show_column(stdout, connection->kind, 6);
	show_column(stdout, connection->account, 16);
	show_column(stdout, rights, 13);
	printf("%s\n", stored->is_default ? "default" : "");
	for (enum connection_list which = CONNECTION_OWNERS; which <= CONNECTION_APPS; which++)
		show_list(connection, which);
}

static int list(struct redis *redis, const struct connection_options *options)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct stored_connection *found;
	size_t count;
	struct error error;

	if (connection_list_all(redis, options->tenant, &arena, &found, &count, &error) !=
		ERROR_NONE)
		return command_fail(&error);
	for (size_t i = 0; i < count; i++) {
		if (options->json)
			show_connection_json(&found[i]);
		else
			show_connection(&found[i]);
	}
	if (count == 0 && !options->json)
		printf("There are no connections.\n");
	return EX_OK;
}

/* ---- remove ---- */

static int remove_one(struct redis *redis, const struct connection_options *options)
{
	struct error error;
	bool changed;

	if (connection_delete(redis, tenant_of(options), options->name, &changed, &error) !=
		ERROR_NONE)
		return changed ? tell_audit(redis, options, "connection remove", NULL, &error)
			       : command_fail(&error);
	printf("The tenant %s has no connection %s any more.\n", tenant_of(options), options->name);
	return tell_audit(redis, options, "connection remove", NULL, NULL);
}

/* ---- test ---- */

static int try_one(struct redis *redis, const struct connection_options *options)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct doctor doctor = { &options->settings, redis };
	struct diagnosis diagnoses[DOCTOR_LINES_MAX];
	struct stored_connection stored;
	struct error error;
	bool fault = false;

	process_hide();
	if (connection_fetch(redis, tenant_of(options), options->name, true, &arena, &stored,
		    &error) != ERROR_NONE)
		return command_fail(&error);
	if (stored.record == NULL) {
		error_set(&error, ERROR_NOT_FOUND, "the tenant '%s' has no connection '%s'",
			tenant_of(options), options->name);
		return command_fail(&error);
	}

	memset(diagnoses, 0, sizeof(diagnoses));
	size_t count = doctor_ask_connection(&doctor, &stored, diagnoses);
	for (size_t i = 0; i < count; i++)
		fault |= diagnosis_print(options->name, &diagnoses[i], options->json);
	return fault ? EX_STEP_FAILED : EX_OK;
}

/* ---- the command ---- */

static const struct action {
	const char *name;
	bool takes_name;
	int (*execute)(struct redis *redis, const struct connection_options *options);
} actions[] = {
	{ "add", true, add },
	{ "list", false, list },
	{ "remove", true, remove_one },
	{ "test", true, try_one },
};

static const struct action *find_action(const char *what)
{
	for (size_t i = 0; what != NULL && i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, what) == 0)
			return &actions[i];
	return NULL;
}

static void check_command(void *raw_options, struct argp_state *state)
{
	const struct connection_options *options = raw_options;
	const struct action *action = find_action(options->what);

	if (action == NULL)
		argp_error(state, "'%s' is neither 'add' nor 'list' nor 'remove' nor 'test'",
			options->what != NULL ? options->what : "");
	else if (action->takes_name && (options->name == NULL || !identifier_valid(options->name)))
		argp_error(state, "%s needs the NAME of a connection", action->name);
	else if (!action->takes_name && options->name != NULL)
		argp_error(state, "%s takes no NAME", action->name);
	else if (action->execute == add && options->provider == NULL)
		argp_error(state, "add needs --provider, such as github");
}

static int execute(void *raw_options)
{
	const struct connection_options *options = raw_options;
	struct error error;
	struct redis *redis;

	if (open_redis(&options->settings, "connection", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	int status = find_action(options->what)->execute(redis, options);
	redis_free(redis);
	return status;
}

#define OPTIONS struct connection_options
static const struct option_row option_rows[] = {
	{ ARGUMENT("ACTION", OPTIONS, what), .required = true },
	{ ARGUMENT("NAME", OPTIONS, name) },
	{ TEXT_OPTION("tenant", 't', OPTIONS, tenant, "Whose it is (default)"), .value = "TENANT",
		.identifier = true },
	{ TEXT_OPTION("provider", 'p', OPTIONS, provider, "Whom it is for: github or vercel"),
		.value = "PROVIDER" },
	{ TEXT_OPTION("account", 'a', OPTIONS, account,
		  "The owner at GitHub, or the team at Vercel, that it works for"),
		.value = "ACCOUNT" },
	{ TEXT_OPTION("token-file", 'f', OPTIONS, token_file,
		  "File with the token; - for standard input"),
		.value = "FILE" },
	{ TEXT_OPTION("installation", 'i', OPTIONS, installation_id,
		  "Installation of a GitHub App, in the place of a token"),
		.value = "NUMBER" },
	{ TEXT_OPTION("app-id", 0, OPTIONS, app_id,
		  "The tenant's own GitHub App; without it, that of the workers"),
		.value = "ID" },
	{ TEXT_OPTION("app-key-file", 0, OPTIONS, app_key_file,
		  "File with the private key of its own app; - for standard input"),
		.value = "FILE" },
	{ LIST_OPTION("owner", 0, OPTIONS, owners, "Allow all that is this owner's"),
		.value = "PATTERN" },
	{ LIST_OPTION("repository", 0, OPTIONS, repositories, "Allow these: owner/name"),
		.value = "PATTERN" },
	{ LIST_OPTION("project", 0, OPTIONS, projects, "Allow these projects"),
		.value = "PATTERN" },
	{ LIST_OPTION("domain", 0, OPTIONS, domains, "Allow these domains"), .value = "PATTERN" },
	{ LIST_OPTION("app", 0, OPTIONS, apps, "Apps that may use it (all of the tenant)"),
		.value = "PATTERN" },
	{ FLAG_OPTION("adopt", 0, OPTIONS, adopt, "Apps may take what they did not make") },
	{ FLAG_OPTION("share", 0, OPTIONS, share, "Several apps may have the same thing") },
	{ FLAG_OPTION("default", 'd', OPTIONS, is_default,
		"Apps that name none for the provider use it") },
	{ FLAG_OPTION("replace", 'r', OPTIONS, replace, "In the place of the one of that name") },
	{ FLAG_OPTION("json", 'j', OPTIONS, json, "Print lines of JSON") },
	{ .type = OPTION_END },
};

const struct command command_connection = {
	.name = "connection",
	.summary = "Add, list, remove or test credentials of tenants for providers",
	.about = "'add NAME' gives a tenant a credential for a provider and says what may be done "
		 "with it: what no list names is refused, and * stands for any characters. The "
		 "credential comes from a file or standard input, and is sealed here with "
		 "--secrets-public-key: only workers open it. 'list' shows all but credentials. "
		 "'test NAME' asks the provider what a worker with these settings would be "
		 "refused. This asks Redis and not the endpoint: log in as slipway-admin, with "
		 "--redis-user and --redis-password-file.",
	.options = option_rows,
	.options_size = sizeof(struct connection_options),
	.defaults = &defaults,
	.programs = SETTINGS_ALL,
	.asks_redis = true,
	.check = check_command,
	.execute = execute,
};
