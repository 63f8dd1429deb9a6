/*
 * The private Redis of a torture test: how a state is made without faults, and whether what faults
 * left holds together. For one file of a program only.
 */
#ifndef TESTS_TORTURE_STATE_H
#define TESTS_TORTURE_STATE_H

#include "harness/redis_server.h"
#include "harness/suite.h"
#include "store/queue.h"
#include "store/verify.h"
#include "torture/interpose.h"

static struct redis_server server;
static struct redis *observer; /* is never under a fault */

static inline struct redis *state_connect(void)
{
	struct redis *redis;
	struct error error;
	ck_assert_int_eq(
		redis_new(server.url, NULL, "torture", PATIENCE_MS, &redis, &error), ERROR_NONE);
	return redis;
}

static inline int64_t state_integer(size_t count, const char *const *words)
{
	struct redisReply *reply;
	struct error error;
	ck_assert_msg(redis_command(observer, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	int64_t value = reply_integer(reply);
	reply_free(reply);
	return value;
}

#define STATE_INTEGER(...)                                                                         \
	state_integer(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *),         \
		(const char *const[]){ __VA_ARGS__ })

static inline void state_wipe(void)
{
	STATE_INTEGER("FLUSHDB");
}

static inline void state_begin(void)
{
	redis_server_start(&server);
	observer = state_connect();
	/* What is tried is not the disk. */
	STATE_INTEGER("CONFIG", "SET", "appendfsync", "everysec");
	state_wipe();
}

static inline void state_end(void)
{
	redis_free(observer);
	redis_server_stop(&server);
}

static inline struct trigger state_trigger(const struct run_name *name)
{
	return (struct trigger){ .name = *name,
		.input = "{\"text\":\"one\"}",
		.digest = "d1",
		.run_ms = 600000,
		.attempts = 3,
		.retention_seconds = 3600 };
}

static inline struct claim state_take(struct arena *arena, const char *worker, int64_t lease_ms)
{
	struct error error;
	struct taken_list list;
	const struct take take = { .worker = worker, .lease_ms = lease_ms, .want = 1 };
	ck_assert_int_eq(queue_take(observer, &take, arena, &list, &error), ERROR_NONE);
	ck_assert(list.count == 1 && list.items[0].kind == TAKEN_RUN);
	return list.items[0].claim;
}

static inline void state_claim(struct arena *arena, struct lease *ret_lease)
{
	struct claim claim = state_take(arena, "observer", 60000);
	*ret_lease = claim.lease;
	claim_release(&claim);
}

static inline void state_found(void *context, const char *key, const char *what, bool repaired)
{
	(void)repaired;
	ck_abort_msg("%s: %s: %s", (const char *)context, key, what);
}

/* A live run has its place and stands in the index; one that is not live has neither. Then what
 * verify looks at. */
static inline void state_check(const struct run_name *name, const char *what)
{
	struct arena arena;
	struct error error;
	struct run run;
	struct verify_counts counts;
	char member[MEMBER_SIZE];
	char text[160];
	/* What was sent before its connection was cut off is carried out by then. */
	STATE_INTEGER("PING");
	STATE_INTEGER("PING");
	snprintf(text, sizeof(text), "%s", what);
	member_make(member, name);
	arena_init(&arena, 0);
	ck_assert_int_eq(run_read(observer, name, &arena, &run, &error), ERROR_NONE);
	const char *const in_live[] = { "ZRANK", KEY_LIVE, member };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(observer, 3, in_live, &reply, &error), ERROR_NONE);
	bool indexed = !reply_is_nil(reply);
	reply_free(reply);
	ck_assert_msg(indexed == run_is_live(&run), "%s: '%s' and in the index: %d", what,
		run.status, indexed);
	char lane[KEY_SIZE];
	snprintf(lane, sizeof(lane), KEY_READY ":default:%s", name->app);
	int64_t places = STATE_INTEGER("ZCARD", lane) + STATE_INTEGER("ZCARD", KEY_BEGUN);
	bool queued = run_is_live(&run) && run.due == 0 && strcmp(run.phase, "queued") == 0;
	ck_assert_msg(places == (queued ? 1 : 0), "%s: %s %s, %lld places", what, run.status,
		run.phase, (long long)places);
	const struct verify_options options = {
		.lease_ms = 60000, .retention_seconds = 3600, .found = state_found, .context = text
	};
	ck_assert_int_eq(store_verify(observer, &options, &counts, &error), ERROR_NONE);
	arena_release(&arena);
}

static inline int64_t state_version(const struct run_name *name)
{
	char key[KEY_SIZE];
	run_key_make(key, name);
	return STATE_INTEGER("HGET", key, "version");
}

#endif
