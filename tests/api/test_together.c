/*
 * What the coroutines of a process trigger goes out in one call a turn, and each gets its own
 * outcome. Calls are counted by the scripts that Redis has run: each asks for the time once.
 *
 * covers: src/api/together.c src/store/triggers.c
 */
#include "api/together.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "slipway/field.h"

#define RUNS 40 /* more than one call takes */

static struct redis *redis, *joined;
static struct loop *loop;
static struct together together;
static struct arena arena;
static struct error error;

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
	joined = store_join(&loop);
	together_init(&together, joined, loop);
}

static void tear_down(void)
{
	store_leave(joined, loop);
	store_close(redis);
	arena_release(&arena);
}

/* What a coroutine does, and what has become of it. */
struct part {
	const char *tenant, *app;
	bool is_done;
	enum error_class class;
	enum trigger_outcome outcome;
	char run_app[IDENTIFIER_SIZE];
};

static void act(void *context)
{
	struct part *part = context;
	struct error own;
	struct trigger_result result;
	const struct trigger trigger = { .name = { part->tenant, part->app, "site", "repo" },
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };

	part->class = together_trigger(&together, &trigger, &arena, &result, &own);
	if (part->class == ERROR_NONE) {
		part->outcome = result.outcome;
		text_copy(part->run_app, sizeof(part->run_app), result.run.name.app);
	}
	part->is_done = true;
}

static void name_all(struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		parts[i].tenant = "default";
		parts[i].app = arena_format(&arena, "app-%zu", i);
	}
}

static void start_all(struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert(coroutine_start(act, &parts[i]));
}

static void turn_until_done(const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		while (!parts[i].is_done)
			loop_turn(loop, 1000);
}

/* The connection is open, and has the script. */
static void warm_up(void)
{
	struct part part = { .tenant = "default", .app = "warm" };
	start_all(&part, 1);
	turn_until_done(&part, 1);
}

static void expect_new(const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(parts[i].class, ERROR_NONE);
		ck_assert_int_eq(parts[i].outcome, TRIGGER_NEW);
		ck_assert_str_eq(parts[i].run_app, parts[i].app);
	}
}

START_TEST(test_what_comes_in_one_turn_goes_out_in_one_call)
{
	struct part parts[4] = { { .is_done = false } };
	name_all(parts, 4);
	warm_up();
	const int64_t before = store_scripts_run(redis);
	start_all(parts, 4);
	turn_until_done(parts, 4);
	ck_assert_int_eq(store_scripts_run(redis) - before, 1);
	expect_new(parts, 4);
}
END_TEST

START_TEST(test_more_than_one_call_takes_goes_out_in_several)
{
	struct part parts[RUNS] = { { .is_done = false } };
	name_all(parts, RUNS);
	warm_up();
	const int64_t before = store_scripts_run(redis);
	start_all(parts, RUNS);
	turn_until_done(parts, RUNS);
	ck_assert_int_eq(store_scripts_run(redis) - before, 2);
	expect_new(parts, RUNS);
}
END_TEST

START_TEST(test_what_comes_later_goes_with_a_later_call)
{
	struct part parts[RUNS] = { { .is_done = false } };
	name_all(parts, RUNS);
	for (int i = 0; i < RUNS; i++) {
		start_all(&parts[i], 1);
		loop_turn(loop, 0);
	}
	turn_until_done(parts, RUNS);
	expect_new(parts, RUNS);
}
END_TEST

/* While Redis does nothing, so the first call stays under way. Gives how many calls there were. */
static int64_t calls_for(size_t count)
{
	struct part parts[RUNS] = { { .is_done = false } };
	name_all(parts, count);
	const char *const pause[] = { "CLIENT", "PAUSE", "60000", "WRITE" };
	const char *const go_on[] = { "CLIENT", "UNPAUSE" };
	const int64_t before = store_scripts_run(redis);
	ck_assert_int_eq(redis_tell(redis, 4, pause, &error), ERROR_NONE);
	for (size_t i = 0; i < count; i++) {
		start_all(&parts[i], 1);
		loop_turn(loop, 0);
	}
	ck_assert_int_eq(redis_tell(redis, 2, go_on, &error), ERROR_NONE);
	turn_until_done(parts, count);
	return store_scripts_run(redis) - before;
}

/* A second call goes out beside it for no few; they go together, when the first is back. */
START_TEST(test_few_wait_for_the_call_that_is_under_way)
{
	warm_up();
	ck_assert_int_eq(calls_for(8), 2);
	ck_assert_int_eq(calls_for(10), 3);
}
END_TEST

/* A call is of one tenant: what is another's has its own, and its own keys. */
START_TEST(test_tenants_share_no_call)
{
	struct part parts[6] = { { .is_done = false } };
	name_all(parts, 6);
	for (int i = 1; i < 6; i += 2) {
		parts[i].tenant = "other";
		parts[i].app = parts[i - 1].app;
	}
	warm_up();
	const int64_t before = store_scripts_run(redis);
	start_all(parts, 6);
	turn_until_done(parts, 6);
	ck_assert_int_eq(store_scripts_run(redis) - before, 2);
	expect_new(parts, 6);
	const char *const words[] = { "ZCARD", "slipway:{0}:apps:other" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	ck_assert_int_eq(reply_integer(reply), 3);
	reply_free(reply);
}
END_TEST

START_TEST(test_a_lost_connection_is_told_to_each)
{
	struct part parts[RUNS] = { { .is_done = false } };
	name_all(parts, RUNS);
	warm_up();
	const char *const pause[] = { "CLIENT", "PAUSE", "60000", "WRITE" };
	const char *const go_on[] = { "CLIENT", "UNPAUSE" };
	ck_assert_int_eq(redis_tell(redis, 4, pause, &error), ERROR_NONE);
	start_all(parts, RUNS);
	loop_turn(loop, 0);
	redis_interrupt(joined);
	ck_assert_int_eq(redis_tell(redis, 2, go_on, &error), ERROR_NONE);
	turn_until_done(parts, RUNS);
	int unknown = 0;
	for (int i = 0; i < RUNS; i++)
		unknown += parts[i].class == ERROR_OUTCOME_UNKNOWN;
	ck_assert_int_ge(unknown, TRIGGERS_MAX);
	/* Each may be sent again: where it has taken effect, it gets the run that it made. */
	for (int i = 0; i < RUNS; i++)
		parts[i].is_done = false;
	start_all(parts, RUNS);
	turn_until_done(parts, RUNS);
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(parts[i].class, ERROR_NONE);
		ck_assert(parts[i].outcome == TRIGGER_NEW || parts[i].outcome == TRIGGER_SAME);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_comes_in_one_turn_goes_out_in_one_call,
		test_more_than_one_call_takes_goes_out_in_several,
		test_what_comes_later_goes_with_a_later_call,
		test_few_wait_for_the_call_that_is_under_way, test_tenants_share_no_call,
		test_a_lost_connection_is_told_to_each, NULL };
	return store_suite_main("together", tests, set_up, tear_down);
}
