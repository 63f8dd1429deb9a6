/*
 * Puts the keys of a run before those that a call has.
 */
#include "store/run_eval.h"

#include <string.h>

#include "core/workflow.h"

enum error_class run_eval(struct redis *redis, const struct run_name *name,
	const struct script_call *call, struct redisReply **ret_reply, struct error *error)
{
	struct run_keys own;
	const char *keys[RUN_KEY_COUNT + NEEDS_MAX];
	struct script_call whole = *call;

	if (call->key_count > NEEDS_MAX)
		return error_set(error, ERROR_INTERNAL, "a script on a run with %zu more keys",
			call->key_count);
	run_keys_make(&own, name);
	memcpy(keys, own.list, sizeof(own.list));
	for (size_t i = 0; i < call->key_count; i++)
		keys[RUN_KEY_COUNT + i] = call->keys[i];
	whole.keys = keys;
	whole.key_count += RUN_KEY_COUNT;
	return script_call(redis, &whole, ret_reply, error);
}
