/*
 * What the coroutines of a supervisor write and take goes out in one call a turn, and each gets its
 * own outcome. Calls are counted by the scripts that Redis has run: each asks for the time once.
 *
 * covers: src/worker/batch.c
 */
#include "worker/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "slipway/field.h"

#define RUNS 24 /* more than one call takes */

static struct redis *redis, *joined;
static struct loop *loop;
static struct batch batch;
static struct arena arena;
static struct error error;

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
	joined = store_join(&loop);
	batch_init(&batch, joined, loop);
}

static void tear_down(void)
{
	store_leave(joined, loop);
	store_close(redis);
	arena_release(&arena);
}

static void trigger(const char *app)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { "default", app, "site", "repo" },
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
}

/* What a coroutine does, and what has become of it. */
struct part {
	struct lease lease;
	struct run_write write;
	bool takes, is_done;
	enum error_class class;
	size_t taken;
	char status[16];
};

static void act(void *context)
{
	struct part *part = context;
	struct error own;
	struct run ended;
	struct taken_list list;
	const struct take wanted = { .worker = "w", .lease_ms = 30000, .want = 1 };

	if (part->takes) {
		part->class = batch_take(&batch, &wanted, &arena, &list, &own);
		part->taken = list.count;
		queue_taken_release(&list);
	} else {
		part->class = batch_write(&batch, &part->lease, &part->write, &arena, &ended, &own);
		if (part->class == ERROR_NONE)
			text_copy(part->status, sizeof(part->status), ended.status);
	}
	part->is_done = true;
}

static void claim_for(struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		trigger(arena_format(&arena, "app-%zu", i));
		parts[i].lease = take_next(redis, 30000, &arena).lease;
		parts[i].write =
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" };
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
	struct part part = { .takes = true };
	start_all(&part, 1);
	turn_until_done(&part, 1);
}

START_TEST(test_what_comes_in_one_turn_goes_out_in_one_call)
{
	struct part parts[4] = { { .takes = false } };
	claim_for(parts, 3);
	warm_up();
	trigger("next");
	parts[3].takes = true;
	const int64_t before = store_scripts_run(redis);
	start_all(parts, 4);
	turn_until_done(parts, 4);
	ck_assert_int_eq(store_scripts_run(redis) - before, 1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(parts[i].class, ERROR_NONE);
		ck_assert_str_eq(parts[i].status, "done");
	}
	ck_assert_int_eq(parts[3].class, ERROR_NONE);
	ck_assert_uint_eq(parts[3].taken, 1);
}
END_TEST

START_TEST(test_more_than_one_call_takes_goes_out_in_several)
{
	struct part parts[RUNS] = { { .takes = false } };
	claim_for(parts, RUNS);
	warm_up();
	const int64_t before = store_scripts_run(redis);
	start_all(parts, RUNS);
	turn_until_done(parts, RUNS);
	ck_assert_int_eq(store_scripts_run(redis) - before, 2);
	for (int i = 0; i < RUNS; i++)
		ck_assert_str_eq(parts[i].status, "done");
}
END_TEST

/* What comes while calls are under way is not left behind, and each of those has its own end. */
START_TEST(test_what_comes_later_goes_with_a_later_call)
{
	struct part parts[RUNS] = { { .takes = false } };
	claim_for(parts, RUNS);
	for (int i = 0; i < RUNS; i++) {
		start_all(&parts[i], 1);
		loop_turn(loop, 0);
	}
	turn_until_done(parts, RUNS);
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(parts[i].class, ERROR_NONE);
		ck_assert_str_eq(parts[i].status, "done");
	}
}
END_TEST

START_TEST(test_a_line_of_the_log_goes_with_what_comes_next)
{
	struct part parts[2] = { { .takes = false } };
	claim_for(parts, 1);
	parts[1] = parts[0];
	parts[0].write = (struct run_write){ .kind = RUN_PROGRESS, .log = "a line" };
	warm_up();
	const int64_t before = store_scripts_run(redis);
	start_all(&parts[0], 1);
	loop_turn(loop, 0);
	start_all(&parts[1], 1);
	turn_until_done(parts, 2);
	ck_assert_int_eq(store_scripts_run(redis) - before, 1);
	ck_assert_int_eq(parts[0].class, ERROR_NONE);
	ck_assert_str_eq(parts[1].status, "done");
}
END_TEST

START_TEST(test_a_line_of_the_log_that_is_alone_goes_too)
{
	struct part part = { .takes = false };
	claim_for(&part, 1);
	part.write = (struct run_write){ .kind = RUN_PROGRESS, .log = "a line" };
	start_all(&part, 1);
	turn_until_done(&part, 1);
	ck_assert_int_eq(part.class, ERROR_NONE);
}
END_TEST

START_TEST(test_a_lost_connection_is_told_to_each)
{
	struct part parts[RUNS] = { { .takes = false } };
	claim_for(parts, RUNS);
	warm_up();
	const char *const pause[] = { "CLIENT", "PAUSE", "60000", "WRITE" };
	const char *const go_on[] = { "CLIENT", "UNPAUSE" };
	ck_assert_int_eq(redis_tell(redis, 4, pause, &error), ERROR_NONE);
	start_all(parts, RUNS);
	loop_turn(loop, 0);
	redis_interrupt(joined);
	ck_assert_int_eq(redis_tell(redis, 2, go_on, &error), ERROR_NONE);
	turn_until_done(parts, RUNS);
	int failed = 0;
	for (int i = 0; i < RUNS; i++)
		failed += parts[i].class == ERROR_OUTCOME_UNKNOWN ||
			parts[i].class == ERROR_STORE_UNAVAILABLE;
	ck_assert_int_ge(failed, WORK_WRITES_MAX);
	/* Each may be tried again: what has taken effect finds its lease gone. */
	for (int i = 0; i < RUNS; i++)
		parts[i].is_done = false;
	start_all(parts, RUNS);
	turn_until_done(parts, RUNS);
	for (int i = 0; i < RUNS; i++)
		ck_assert(parts[i].class == ERROR_NONE || parts[i].class == ERROR_LEASE_LOST);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_comes_in_one_turn_goes_out_in_one_call,
		test_more_than_one_call_takes_goes_out_in_several,
		test_what_comes_later_goes_with_a_later_call,
		test_a_line_of_the_log_goes_with_what_comes_next,
		test_a_line_of_the_log_that_is_alone_goes_too,
		test_a_lost_connection_is_told_to_each, NULL };
	return store_suite_main("batch", tests, set_up, tear_down);
}
