/*
 * One turn: TIME, an HMGET for each run, one for the deployment, and the heartbeats of the workers.
 * Another one asks for places in the queue, if a run has stood there for a while.
 */
#include "store/shown.h"

#include "base/record.h"
#include "base/unset.h"
#include "store/deployments.h"
#include "store/keys.h"
#include "store/server.h"
#include "store/waits.h"

#define COMMANDS_MAX (3 + SHOWN_MAX)

/* The words of the commands. */
struct question {
	char keys[SHOWN_MAX + 1][KEY_SIZE];
	const char *words[SHOWN_MAX + 1][2];
	struct redis_words commands[COMMANDS_MAX];
	size_t count;
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

/* The question for the hash of number `i`. */
static void ask_for(struct question *question, size_t i, const struct run_name *name,
	const struct redis_tail *fields)
{
	run_key_make(question->keys[i], name);
	question->words[i][0] = "HMGET";
	question->words[i][1] = question->keys[i];
	question->commands[question->count++] =
		(struct redis_words){ 2, question->words[i], fields };
}

static bool ask(const struct shown *shown, struct question *question)
{
	static const char *const time_words[] = { "TIME" };
	static const char *const beat_words[] = { "HGETALL", KEY_WORKERS };
	static struct redis_tail of_run, of_deployment;

	if (!make_tail(&of_run, &run_shown) || !make_tail(&of_deployment, &deployment_shown))
		return false;
	question->commands[0] = (struct redis_words){ 1, time_words, NULL };
	question->count = 1;
	for (size_t i = 0; i < shown->count; i++)
		ask_for(question, i, &shown->names[i], &of_run);
	if (shown->with_deployment) {
		const struct run_name *first = &shown->names[0];
		ask_for(question, SHOWN_MAX,
			&(struct run_name){
				first->tenant, first->app, first->workflow, DEPLOYMENT_STEP_ID },
			&of_deployment);
	}
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
		complete = record_take_field(
			&run_shown.fields[i], run, reply_text(reply_item(values, i)), arena);
	return complete ? ERROR_NONE : no_memory(error);
}

static enum error_class take_deployment(struct deployment *deployment,
	const struct redisReply *values, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < reply_count(values); i++)
		if (!record_take_field(&deployment_shown.fields[i], deployment,
			    reply_text(reply_item(values, i)), arena))
			return no_memory(error);
	return ERROR_NONE;
}

static enum error_class take_all(struct redisReply *const *replies, struct arena *arena,
	struct shown *shown, struct error *error)
{
	for (size_t i = 0; i < shown->count; i++) {
		if (take_run(&shown->runs[i], &shown->names[i], replies[1 + i], arena, error) !=
			ERROR_NONE)
			return error->class;
		shown->runs[i].now = server_time_of(replies[0]);
	}

	const struct run_name *first = &shown->runs[0].name;
	deployment_init(&shown->deployment, first->app, first->workflow);
	return shown->with_deployment
		? take_deployment(&shown->deployment, replies[1 + shown->count], arena, error)
		: ERROR_NONE;
}

enum error_class shown_read(
	struct redis *redis, struct arena *arena, struct shown *shown, struct error *error)
{
	UNSET struct question question;
	UNSET struct redisReply *replies[COMMANDS_MAX];

	if (!ask(shown, &question))
		return no_memory(error);
	/* No status depends on the heartbeats: a key that is no hash is a matter for 'slipway
	 * verify'. */
	if (redis_batch_lenient(redis, question.count - 1, question.count, question.commands,
		    replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class = take_all(replies, arena, shown, error);
	if (class == ERROR_NONE)
		waits_explain(redis, shown->runs, shown->count, replies[question.count - 1], arena);
	for (size_t i = 0; i < question.count; i++)
		reply_free(replies[i]);
	return class;
}

/* The deployment counts as one more run: its id and version change with it. */
void shown_tag(const struct shown *shown, char tag[RUN_TAG_SIZE])
{
	UNSET struct run runs[SHOWN_MAX + 1];
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
