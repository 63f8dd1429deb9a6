#include "harness/store.h"

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
	ck_assert_msg(redis_new(which->url, NULL, "test", 2000, &redis, &error) == ERROR_NONE, "%s",
		error.message);
	return redis;
}

struct redis *store_open(void)
{
	redis_server_empty(&server);
	return connect_to(&server);
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

void store_close(struct redis *redis)
{
	redis_free(redis);
	if (own.pid != 0)
		redis_server_stop(&own);
	own.pid = 0;
}
