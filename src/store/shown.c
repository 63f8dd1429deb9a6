/*
 * One turn: TIME, an HMGET for each run, one for the deployment, and the heartbeats of the workers.
 * Of what is remembered only the marks are asked for, and where that is all, no time and no worker
 * matters. Another turn asks for everything, where a mark is another one; and for places in the
 * queue, if a run has stood there for a while.
 */
#include "store/shown.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "store/deployments.h"
#include "store/ended_memory.h"
#include "store/keys.h"
#include "store/server.h"
#include "store/waits.h"

#define MADE_MAX ((size_t)4 * 1024) /* of a status object that is remembered */

/* A hash that is asked for. */
struct asked {
	const char *words[2];          /* the second is its key */
	const struct ended_run *known; /* of a run; NULL: all of it is asked for */
};

/* All of it is in the arena, as large as it has to be: most ask for one run. */
struct question {
	struct asked *asked; /* of each run, and of the deployment */
	struct redis_words *commands;
	struct redisReply **replies;
	size_t count;
	size_t first; /* command of a run; behind TIME, where that is asked for */
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read a status");
}

/* The names of all fields; they are the same for each request. */
static bool make_tail(struct redis_tail *tail, const struct record *record)
{
	for (size_t i = tail->count; i < record->count; i++)
		if (!redis_tail_add(tail, record->fields[i].name))
			return false;
	return true;
}

static bool make_marks(struct redis_tail *tail)
{
	for (size_t i = tail->count; i < ENDED_MARKS; i++)
		if (!redis_tail_add(tail, ended_marks[i]))
			return false;
	return true;
}

/* The question for a hash whose key is made. */
static void ask_for(
	struct question *question, const struct asked *asked, const struct redis_tail *fields)
{
	question->commands[question->count++] = (struct redis_words){ 2, asked->words, fields };
}

static bool make_key(struct asked *asked, const struct run_name *name, struct arena *arena)
{
	char key[KEY_SIZE];

	run_key_make(key, name);
	asked->words[0] = "HMGET";
	asked->words[1] = arena_string(arena, key);
	return asked->words[1] != NULL;
}

static bool make_room(const struct shown *shown, struct question *question, struct arena *arena)
{
	const size_t hashes = shown->count + 1, commands = hashes + 2;

	question->asked = arena_allocate_array(arena, hashes, sizeof(*question->asked));
	question->commands = arena_allocate_array(arena, commands, sizeof(*question->commands));
	question->replies = arena_allocate_array(arena, commands, sizeof(struct redisReply *));
	return question->asked != NULL && question->commands != NULL && question->replies != NULL;
}

static bool make_keys(const struct shown *shown, struct question *question, struct arena *arena)
{
	const struct run_name *first = &shown->names[0];
	const struct run_name deployment = { first->tenant, first->app, first->workflow,
		DEPLOYMENT_STEP_ID };

	for (size_t i = 0; i < shown->count; i++)
		if (!make_key(&question->asked[i], &shown->names[i], arena))
			return false;
	return !shown->with_deployment ||
		make_key(&question->asked[shown->count], &deployment, arena);
}

/* Whether nothing else is to be asked of the runs than the marks. */
static bool recall(
	const struct shown *shown, struct question *question, int64_t now, struct arena *arena)
{
	bool are_known = true;

	for (size_t i = 0; i < shown->count; i++) {
		struct asked *asked = &question->asked[i];
		asked->known = now != 0 ? ended_recall(asked->words[1], now, arena) : NULL;
		are_known = are_known && asked->known != NULL;
	}
	return are_known;
}

