/*
 * One row per worker in each of two hashes: what changes with every heartbeat, and what never does.
 * Ages are by the clock of Redis, because the clocks of the machines differ.
 */
#include "store/workers.h"

#include <string.h>

#include "base/clock.h"
#include "base/prefork.h"
#include "base/record.h"
#include "store/keys.h"
#include "store/server.h"

#define WORKER_KEPT_MS 3600000

#define DEFINITIONS_MAX 4096

struct beat_json {
	const char *at, *version, *started_at;
	int64_t executors, busy;
	struct string_list running;
	bool draining;
};
static const struct field beat_fields[] = {
	{ STRING_FIELD("at", struct beat_json, at) },
	{ STRING_FIELD("version", struct beat_json, version) },
	{ INTEGER_FIELD("executors", struct beat_json, executors) },
	{ INTEGER_FIELD("busy", struct beat_json, busy) },
	{ STRING_FIELD("started_at", struct beat_json, started_at) },
	{ STRINGS_FIELD("running", struct beat_json, running) },
	{ BOOLEAN_FIELD("draining", struct beat_json, draining) },
};
static const struct record beat_record = RECORD(struct beat_json, beat_fields);

struct published_json {
	struct string_map definitions;
};
static const struct field published_fields[] = {
	{ MAP_FIELD("definitions", struct published_json, definitions),
		.maximum = DEFINITIONS_MAX },
};
static const struct record published_record = RECORD(struct published_json, published_fields);

/* Writes the record as JSON into a field of a hash. */
static enum error_class put(struct redis *redis, const char *const command[3],
	const struct record *record, const void *data, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *tree = NULL;

	if (record_encode(record, data, &tree, error) != ERROR_NONE)
		return error->class;
	const char *const words[] = { command[0], command[1], command[2],
		json_print(&arena, tree) };
	return words[3] != NULL
		? redis_tell(redis, ARRAY_LEN(words), words, error)
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a heartbeat");
}

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
	const struct beat_json json = { now, beat->version, beat->started_at,
		(int64_t)beat->executors, (int64_t)beat->busy, beat->running, beat->draining };
	const char *const command[] = { "HSET", KEY_WORKERS, beat->name };
	return put(redis, command, &beat_record, &json, error);
}

enum error_class worker_publish(struct redis *redis, const char *name,
	const struct string_map *definitions, bool again, struct error *error)
{
	const char *const command[] = { again ? "HSETNX" : "HSET", KEY_DEFINITIONS, name };
	const struct published_json json = { *definitions };

	return put(redis, command, &published_record, &json, error);
}

enum error_class worker_leave(struct redis *redis, const char *name, struct error *error)
{
	const char *const beat[] = { "HDEL", KEY_WORKERS, name };
	const char *const definitions[] = { "HDEL", KEY_DEFINITIONS, name };

	if (redis_tell(redis, 3, beat, error) != ERROR_NONE)
		return error->class;
	return redis_tell(redis, 3, definitions, error);
}

static int64_t age_of(const char *at, int64_t now_ms)
{
	int64_t age_ms = now_ms - clock_parse(at);

	return age_ms >= -WORKER_SILENT_MS ? age_ms : WORKER_NEVER_MS;
}

/* Whatever a hand or another version has written there: what cannot be read is as if it were not
 * there. */
static void decode(const struct record *record, const char *text, struct arena *arena, void *ret)
{
	struct error ignored = { .class = ERROR_NONE };
	CLEANUP_JSON cJSON *tree = cJSON_Parse(text);

	if (record_decode(record, tree, RECORD_LENIENT, "", arena, ret, &ignored) != ERROR_NONE)
		memset(ret, 0, record->size);
}

static const char *text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static void read_beat(const char *name, const char *text, int64_t now_ms, struct arena *arena,
	struct worker_row *ret_row)
{
	struct beat_json json;

