/*
 * Reads a ledger. Workers write its rows inside the scripts of their runs, fenced by the lease.
 */
#include "store/ledger.h"

#include "store/keys.h"

enum error_class ledger_decode(
	const struct redisReply *hash, cJSON **ret_ledger, struct error *error)
{
	cJSON *ledger = cJSON_CreateObject();
	bool complete = ledger != NULL;

	for (size_t i = 0; complete && i + 1 < reply_count(hash); i += 2)
		complete = json_add(ledger, reply_text(reply_item(hash, i)),
			cJSON_CreateString(reply_text(reply_item(hash, i + 1))));
	if (!complete) {
		cJSON_Delete(ledger);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a ledger");
	}

	*ret_ledger = ledger;
	return ERROR_NONE;
}

enum error_class ledger_read(
	struct redis *redis, const struct app_name *app, cJSON **ret_ledger, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGETALL", key };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	app_key_make(key, app, "ledger");
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	return ledger_decode(reply, ret_ledger, error);
}
