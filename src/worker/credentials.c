/*
 * Runs with the keys in reach, as the keeper does. The kernel keeps the pages from swap and cores.
 */
#include "worker/credentials.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/locked_text.h"
#include "base/log.h"
#include "base/secret_file.h"
#include "core/connection.h"
#include "core/dry_run.h"
#include "core/workflow.h"
#include "provider/connected.h"
#include "provider/providers.h"
#include "store/keys.h"
#include "worker/decline.h"
#include "worker/mint_order.h"

#define KEY_SIZE_MAX 16384 /* of a key of 8,192 bits, in PEM: less than 7 KiB */

/* ---- holding ---- */

/* Gives why it was not read: in the end whoever wants to sign with it is told. */
static const char *read_key_file(FILE *file, const char *path, char **ret_key)
{
	char text[KEY_SIZE_MAX];

	if (secret_file_is_exposed(file, path))
		return "may be read or written by others than its owner: chmod 600";
	setvbuf(file, NULL, _IONBF, 0);
	const size_t length = fread(text, 1, sizeof(text), file);
	if (length > 0 && length < sizeof(text) && !ferror(file))
		*ret_key = locked_text_new(text, length, "the private key of an app");
	explicit_bzero(text, sizeof(text));
	return *ret_key != NULL          ? NULL
		: ferror(file)           ? "cannot be read"
		: length == 0            ? "is empty"
		: length == sizeof(text) ? "is too large for a key: 16 KiB or more"
					 : "had no room in memory";
}

/* Nothing, where there is no path. */
static void read_key(const char *path, struct held_credential *held)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;

	if (path == NULL)
		return;
	held->key_fault = file != NULL ? read_key_file(file, path, &held->app_key)
		: errno == ENOENT      ? "does not exist"
				       : "cannot be opened";
	if (file != NULL)
		fclose(file);
	if (held->key_fault != NULL)
		log_write(LOG_ERROR, "key not read", "file", path, "why", held->key_fault, NULL);
}

enum error_class credentials_take(
	struct credentials *ret_credentials, const struct settings *settings, struct error *error)
{
	*ret_credentials = (struct credentials){ .settings = settings };
	for (size_t i = 0; providers[i] != NULL; i++) {
		const struct provider_access access = providers[i]->access(settings);
		struct held_credential *held = &ret_credentials->items[i];
		if (access.token != NULL) {
			held->token =
				locked_text_new(access.token, strlen(access.token), "a token");
			if (held->token == NULL)
				return error_set(error, ERROR_OUT_OF_MEMORY,
					"no memory for the credentials");
		}
		read_key(access.app.key_file, held);
	}
	return ERROR_NONE;
}

void credentials_release(struct credentials *credentials)
{
	for (size_t i = 0; i < CREDENTIALS_MAX; i++) {
		sodium_free(credentials->items[i].token);
		sodium_free(credentials->items[i].app_key);
	}
	*credentials = (struct credentials){ .settings = NULL };
}

void credentials_forget(struct settings *settings)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		settings_forget(settings, providers[i]->token_setting);
}

bool credentials_came_once(const struct settings *settings)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		if (settings_came_once(settings, providers[i]->token_setting))
			return true;
	return false;
}

/* ---- who may have what ---- */

/* A plan looks with the actions of all steps. */
static bool step_calls(const struct opening *opening)
{
	const struct run_name name = { opening->tenant, opening->app, opening->workflow,
		opening->step };
	const struct step_definition *step = step_of(&name);
	const struct workflow_definition *workflow = workflow_find(opening->workflow);

	if (step == NULL || workflow == NULL)
		return false;
	if (!step_is_dry_run(step))
		return action_calls(step->action, opening->provider);
	for (size_t i = 0; i < workflow->step_count; i++)
		if (action_calls(workflow->steps[i].action, opening->provider))
			return true;
	return false;
}

static size_t place_of(const struct provider *provider)
{
	size_t at = 0;
	while (providers[at] != provider)
		at++;
	return at;
}

/* A copy in the arena, for the pages are shut again at once. */
static enum error_class take(
	char *held, struct arena *arena, const char **ret_text, struct error *error)
{
	*ret_text = NULL;
	if (held == NULL)
		return ERROR_NONE;
	sodium_mprotect_readonly(held);
	*ret_text = arena_string(arena, held);
	sodium_mprotect_noaccess(held);
	return *ret_text != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a credential");
}