/* now: for what is remembered, by the monotonic clock; 0: all is asked for. */
static bool ask(
	const struct shown *shown, struct question *question, int64_t now, struct arena *arena)
{
	static const char *const time_words[] = { "TIME" };
	static const char *const beat_words[] = { "HGETALL", KEY_WORKERS };
	static struct redis_tail of_run, of_marks, of_deployment;

	if (!make_room(shown, question, arena) || !make_keys(shown, question, arena) ||
		!make_tail(&of_run, &run_shown) || !make_marks(&of_marks) ||
		!make_tail(&of_deployment, &deployment_shown))
		return false;
	const bool are_known = recall(shown, question, now, arena);
	question->count = 0;
	if (!are_known)
		question->commands[question->count++] = (struct redis_words){ 1, time_words, NULL };
	question->first = question->count;
	for (size_t i = 0; i < shown->count; i++)
		ask_for(question, &question->asked[i],
			question->asked[i].known != NULL ? &of_marks : &of_run);
	if (shown->with_deployment)
		ask_for(question, &question->asked[shown->count], &of_deployment);
	if (!are_known)
		question->commands[question->count++] = (struct redis_words){ 2, beat_words, NULL };
	return true;
}

static enum error_class take_run(struct run *run, const struct run_name *name,
	const struct redisReply *values, struct arena *arena, struct error *error)
{
	struct run_name kept;
	bool complete = run_name_copy(&kept, name, arena);

	run_init(run, &kept);
	for (size_t i = 0; complete && i < reply_count(values); i++)
		if (!reply_is_nil(reply_item(values, i)))
			complete = record_take_field(&run_shown.fields[i], run,
				reply_text(reply_item(values, i)), arena);
	run_add_unsaid(run);
	return complete ? ERROR_NONE : no_memory(error);
}

/* ---- what is remembered ---- */

static bool has_marks(const struct ended_run *known, const struct redisReply *values)
{
	for (size_t i = 0; i < ENDED_MARKS; i++)
		if (strcmp(known->marks[i], reply_text(reply_item(values, i))) != 0)
			return false;
	return true;
}

static bool is_empty(const struct redisReply *values)
{
	for (size_t i = 0; i < reply_count(values); i++)
		if (!reply_is_nil(reply_item(values, i)))
			return false;
	return true;
}

/* Has ended, or never began; whatever else a hand has written is not remembered. */
static bool stays_as_it_is(const struct run *run, const struct redisReply *values)
{
	return run->id[0] != '\0'
		? strcmp(run->status, "done") == 0 || strcmp(run->status, "error") == 0
		: is_empty(values);
}

/* Where there is no memory for it, it is not remembered. */
static void remember(struct run *run, const char *key, const struct redisReply *values, int64_t now,
	struct arena *arena)
{
	CLEANUP_BUFFER struct buffer made = BUFFER_EMPTY(MADE_MAX);
	struct json_writer writer = json_writer_to(&made, 0);
	struct ended_run ended;
	struct error ignored;

	if (!stays_as_it_is(run, values) ||
		run_status_object(run, &writer, &ignored) != ERROR_NONE || !writer.complete)
		return;
	run->made = arena_copy(arena, made.bytes, made.length);
	if (run->made == NULL)
		return;
	ended.run = *run;
	for (size_t i = 0; i < ENDED_MARKS; i++) {
		const struct field *field = record_field(&run_shown, ended_marks[i]);
		ended.marks[i] = reply_text(reply_item(values, (size_t)(field - run_shown.fields)));
	}
	ended_remember(key, &ended, now);
}

/* ---- taking ---- */

static enum error_class take_deployment(struct deployment *deployment,
	const struct redisReply *values, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < reply_count(values); i++)
		if (!record_take_field(&deployment_shown.fields[i], deployment,
			    reply_text(reply_item(values, i)), arena))
			return no_memory(error);
	return ERROR_NONE;
}

static enum error_class take_runs(const struct question *question, int64_t now, struct arena *arena,
	struct shown *shown, struct error *error)
{
	const size_t count = shown->count;