	decode(&beat_record, text, arena, &json);
	*ret_row = (struct worker_row){
		.beat = { name, text_or_empty(json.version), (size_t)json.executors,
			(size_t)json.busy, text_or_empty(json.started_at), json.running,
			json.draining },
		.age_ms = age_of(json.at, now_ms),
	};
}

void workers_each(const struct redisReply *beats, int64_t now_ms,
	void (*each)(void *context, const struct worker_heartbeat *beat, int64_t age_ms),
	void *context)
{
	for (size_t i = 0; i + 1 < reply_count(beats); i += 2) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct worker_row row;
		read_beat(reply_text(reply_item(beats, i)), reply_text(reply_item(beats, i + 1)),
			now_ms, &arena, &row);
		each(context, &row.beat, row.age_ms);
	}
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
	workers_each(reply, now_ms, each, context);
	return ERROR_NONE;
}

/* The value of a field in the pairs of an HGETALL; "" if there is none. */
static const char *field_of(const struct redisReply *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < reply_count(pairs); i += 2)
		if (strcmp(reply_text(reply_item(pairs, i)), name) == 0)
			return reply_text(reply_item(pairs, i + 1));
	return "";
}

static enum error_class read_rows(struct redisReply *const replies[3], struct arena *arena,
	struct worker_rows *ret_rows, struct error *error)
{
	const struct redisReply *beats = replies[1];
	const int64_t now_ms = server_time_of(replies[0]);
	struct worker_row *rows =
		arena_allocate_array(arena, reply_count(beats) / 2, sizeof(*rows));

	*ret_rows = (struct worker_rows){ rows, 0 };
	for (size_t i = 0; rows != NULL && i + 1 < reply_count(beats); i += 2) {
		struct worker_row *row = &rows[ret_rows->count++];
		struct published_json published;
		const char *name = arena_string(arena, reply_text(reply_item(beats, i)));
		read_beat(text_or_empty(name), reply_text(reply_item(beats, i + 1)), now_ms, arena,
			row);
		decode(&published_record, field_of(replies[2], row->beat.name), arena, &published);
		row->definitions = published.definitions;
	}

	return rows != NULL && !arena->exhausted
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the list of workers");
}

enum error_class workers_read(
	struct redis *redis, struct arena *arena, struct worker_rows *ret_rows, struct error *error)
{
	static const char *const time[] = { "TIME" };
	static const char *const beats[] = { "HGETALL", KEY_WORKERS };
	static const char *const definitions[] = { "HGETALL", KEY_DEFINITIONS };
	const struct redis_words commands[] = { { 1, time, NULL }, { 2, beats, NULL },
		{ 2, definitions, NULL } };
	struct redisReply *replies[ARRAY_LEN(commands)];

	if (redis_batch(redis, ARRAY_LEN(commands), commands, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class = read_rows(replies, arena, ret_rows, error);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		reply_free(replies[i]);
	return class;
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

struct adding {
	const char *asking;
	size_t executors;
};

/* Those of a worker that is stopping take no runs any more. More than one can have are the work of
 * a hand. */
static void add_executors(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct adding *adding = context;

	if (age_ms <= WORKER_SILENT_MS && !beat->draining &&
		beat->executors <= PREFORK_CHILDREN_MAX && strcmp(beat->name, adding->asking) != 0)
		adding->executors += beat->executors;
}

enum error_class workers_capacity_read(struct redis *redis, const char *asking,
	struct workers_capacity *ret_capacity, struct error *error)
{
	static const char *const count[] = { "ZCARD", KEY_TENANTS };
	struct adding adding = { asking, 0 };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(redis, ARRAY_LEN(count), count, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_capacity = (struct workers_capacity){ .tenants = (size_t)reply_integer(reply) };
	if (ret_capacity->tenants > 1 &&
		workers_list(redis, add_executors, &adding, error) != ERROR_NONE)
		return error->class;
	ret_capacity->executors = adding.executors;
	return ERROR_NONE;
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
