/*
 * Reads the hash <app>:steps, to which every change of a run adds its step: see transitions.lua.
 */
#include "store/app_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/keys.h"

static int compare_steps(const void *first, const void *second)
{
	const struct run_name *one = first, *two = second;
	return strcmp(one->step, two->step);
}

/* The step of a field workflow:step; NULL if it is another workflow's, or was added manually. */
static const char *step_of(const char *field, const char *workflow)
{
	const size_t length = strlen(workflow);
	const bool is_its = strncmp(field, workflow, length) == 0 && field[length] == ':' &&
		identifier_valid(&field[length + 1]);
	return is_its ? &field[length + 1] : NULL;
}

enum error_class app_steps_list(struct redis *redis, const char *app, const char *workflow,
	struct arena *arena, struct app_steps *ret_steps, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HKEYS", key };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	ret_steps->count = 0;
	text_format(key, sizeof(key), KEY_APP_PREFIX "%s:steps", app);
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < reply_count(reply); i++) {
		const char *step = step_of(reply_text(reply_item(reply, i)), workflow);
		if (step != NULL && ret_steps->count < ARRAY_LEN(ret_steps->names))
			ret_steps->names[ret_steps->count++] =
				(struct run_name){ app, workflow, arena_string(arena, step) };
	}

	if (arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list of steps");
	qsort(ret_steps->names, ret_steps->count, sizeof(ret_steps->names[0]), compare_steps);
	return ERROR_NONE;
}
