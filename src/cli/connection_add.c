/*
 * The credential is in memory that is wiped, and nowhere else: what is written to Redis only the
 * workers open.
 */
#include "cli/connection_add.h"

#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "base/secret_file.h"
#include "cli/operator.h"
#include "core/connection.h"
#include "core/secret.h"
#include "provider/providers.h"
#include "slipway/field.h"
#include "store/connections.h"
#include "store/server.h"

/* ---- the record ---- */

static enum error_class refuse_option(
	const char *place, const char *message, const char *remedy, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s", message);
	error_at(error, "%s", place);
	return error_remedy(error, NULL, "%s", remedy);
}

static struct string_list list_of(const struct option_list *options)
{
	return (struct string_list){ options->items, options->count };
}

/* Without --app it is for all apps of the tenant. */
static struct string_list apps_of(const struct option_list *options)
{
	static const char *const all[] = { "*" };
	return options->count > 0 ? list_of(options) : (struct string_list){ all, ARRAY_LEN(all) };
}

static struct connection make_connection(
	const struct connection_options *options, int64_t now, const char *maker)
{
	return (struct connection){ .tenant = options->tenant,
		.name = options->name,
		.provider = options->provider,
		.kind = options->installation_id != NULL ? CONNECTION_APP : CONNECTION_TOKEN,
		.account = options->account,
		.app_id = options->app_id,
		.installation_id = options->installation_id,
		.owners = list_of(&options->owners),
		.repositories = list_of(&options->repositories),
		.projects = list_of(&options->projects),
		.domains = list_of(&options->domains),
		.apps = apps_of(&options->apps),
		.adopt = options->adopt,
		.share = options->share,
		.created_at = now,
		.created_by = maker };
}

static enum error_class check_options(const struct connection_options *options,
	const struct connection *connection, struct error *error)
{
	bool has_key = options->app_key_file != NULL, is_app = options->installation_id != NULL;

	if (provider_find(options->provider) == NULL)
		return refuse_option("/provider", "this build has no such provider",
			"Give --provider github or --provider vercel.", error);
	if (connection->owners.count + connection->repositories.count + connection->projects.count +
			connection->domains.count ==
		0)
		return refuse_option("/owners", "what no list names is refused, and it has none",
			"Give --owner, --repository, --project or --domain; '*' allows all.",
			error);
	if (has_key != (options->app_id != NULL))
		return refuse_option("/appId", "an app of your own needs its id and its key",
			"Give --app-id and --app-key-file; neither for the workers' app.", error);
	if (is_app && options->token_file != NULL)
		return refuse_option("/installationId", "an app takes no token",
			"Give --token-file, or --installation.", error);
	if (!is_app && options->token_file == NULL)
		return refuse_option("/kind", "it has no credential",
			"Give --token-file FILE, or - for standard input; or --installation.",
			error);
	return connection_check(connection, error);
}

/* ---- the credential ---- */

/* All of it, into the arena, which is wiped; a line feed at the end of a token is none of it. */
static enum error_class read_all(
	FILE *file, bool is_token, struct arena *arena, const char **ret_text, struct error *error)
{
	char *text = arena_allocate(arena, SECRET_LENGTH_MAX + 2);

	if (text == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a credential");
	setvbuf(file, NULL, _IONBF, 0);
	size_t length = fread(text, 1, SECRET_LENGTH_MAX + 1, file);
	text[length] = '\0';
	if (ferror(file) || length > SECRET_LENGTH_MAX || strlen(text) != length)
		return error_set(error, ERROR_INVALID_INPUT,
			"the credential cannot be read, is longer than %d bytes, or is no text",
			SECRET_LENGTH_MAX);
	if (is_token)
		text[strcspn(text, "\r\n")] = '\0';
	*ret_text = text;
	return ERROR_NONE;
}

static enum error_class read_credential(const struct connection_options *options,
	struct arena *arena, const char **ret_text, struct error *error)
{
	const bool is_token = options->token_file != NULL;
	const char *path = is_token ? options->token_file : options->app_key_file,
		   *option = is_token ? "--token-file" : "--app-key-file";
	FILE *file = stdin;

	*ret_text = NULL;
	if (path == NULL)
		return ERROR_NONE;
	if (strcmp(path, "-") != 0 && secret_file_open(path, option, &file, error) != ERROR_NONE)
		return error->class;
	enum error_class class = read_all(file, is_token, arena, ret_text, error);
	if (file != stdin)
		fclose(file);
	return class == ERROR_NONE ? redact_add(*ret_text, error) : class;
}

/* ---- both ---- */

static enum error_class store(struct redis *redis, const struct connection_options *options,
	const struct connection *connection, const char *credential, struct arena *arena,
	const char **ret_record, struct error *error)
{
	struct connection read_back; /* what readers refuse is not written */
	const char *record, *sealed = NULL;
	bool changed;

	if (connection_print(connection, arena, &record, error) != ERROR_NONE ||
		connection_read(connection->tenant, connection->name, record, arena, &read_back,
			error) != ERROR_NONE ||
		(credential != NULL &&
			connection_seal(options->settings.secrets_public_key, connection, record,
				credential, arena, &sealed, error) != ERROR_NONE))
		return error->class;
	enum error_class class = connection_store(
		redis, connection, record, sealed, options->replace, &changed, error);
	*ret_record = changed ? record : NULL;
	if (class != ERROR_NONE)
		return class;
	return options->is_default ? connection_set_default(redis, connection, error) : ERROR_NONE;
}

enum error_class connection_add(struct redis *redis, const struct connection_options *options,
	struct arena *arena, const char **ret_record, struct error *error)
{
	const char *credential;
	char maker[OPERATOR_SIZE];
	int64_t now;

	*ret_record = NULL;
	operator_name(maker);
	if (server_time(redis, &now, error) != ERROR_NONE)
		return error->class;
	const struct connection connection = make_connection(options, now, maker);
	if (check_options(options, &connection, error) != ERROR_NONE ||
		read_credential(options, arena, &credential, error) != ERROR_NONE)
		return error->class;
	return store(redis, options, &connection, credential, arena, ret_record, error);
}