/* What the app shows of itself gets out in an order only. Without a connection: the settings'. */
static enum error_class order(const struct provider *provider, const struct provider_app *app,
	const struct opening *opening, const struct connection *connection, struct arena *arena,
	const char **ret_text, struct error *error)
{
	struct mint_wish wish;
	const char *signature;

	if (provider->sign == NULL || app->id == NULL)
		return error_set(error, ERROR_AUTH_MISSING, "there is no app to sign for at %s",
			provider->name);
	if (mint_wish_check(opening, connection, arena, &wish, error) != ERROR_NONE)
		return error->class;
	return provider->sign(app, opening->skew_seconds, arena, &signature, error) == ERROR_NONE
		? mint_order_write(opening, &wish, signature, arena, ret_text, error)
		: error->class;
}

static enum error_class answer_from_settings(const struct credentials *credentials,
	const struct provider *provider, const struct opening *opening,
	const struct connection *connection, struct arena *arena, const char **ret_text,
	struct error *error)
{
	const struct held_credential *held = &credentials->items[place_of(provider)];
	struct provider_app app = provider->access(credentials->settings).app;

	if (opening->wish == NULL)
		return take(held->token, arena, ret_text, error);
	app.key_fault = held->key_fault;
	return take(held->app_key, arena, &app.key, error) == ERROR_NONE
		? order(provider, &app, opening, connection, arena, ret_text, error)
		: error->class;
}

static enum error_class refuse_settings(const struct opening *opening, struct error *error)
{
	return error_set(error, ERROR_NOT_ALLOWED,
		"the tenant '%s' has none of the credentials that the settings have",
		opening->tenant);
}

/* Its credential was sealed with the record, so that nobody has widened that since. */
static enum error_class read_own(const char *private_keys, const struct opening *opening,
	struct arena *arena, struct connection *ret_connection, const char **ret_text,
	struct error *error)
{
	*ret_text = NULL;
	if (connection_read(opening->tenant, opening->name, opening->record, arena, ret_connection,
		    error) != ERROR_NONE)
		return error->class;
	if (strcmp(ret_connection->provider, opening->provider) != 0 ||
		!connection_allows(ret_connection, CONNECTION_APPS, opening->app))
		return error_set(error, ERROR_NOT_ALLOWED,
			"the app '%s' may not use the connection '%s'", opening->app,
			opening->name);
	return connection_uses_settings(ret_connection)
		? ERROR_NONE
		: connection_open(private_keys, ret_connection, opening->record, opening->sealed,
			  arena, ret_text, error);
}

static enum error_class answer_from_connection(const struct credentials *credentials,
	const struct provider *provider, const char *private_keys, const struct opening *opening,
	struct arena *arena, const char **ret_text, struct error *error)
{
	struct connection connection;
	const char *own;

	if (read_own(private_keys, opening, arena, &connection, &own, error) != ERROR_NONE)
		return error->class;
	const bool is_app = strcmp(connection.kind, CONNECTION_APP) == 0;
	if (opening->wish == NULL) {
		*ret_text = is_app ? NULL : own;
		return ERROR_NONE;
	}
	if (is_app && connection_uses_settings(&connection))
		return answer_from_settings(
			credentials, provider, opening, &connection, arena, ret_text, error);
	const struct provider_app app = { .id = connection.app_id, .key = own };
	return is_app ? order(provider, &app, opening, &connection, arena, ret_text, error)
		      : error_set(error, ERROR_NOT_ALLOWED, "the connection '%s' is of no app",
				opening->name);
}

enum error_class credentials_answer(const struct credentials *credentials, const char *private_keys,
	const struct opening *opening, struct arena *arena, const char **ret_text,
	struct error *error)
{
	const struct provider *provider = provider_find(opening->provider);

	*ret_text = NULL;
	if (provider == NULL || !step_calls(opening))
		return error_set(error, ERROR_NOT_ALLOWED,
			"the action of the step '%s' calls no %s: it gets no credential for it",
			opening->step, opening->provider);
	if (opening->record[0] != '\0')
		return answer_from_connection(
			credentials, provider, private_keys, opening, arena, ret_text, error);
	if (strcmp(opening->tenant, TENANT_DEFAULT) != 0)
		return refuse_settings(opening, error);
	return credentials->settings != NULL
		? answer_from_settings(credentials, provider, opening, NULL, arena, ret_text, error)
		: ERROR_NONE;
}
