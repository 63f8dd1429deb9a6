/*
 * Puts the keys of a run before those that a call has.
 */
#include "store/run_eval.h"

#include "core/workflow.h"

enum error_class run_eval(struct redis *redis, const struct run_name *name,
	const struct script_call *call, struct redisReply **ret_reply, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct script_call whole = *call;

	if (call->key_count > NEEDS_MAX)
		return error_set(error, ERROR_INTERNAL, "a script on a run with %zu more keys",
			call->key_count);
	const char **keys =
		arena_allocate_array(&arena, RUN_KEY_COUNT + call->key_count, sizeof(*keys));
	if (keys == NULL || !run_keys_list(name, &arena, keys))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the keys of a run");
	for (size_t i = 0; i < call->key_count; i++)
		keys[RUN_KEY_COUNT + i] = call->keys[i];
	whole.keys = keys;
	whole.key_count += RUN_KEY_COUNT;
	return script_call(redis, &whole, ret_reply, error);
}
