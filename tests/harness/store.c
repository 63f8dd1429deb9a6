#include "harness/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/coroutine.h"
#include "base/loop.h"
#include "harness/redis_server.h"

/* Of the program; of the test that runs, where it has one. */
static struct redis_server server, own;

int store_suite_main(
	const char *name, const TTest *const *tests, void (*setup)(void), void (*teardown)(void))
{
	redis_server_start(&server);
	int status = suite_main(name, tests, setup, teardown);
	redis_server_stop(&server);
	return status;
}

static struct redis *connect_to(const struct redis_server *which)
{
	struct redis *redis;
	struct error error;
	ck_assert_msg(
		redis_new(which->url, NULL, "test", PATIENCE_MS, &redis, &error) == ERROR_NONE,
		"%s", error.message);
	return redis;
}

struct redis *store_open(void)
{
	redis_server_empty(&server);
	return connect_to(&server);
}

struct redis *store_connect(void)
{
	return connect_to(own.pid != 0 ? &own : &server);
}

struct redis *store_join(struct loop **ret_loop)
{
	struct redis *joined = store_connect();
	struct error error;
	ck_assert_int_eq(loop_new(ret_loop, &error), ERROR_NONE);
	redis_join(joined, *ret_loop);
	return joined;
}

void store_leave(struct redis *joined, struct loop *loop)
{
	redis_free(joined);
	loop_free(loop);
	coroutines_release();
}

struct redis *store_open_own(struct redis *redis)
{
	redis_free(redis);
	redis_server_start(&own);
	return connect_to(&own);
}

void store_restart(void)
{
	ck_assert_int_ne(own.pid, 0);
	redis_server_restart(&own);
}

int64_t store_scripts_run(struct redis *redis)
{
	static const char *const words[] = { "INFO", "commandstats" };
	static const char clock[] = "cmdstat_time:calls=";
	struct redisReply *reply;
	struct error error;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	const char *line = strstr(reply_text(reply), clock);
	int64_t calls = line != NULL ? strtoll(line + strlen(clock), NULL, 10) : 0;
	reply_free(reply);
	return calls;
}

void store_tell(struct redis *redis, const char *const *words, size_t count)
{
	struct error error;
	ck_assert_msg(redis_tell(redis, count, words, &error) == ERROR_NONE, "%s", error.message);
}

static struct redisReply *ask(struct redis *redis, const char *const *words, size_t count)
{
	struct redisReply *reply;
	struct error error;
	ck_assert_msg(redis_command(redis, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	return reply;
}

int64_t store_number(struct redis *redis, const char *const *words, size_t count)
{
	CLEANUP_REPLY struct redisReply *reply = ask(redis, words, count);
	return reply_integer(reply);
}

const char *store_text(
	struct redis *redis, struct arena *arena, const char *const *words, size_t count)
{
	CLEANUP_REPLY struct redisReply *reply = ask(redis, words, count);
	return arena_string(arena, reply_text(reply));
}

void store_close(struct redis *redis)
{
	redis_free(redis);
	if (own.pid != 0)
		redis_server_stop(&own);
	own.pid = 0;
}
