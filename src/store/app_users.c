/*
 * Each step has a set of its users (dependants.lua), which only says where to look: a user may have
 * been run since without it. The truth is in the users' hashes.
 */
#include "store/app_users.h"

#include <string.h>

#include "base/text.h"
#include "core/deployment.h"
#include "core/workflow.h"
#include "store/keys.h"

#define SET_MAX "63" /* the last one of a set that is looked at */

struct reading {
	struct redis *redis;
	struct arena *arena;
	struct app_user *users;
	size_t count;
};

/* ---- candidates ---- */

static enum error_class add_candidate(struct reading *reading, const char *member,
	const struct run_name *uses, struct error *error)
{
	char *copy = arena_allocate(reading->arena, MEMBER_SIZE);
	struct run_name user;

	if (copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of users");
	if (reading->count == APP_USERS_MAX || !text_copy(copy, MEMBER_SIZE, member) ||
		!own_name_split(copy, uses->tenant, &user) || strcmp(user.app, uses->app) == 0)
		return ERROR_NONE;
	reading->users[reading->count++] = (struct app_user){ user, *uses };
	return ERROR_NONE;
}

/* The sets of all steps of a workflow, and that of its deployment, in one round trip. */
static enum error_class read_workflow(struct reading *reading, const struct app_name *app,
	const struct workflow_definition *workflow, struct error *error)
{
	char keys[WORKFLOW_STEPS_MAX + 1][KEY_SIZE];
	const char *words[WORKFLOW_STEPS_MAX + 1][4];
	struct redis_words commands[WORKFLOW_STEPS_MAX + 1] = { { 0, NULL, NULL } };
	struct redisReply *replies[WORKFLOW_STEPS_MAX + 1];
	struct run_name uses[WORKFLOW_STEPS_MAX + 1];
	size_t count = workflow->step_count + 1;

	for (size_t i = 0; i < count; i++) {
		uses[i] = (struct run_name){ app->tenant, app->app, workflow->id,
			i < workflow->step_count ? workflow->steps[i].id : DEPLOYMENT_STEP_ID };
		text_format(keys[i], KEY_SIZE, KEY_PREFIX "users:%s:%s:%s:%s", app->tenant,
			app->app, workflow->id, uses[i].step);
		memcpy(words[i], ((const char *[4]){ "ZRANGE", keys[i], "0", SET_MAX }),
			sizeof(words[i]));
		commands[i] = (struct redis_words){ 4, words[i], NULL };
	}
	enum error_class class = redis_batch(reading->redis, count, commands, replies, error);
	if (class != ERROR_NONE)
		return class == ERROR_STORE_REFUSED ? ERROR_NONE : class;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; class == ERROR_NONE && k < reply_count(replies[i]); k++)
			class = add_candidate(
				reading, reply_text(reply_item(replies[i], k)), &uses[i], error);
		reply_free(replies[i]);
	}
	return class;
}

/* ---- the truth ---- */

/* Whether the names, with spaces between them, have this one. */
static bool has_name(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (const char *found = strstr(names, name); found != NULL;
		found = strstr(found + 1, name))
		if ((found == names || found[-1] == ' ') &&
			(found[length] == ' ' || found[length] == '\0'))
			return true;
	return false;
}

static bool is_user(const struct app_user *candidate, const struct redisReply *reply)
{
	char member[MEMBER_SIZE];
	const char *status = reply_text(reply_item(reply, 0)),
		   *needs = reply_text(reply_item(reply, 1)),
		   *removed = reply_text(reply_item(reply, 2));

	own_name_make(member, &candidate->uses);
	return status != NULL && status[0] != '\0' && needs != NULL && has_name(needs, member) &&
		(removed == NULL || removed[0] == '\0');
}

/* Keeps those that are users still. */
static enum error_class check_candidates(
	struct reading *reading, size_t *ret_count, struct error *error)
{
	char keys[APP_USERS_MAX][KEY_SIZE];
	const char *words[APP_USERS_MAX][5];
	struct redis_words commands[APP_USERS_MAX] = { { 0, NULL, NULL } };
	struct redisReply *replies[APP_USERS_MAX];
	size_t count = 0;

	*ret_count = 0;
	for (size_t i = 0; i < reading->count; i++) {
		run_key_make(keys[i], &reading->users[i].user);
		memcpy(words[i],
			((const char *[5]){ "HMGET", keys[i], "status", "needs", "removed" }),
			sizeof(words[i]));
		commands[i] = (struct redis_words){ 5, words[i], NULL };
	}
	if (reading->count == 0)
		return ERROR_NONE;
	enum error_class class =
		redis_batch(reading->redis, reading->count, commands, replies, error);
	if (class != ERROR_NONE)
		return class == ERROR_STORE_REFUSED ? ERROR_NONE : class;
	for (size_t i = 0; i < reading->count; i++) {
		if (is_user(&reading->users[i], replies[i]))
			reading->users[count++] = reading->users[i];
		reply_free(replies[i]);
	}

	*ret_count = count;
	return ERROR_NONE;
}

enum error_class app_users_read(struct redis *redis, const struct app_name *app,
	struct arena *arena, struct app_user ret_users[APP_USERS_MAX], size_t *ret_count,
	struct error *error)
{
	struct reading reading = { redis, arena, ret_users, 0 };

	for (size_t i = 0; workflows[i] != NULL; i++)
		if (read_workflow(&reading, app, workflows[i], error) != ERROR_NONE)
			return error->class;
	return check_candidates(&reading, ret_count, error);
}