	for (size_t i = 0; i < count; i++) {
		const struct redisReply *values = question->replies[question->first + i];
		const struct asked *asked = &question->asked[i];
		struct run *run = &shown->runs[i];
		if (asked->known != NULL) {
			*run = asked->known->run;
			continue;
		}
		if (take_run(run, &shown->names[i], values, arena, error) != ERROR_NONE)
			return error->class;
		run->now = server_time_of(question->replies[0]);
		remember(run, asked->words[1], values, now, arena);
	}
	return ERROR_NONE;
}

static enum error_class take_all(struct redis *redis, const struct question *question, int64_t now,
	struct arena *arena, struct shown *shown, struct error *error)
{
	struct redisReply *const *replies = question->replies;
	const bool has_more = question->first > 0;

	if (take_runs(question, now, arena, shown, error) != ERROR_NONE)
		return error->class;
	const struct run_name *first = &shown->runs[0].name;
	deployment_init(&shown->deployment, first->app, first->workflow);
	if (shown->with_deployment &&
		take_deployment(&shown->deployment, replies[question->first + shown->count], arena,
			error) != ERROR_NONE)
		return error->class;
	if (has_more)
		waits_explain(
			redis, shown->runs, shown->count, replies[question->count - 1], arena);
	return ERROR_NONE;
}

/* Whether all that is remembered is still so; what is not is forgotten. */
static bool check_known(const struct question *question, const struct shown *shown)
{
	bool are_same = true;

	for (size_t i = 0; i < shown->count; i++) {
		const struct asked *asked = &question->asked[i];
		if (asked->known == NULL ||
			has_marks(asked->known, question->replies[question->first + i]))
			continue;
		ended_forget(asked->words[1]);
		are_same = false;
	}
	return are_same;
}

/* *ret_is_read: false where something has changed that was remembered. */
static enum error_class read_turn(struct redis *redis, int64_t now, bool recalls,
	struct arena *arena, struct shown *shown, bool *ret_is_read, struct error *error)
{
	struct question question = { .count = 0 };

	if (!ask(shown, &question, recalls ? now : 0, arena))
		return no_memory(error);
	/* No status depends on the heartbeats: a key that is no hash is a matter for 'slipway
	 * verify'. */
	const size_t required = question.count - (question.first > 0 ? 1 : 0);
	if (redis_batch_lenient(redis, required, question.count, question.commands,
		    question.replies, error) != ERROR_NONE)
		return error->class;
	*ret_is_read = check_known(&question, shown);
	enum error_class class =
		*ret_is_read ? take_all(redis, &question, now, arena, shown, error) : ERROR_NONE;
	for (size_t i = 0; i < question.count; i++)
		reply_free(question.replies[i]);
	return class;
}

enum error_class shown_read(
	struct redis *redis, struct arena *arena, struct shown *shown, struct error *error)
{
	const int64_t now = clock_monotonic_ms();
	bool is_read;

	if (shown->count == 0 || shown->count > SHOWN_MAX)
		return error_set(error, ERROR_INTERNAL, "a status of %zu runs", shown->count);
	shown->runs = arena_allocate_array(arena, shown->count, sizeof(*shown->runs));
	if (shown->runs == NULL)
		return no_memory(error);
	enum error_class class = read_turn(redis, now, true, arena, shown, &is_read, error);
	if (class != ERROR_NONE || is_read)
		return class;
	return read_turn(redis, now, false, arena, shown, &is_read, error);
}

/* The deployment counts as one more run: its id and version change with it. Nothing waits in here:
 * the room for the list need not stand on each stack. */
void shown_tag(const struct shown *shown, char tag[RUN_TAG_SIZE])
{
	static struct run runs[SHOWN_MAX + 1];
	size_t count = shown->count;

	for (size_t i = 0; i < count; i++)
		runs[i] = shown->runs[i];
	if (shown->with_deployment) {
		const struct run_name name = { shown->names[0].tenant, shown->deployment.app,
			shown->deployment.workflow, DEPLOYMENT_STEP_ID };
		run_init(&runs[count], &name);
		runs[count].id = shown->deployment.id;
		runs[count++].version = shown->deployment.version;
	}
	runs_tag(runs, count, tag);
}
