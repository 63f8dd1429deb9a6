/*
 * One script for both: what is read and what the run is said to be made of are the same.
 */
#include "store/needs.h"

#include "base/unset.h"
#include <string.h>

#include "store/run_eval.h"

static enum error_class read_needs(const struct redisReply *reply, struct needs *needs,
	struct arena *arena, struct error *error)
{
	const char *word = reply_text(reply_item(reply, 0));

	if (strcmp(word, "lost") == 0)
		return error_set(error, ERROR_LEASE_LOST, "the run is no longer ours");
	if (strcmp(word, "missing") == 0) {
		int64_t number = reply_integer(reply_item(reply, 1));
		if (number < 1 || number > (int64_t)needs->count)
			return error_set(error, ERROR_INTERNAL,
				"the script needs answered no need that was asked for");
		needs->missing = &needs->names[number - 1];
		needs->missing_status = arena_string(arena, reply_text(reply_item(reply, 2)));
	}

	for (size_t i = 0; needs->missing == NULL && i < needs->count; i++) {
		needs->outputs[i] = arena_string(arena, reply_text(reply_item(reply, 1 + 2 * i)));
		needs->gives[i] = arena_string(arena, reply_text(reply_item(reply, 2 + 2 * i)));
	}
	return arena->exhausted ? error_set(error, ERROR_OUT_OF_MEMORY, "no memory for outputs")
				: ERROR_NONE;
}

enum error_class needs_take(struct redis *redis, const struct lease *lease, struct needs *needs,
	struct arena *arena, struct error *error)
{
	const struct run_name name = lease_name(lease);
	UNSET char names[NEEDS_MAX][KEY_SIZE];
	const char *keys[NEEDS_MAX];
	const struct script_argument arguments[] = { { "token", .text = lease->token },
		{ "uses", .text = needs->uses } };
	const struct script_call call = { SCRIPT_NEEDS, needs->count, keys, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	for (size_t i = 0; i < needs->count; i++) {
		run_key_make(names[i], &needs->names[i]);
		keys[i] = names[i];
	}

	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	return read_needs(reply, needs, arena, error);
}
