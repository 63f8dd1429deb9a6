/*
 * Reads the hash <app>:steps, to which every change of a run adds its step: see transitions.lua.
 */
#include "store/app_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/keys.h"

#define BATCH_MAX 64

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

static enum error_class read_fields(struct redis *redis, const struct app_name *app,
	struct redisReply **ret_reply, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HKEYS", key };

	app_key_make(key, app, "steps");
	return redis_command(redis, ARRAY_LEN(words), words, ret_reply, error);
}

enum error_class app_steps_list(struct redis *redis, const struct app_name *app,
	const char *workflow, struct arena *arena, struct app_steps *ret_steps, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;

	ret_steps->count = 0;
	if (read_fields(redis, app, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < reply_count(reply); i++) {
		const char *step = step_of(reply_text(reply_item(reply, i)), workflow);
		if (step != NULL && ret_steps->count < ARRAY_LEN(ret_steps->names))
			ret_steps->names[ret_steps->count++] = (struct run_name){ app->tenant,
				app->app, workflow, arena_string(arena, step) };
	}

	if (arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list of steps");
	qsort(ret_steps->names, ret_steps->count, sizeof(ret_steps->names[0]), compare_steps);
	return ERROR_NONE;
}

/* ---- workflows ---- */

static int compare_ids(const void *first, const void *second)
{
	const char *const *one = first, *const *two = second;
	return strcmp(*one, *two);
}

static bool has_id(const struct app_workflows *had, const char *id)
{
	for (size_t i = 0; i < had->count; i++)
		if (strcmp(had->ids[i], id) == 0)
			return true;
	return false;
}

/* Adds the workflow of a field workflow:step, unless it is there or was added manually. */
static enum error_class add_workflow(
	struct app_workflows *had, const char *field, struct arena *arena, struct error *error)
{
	const char *colon = strchr(field, ':');
	const char *id =
		colon != NULL ? arena_format(arena, "%.*s", (int)(colon - field), field) : "";

	if (id == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list of workflows");
	if (identifier_valid(id) && !has_id(had, id) && had->count < ARRAY_LEN(had->ids))
		had->ids[had->count++] = id;
	return ERROR_NONE;
}

static enum error_class take_workflows(const struct redisReply *fields, struct arena *arena,
	struct app_workflows *ret_workflows, struct error *error)
{
	ret_workflows->count = 0;
	for (size_t i = 0; !reply_is_error(fields) && i < reply_count(fields); i++)
		if (add_workflow(ret_workflows, reply_text(reply_item(fields, i)), arena, error) !=
			ERROR_NONE)
			return error->class;
	qsort(ret_workflows->ids, ret_workflows->count, sizeof(ret_workflows->ids[0]), compare_ids);
	return ERROR_NONE;
}

static enum error_class list_some(struct redis *redis, const char *tenant, const char *const *apps,
	size_t count, struct arena *arena, struct app_workflows *ret_workflows, struct error *error)
{
	char keys[BATCH_MAX][KEY_SIZE];
	const char *words[BATCH_MAX][2];
	struct redis_words commands[BATCH_MAX];
	struct redisReply *replies[BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		app_key_make(keys[i], &(struct app_name){ tenant, apps[i] }, "steps");
		words[i][0] = "HKEYS";
		words[i][1] = keys[i];
		commands[i] = (struct redis_words){ 2, words[i], NULL };
	}
	enum error_class class = redis_batch_lenient(redis, 0, count, commands, replies, error);
	if (class != ERROR_NONE)
		return class;

	for (size_t i = 0; class == ERROR_NONE && i < count; i++)
		class = take_workflows(replies[i], arena, &ret_workflows[i], error);
	for (size_t i = 0; i < count; i++)
		reply_free(replies[i]);
	return class;
}

enum error_class app_workflows_list(struct redis *redis, const char *tenant,
	const char *const *apps, size_t count, struct arena *arena,
	struct app_workflows *ret_workflows, struct error *error)
{
	for (size_t i = 0; i < count; i += BATCH_MAX) {
		size_t some = count - i < BATCH_MAX ? count - i : BATCH_MAX;
		if (list_some(redis, tenant, &apps[i], some, arena, &ret_workflows[i], error) !=
			ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
