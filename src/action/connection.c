/*
 * With which connection an attempt calls a provider: asked for at its first call, and used to its
 * end, so that all calls of one attempt are made with the same credential and the same lists. And
 * whether it may have what it finds.
 */
#include <sodium.h>
#include <string.h>

#include "action/context.h"
#include "base/text.h"
#include "core/ledger_row.h"
#include "core/workflow.h"
#include "provider/connected.h"
#include "provider/providers.h"

struct used_connection {
	struct action_context *context;
	const struct provider *provider;
	struct found_connection found;
	struct used_connection *next;
};

/* A step's row is about the provider that its action is of. */
static const char *slot_of(const struct action_context *context, const struct provider *provider)
{
	const struct step_definition *step = context->workflow != NULL && context->step != NULL
		? workflow_step(context->workflow, context->step)
		: NULL;

	return step != NULL && action_is_of(context->action, provider->id) ? step->connection
									   : NULL;
}

static bool find(struct action_context *context, const struct provider *provider,
	struct used_connection *used)
{
	const struct action_backend *backend = context->backend;

	used->found = (struct found_connection){ .connection = NULL };
	if (backend != NULL && backend->connection != NULL &&
		backend->connection(context->backend_data, provider->id, slot_of(context, provider),
			&used->found, &context->error) != ERROR_NONE) {
		text_copy(context->error.provider, sizeof(context->error.provider), provider->id);
		return false;
	}
	used->context = context;
	used->provider = provider;
	used->next = context->connections;
	context->connections = used;
	return true;
}

static struct used_connection *find_used(
	const struct action_context *context, const struct provider *provider)
{
	for (struct used_connection *used = context->connections; used != NULL; used = used->next)
		if (used->provider == provider)
			return used;
	return NULL;
}

static enum error_class mint(void *data, const struct mint_question *question,
	const char **ret_text, struct error *error)
{
	const struct used_connection *used = data;
	struct action_context *context = used->context;

	return context->backend->mint(context->backend_data, used->provider->id,
		slot_of(context, used->provider), question, ret_text, error);
}

bool context_access(struct action_context *context, const struct provider *provider,
	struct provider_access *ret_access)
{
	struct used_connection *used = find_used(context, provider);

	if (used == NULL) {
		used = arena_allocate(context->arena, sizeof(*used));
		if (used == NULL) {
			error_set(
				&context->error, ERROR_OUT_OF_MEMORY, "no memory for a connection");
			return false;
		}
		if (!find(context, provider, used))
			return false;
	}
	*ret_access = connected_access(
		provider, context->settings, used->found.connection, used->found.credential);
	if (context->backend != NULL && context->backend->mint != NULL) {
		ret_access->app.mint = mint;
		ret_access->app.mint_data = used;
	}
	return true;
}

/* ---- names ---- */

static void hash_name(const char *text, char name[CREDENTIAL_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(name, CREDENTIAL_SIZE, hash, 8);
}

void credential_name(const struct provider_access *access, char name[CREDENTIAL_SIZE])
{
	const struct connection *connection = access->connection;
	char whole[3 * IDENTIFIER_SIZE];

	if (access->token != NULL) {
		hash_name(access->token, name);
	} else if (access->account == NULL) {
		text_copy(name, CREDENTIAL_SIZE, "none");
	} else if (connection == NULL) {
		hash_name(access->account, name);
	} else {
		text_format(whole, sizeof(whole), "%s %s %s", connection->tenant, connection->name,
			access->account);
		hash_name(whole, name);
	}
}

/* "provider:type:key": the key of a row of that provider and type; NULL where it is of another. */
static const char *key_in(const char *field, const char *provider, const char *type)
{
	const size_t first = strlen(provider), second = strlen(type);

	if (strncmp(field, provider, first) != 0 || field[first] != ':' ||
		strncmp(field + first + 1, type, second) != 0 || field[first + 1 + second] != ':')
		return NULL;
	return field + first + second + 2;
}

const char *context_key_of_id(void *data, const char *provider, const char *type, const char *id)
{
	struct action_context *context = data;
	const cJSON *item;

	cJSON_ArrayForEach (item, context->ledger) {
		struct ledger_row row;
		struct error ignored;
		const char *key = key_in(item->string, provider, type);
		if (key != NULL && cJSON_IsString(item) &&
			ledger_row_read(item->valuestring, context->arena, &row, &ignored) ==
				ERROR_NONE &&
			row.id != NULL && strcmp(row.id, id) == 0)
			return key;
	}

	return NULL;
}

/* ---- rights ---- */

static bool refuse_right(struct action_context *context, const struct ledger_resource *resource,
	const struct connection *connection, bool shares)
{
	char command[CONNECTION_COMMAND_SIZE];

	action_fail(context, ERROR_NOT_ALLOWED, "the connection '%s' may not %s the %s %s",
		connection->name, shares ? "share" : "adopt", resource->type, resource->key);
	action_remedy(context, NULL, "An operator allows it by %s; %s",
		connection_command(
			connection, shares ? "--share --replace" : "--adopt --replace", command),
		shares ? "without \"share\", the app has it for itself."
		       : "or choose another name, under which nothing stands yet.");
	return false;
}

bool context_has_rights(struct action_context *context, const struct ledger_resource *resource,
	bool adopts, bool shares)
{
	const struct provider *provider = provider_find(resource->provider);
	struct provider_access access;

	if (resource->part || (!adopts && !shares) || provider == NULL)
		return true;
	if (!context_access(context, provider, &access))
		return false;
	const struct connection *connection = access.connection;
	bool lacks_share = shares && connection != NULL && !connection->share,
	     lacks_adopt = adopts && connection != NULL && !connection->adopt;
	if (!lacks_share && !lacks_adopt)
		return true;
	return ledger_take_back(context) &&
		refuse_right(context, resource, connection, lacks_share);
}
