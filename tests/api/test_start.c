/*
 * Starts that replace a deployment wait for its end: so many at a time that others are served too.
 *
 * covers: src/api/mode_start.c
 */
#include "api/fastcgi.h"
#include "harness/json_text.h"
#include "harness/post.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/runs.h"

#define MANY FASTCGI_SERVED_MAX

static struct redis *redis, *joined;
static struct loop *loop;
static struct arena arena;
static struct error error;
static struct settings settings;

static void set_up(void)
{
	arena_init(&arena, 0);
	settings.development = true;
	settings.tenant = "default";
	settings.retention_days = 1;
	redis = store_open();
	joined = store_join(&loop);
}

static void tear_down(void)
{
	store_leave(joined, loop);
	store_close(redis);
	arena_release(&arena);
}

#define START(rest) J("{'mode':'start','appId':'acme','workflowId':'hello'," rest "}")

static int status_of(struct redis *used, const char *body)
{
	const struct service service = { .settings = &settings, .redis = used, .arena = &arena };
	struct response response;
	response_init(&response);
	post_deploy(&service, body, &response);
	const int status = response.status;
	response_release(&response);
	return status;
}

static int statuses[MANY];
static size_t answered;

static void replace(void *context)
{
	int *status = context;
	*status = status_of(joined, START("'replace':true,'inputs':{'greet':{'text':'new'}}"));
	answered++;
}

static size_t count_of(int status)
{
	size_t count = 0;
	for (size_t i = 0; i < MANY; i++)
		count += statuses[i] == status ? 1 : 0;
	return count;
}

START_TEST(test_half_of_those_that_can_be_served_wait_and_the_others_are_told_so)
{
	const struct run_write end = {
		.kind = RUN_FINISH, .status = "error", .output = "{}", .error = "{}"
	};
	ck_assert_int_eq(status_of(redis, START("'inputs':{'greet':{'text':'old'}}")), 202);
	const struct claim claim = take_next(redis, 60000, &arena);

	for (size_t i = 0; i < MANY; i++)
		ck_assert(coroutine_start(replace, &statuses[i]));
	while (answered < MANY / 2)
		loop_turn(loop, 1000);
	ck_assert_uint_eq(answered, MANY / 2);
	ck_assert_uint_eq(count_of(409), MANY / 2);

	ck_assert_int_eq(run_write(redis, &claim.lease, &end, &error), ERROR_NONE);
	while (answered < MANY)
		loop_turn(loop, 1000);
	ck_assert_uint_eq(count_of(202), 1);
	ck_assert_uint_eq(count_of(200), MANY / 2 - 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_half_of_those_that_can_be_served_wait_and_the_others_are_told_so, NULL
	};
	return store_suite_main("start", tests, set_up, tear_down);
}
