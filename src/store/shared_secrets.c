/*
 * Stores and reads the hash of a tenant's shared secrets.
 */
#include "store/shared_secrets.h"

#include <string.h>

#include "core/secret.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/keys.h"

enum error_class shared_secret_store(struct redis *redis, const char *tenant,
	const struct shared_secret *secret, struct error *error)
{
	static const int64_t most = SHARED_SECRETS_MAX;
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "name", .text = secret->name },
		{ "sealed", .text = secret->sealed }, { "anew", .text = secret->anew ? "1" : NULL },
		{ "most", .integer = &most } };
	const struct script_call call = { SCRIPT_SHARE, 1, keys, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	tenant_key_make(key, KEY_SHARED_PREFIX, tenant);
	if (script_call(redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	if (strcmp(reply_text(reply_item(reply, 0)), "full") != 0)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "there are %d shared secrets already",
		SHARED_SECRETS_MAX);
	return error_remedy(error, NULL,
		"Share one of these, or ask an operator to remove what no app uses: "
		"docs/operations.md says how.");
}

enum error_class shared_secret_read(struct redis *redis, const char *tenant, const char *name,
	struct arena *arena, const char **ret_sealed, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGET", key, name };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	tenant_key_make(key, KEY_SHARED_PREFIX, tenant);
	*ret_sealed = NULL;
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	if (reply_is_nil(reply))
		return ERROR_NONE;
	*ret_sealed = arena_string(arena, reply_text(reply));
	return *ret_sealed != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

enum error_class shared_secrets_resolve(struct redis *redis, const char *tenant, cJSON *secrets,
	bool *ret_found, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	*ret_found = false;
	for (cJSON *secret = secrets->child, *next; secret != NULL; secret = next) {
		const char *name = secret_shared_name(cJSON_GetStringValue(secret)), *sealed;
		next = secret->next;
		if (name == NULL)
			continue;
		*ret_found = true;
		if (shared_secret_read(redis, tenant, name, &arena, &sealed, error) != ERROR_NONE)
			return error->class;
		if (sealed == NULL) {
			cJSON_Delete(cJSON_DetachItemViaPointer(secrets, secret));
			continue;
		}

		const char *resolved = secret_shared_text(&arena, name, sealed);
		if (resolved == NULL || cJSON_SetValuestring(secret, resolved) == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	}

	return ERROR_NONE;
}
