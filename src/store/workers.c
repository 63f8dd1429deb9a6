/*
 * One row a worker in one hash. Ages are by the clock of Redis, because the clocks of the machines
 * differ.
 */
#include "store/workers.h"

#include "base/clock.h"
#include "base/record.h"
#include "store/keys.h"
#include "store/server.h"

#define WORKER_KEPT_MS 3600000

struct beat_json {
	const char *at, *version;
	int64_t executors, busy;
};
static const struct field beat_fields[] = {
	{ STRING_FIELD("at", struct beat_json, at) },
	{ STRING_FIELD("version", struct beat_json, version) },
	{ INTEGER_FIELD("executors", struct beat_json, executors) },
	{ INTEGER_FIELD("busy", struct beat_json, busy) },
};
static const struct record beat_record = RECORD(struct beat_json, beat_fields);

enum error_class worker_heartbeat(
	struct redis *redis, const struct worker_heartbeat *beat, struct error *error)
{
	char now[CLOCK_TEXT_SIZE];
	int64_t now_ms;

	/* By the clock of Redis, as all times there: the reader may be on a machine whose clock
	 * differs. */
	if (server_time(redis, &now_ms, error) != ERROR_NONE)
		return error->class;
	clock_format(now_ms, now);
	const struct beat_json json = { now, beat->version, (int64_t)beat->executors,
		(int64_t)beat->busy };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *tree = NULL;
	if (record_encode(&beat_record, &json, &tree, error) != ERROR_NONE)
		return error->class;
	const char *const words[] = { "HSET", KEY_WORKERS, beat->name, json_print(&arena, tree) };
	return words[3] != NULL
		? redis_tell(redis, ARRAY_LEN(words), words, error)
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a heartbeat");
}

enum error_class worker_leave(struct redis *redis, const char *name, struct error *error)
{
	const char *const words[] = { "HDEL", KEY_WORKERS, name };
	return redis_tell(redis, 3, words, error);
}

static int64_t age_of(const char *at, int64_t now_ms)
{
	int64_t age_ms = now_ms - clock_parse(at);

	return age_ms >= -WORKER_SILENT_MS ? age_ms : WORKER_NEVER_MS;
}

enum error_class workers_list(struct redis *redis,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms),
	void *context, struct error *error)
{
	const char *const words[] = { "HGETALL", KEY_WORKERS };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	int64_t now_ms;

	if (server_time(redis, &now_ms, error) != ERROR_NONE ||
		redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct beat_json json = { NULL, "", 0, 0 };
		struct error ignored = { .class = ERROR_NONE };
		CLEANUP_JSON cJSON *tree = cJSON_Parse(reply_text(reply_item(reply, i + 1)));
		if (record_decode(&beat_record, tree, RECORD_LENIENT, "", &arena, &json,
			    &ignored) != ERROR_NONE)
			json = (struct beat_json){ NULL, "", 0, 0 };
		const struct worker_heartbeat beat = { reply_text(reply_item(reply, i)),
			json.version != NULL ? json.version : "", (size_t)json.executors,
			(size_t)json.busy };
		each(context, &beat, age_of(json.at, now_ms));
	}

	return ERROR_NONE;
}

static void tally_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct workers_tally *tally = context;
	(void)beat;
	*(age_ms <= WORKER_SILENT_MS ? &tally->alive : &tally->silent) += 1;
}

enum error_class workers_count(
	struct redis *redis, struct workers_tally *ret_tally, struct error *error)
{
	*ret_tally = (struct workers_tally){ 0, 0 };
	return workers_list(redis, tally_worker, ret_tally, error);
}

struct tidying {
	struct redis *redis;
	enum error_class class; /* of the first that failed */
	struct error *error;
};

static void leave_if_silent(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct tidying *tidying = context;
	if (age_ms > WORKER_KEPT_MS && tidying->class == ERROR_NONE)
		tidying->class = worker_leave(tidying->redis, beat->name, tidying->error);
}

enum error_class workers_tidy(struct redis *redis, struct error *error)
{
	struct tidying tidying = { redis, ERROR_NONE, error };
	if (workers_list(redis, leave_if_silent, &tidying, error) != ERROR_NONE)
		return error->class;
	return tidying.class;
}
