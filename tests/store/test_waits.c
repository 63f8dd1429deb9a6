/*
 * Why a run waits, as a status says it, for states that are put together by hand.
 *
 * covers: src/store/waits.c src/store/shown.c src/store/workers.c src/store/scripts/turn.lua
 * covers: src/core/run.c
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "harness/store.h"
#include "store/keys.h"
#include "store/server.h"
#include "store/shown.h"
#include "store/workers.h"

static struct redis *redis;
static struct arena arena;
static struct error error;
static struct shown shown;
static const struct run_name name = { "default", "acme", "site", "repo" };

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
}

static void tear_down(void)
{
	store_close(redis);
	arena_release(&arena);
}

#define TELL(...) STORE_TELL(redis, __VA_ARGS__)

static int64_t now(void)
{
	int64_t time_ms;

	ck_assert_int_eq(server_time(redis, &time_ms, &error), ERROR_NONE);
	return time_ms;
}

/* The age of a heartbeat that stays young where the test is late: as far ahead as the clocks of two
 * machines may be. */
#define JUST_NOW (-10000)

/* Returns when it was. */
static int64_t beat(const char *worker, int executors, int busy, int64_t age_ms)
{
	char at[CLOCK_TEXT_SIZE];
	const int64_t at_ms = now() - age_ms;

	clock_format(at_ms, at);
	TELL("HSET", KEY_WORKERS, worker,
		arena_format(&arena, "{\"at\":\"%s\",\"executors\":%d,\"busy\":%d}", at, executors,
			busy));
	return at_ms;
}

static void put(const char *field, const char *value)
{
	char key[KEY_SIZE];

	run_key_make(key, &name);
	TELL("HSET", key, field, value);
}

static void put_time(const char *field, int64_t time_ms)
{
	put(field, arena_format(&arena, "%lld", (long long)time_ms));
}

static void stand_queued(int64_t since)
{
	put("status", "running");
	put("run", "r1");
	put("phase", "queued");
	put_time("ready_at", since);
}

/* So many runs of one app, of which ours is the one with this number, counted from 1. */
static void fill_lane(const char *app, int count, int own)
{
	const char *lane = arena_format(&arena, KEY_READY ":default:%s", app);
	TELL("DEL", lane);
	for (int i = 1; i <= count; i++)
		TELL("ZADD", lane, arena_format(&arena, "%d", i),
			i == own ? "site:repo" : arena_format(&arena, "site:step%d", i));
	TELL("ZADD", KEY_READY ":default", "1", app);
	TELL("ZADD", KEY_READY, "1", "default");
}

static void stand_executing(int64_t lease_ms)
{
	put("status", "running");
	put("run", "r1");
	put("phase", "executing");
	put("worker", "host-1");
	put_time("lease_until", now() + lease_ms);
}

static const struct run *look(void)
{
	shown = (struct shown){ .names = &name, .count = 1 };
	ck_assert_msg(shown_read(redis, &arena, &shown, &error) == ERROR_NONE, "%s", error.message);
	return &shown.runs[0];
}

static void assert_why(const char *reason, const char *detail)
{
	const struct run *run = look();

	ck_assert_str_eq(run->reason, reason);
	ck_assert_str_eq(run->detail, detail);
}

/* Where the machine stood still between, once more. */
START_TEST(test_what_was_queued_just_now_says_nothing)
{
	int64_t since;
	do {
		since = now() - 500;
		stand_queued(since);
	} while (look()->now - since > 1000);
	ck_assert_str_eq(shown.runs[0].reason, "");
	ck_assert_str_eq(shown.runs[0].detail, "");
}
END_TEST

START_TEST(test_without_any_worker_a_queued_run_says_so)
{
	fill_lane("acme", 1, 1);
	stand_queued(1);
	assert_why("no_worker", "no worker is running; it begins when one is started");
}
END_TEST

START_TEST(test_a_worker_that_was_killed_is_named_with_its_last_sign)
{
	fill_lane("acme", 1, 1);
	stand_queued(1);
	beat("host-1", 4, 0, 60000);
	beat("host-2", 4, 0, 5000);
	const struct run *run = look();
	ck_assert_str_eq(run->reason, "no_worker");
	ck_assert(strstr(run->detail, "the last one, host-2, was last heard of at 20") != NULL);
	int64_t at;
	do
		at = beat("host-1", 4, 0, 4000);
	while (look()->now - at > WORKER_ABSENT_MS);
	ck_assert_str_eq(shown.runs[0].reason, "turn");
}
END_TEST

START_TEST(test_a_queued_run_says_what_is_before_it_and_what_holds_it)
{
	beat("host-1", 2, 2, JUST_NOW);
	stand_queued(1);
	fill_lane("acme", 4, 4);
	assert_why("turn", "3 runs are before it; all 2 executors of 1 worker are busy");
	fill_lane("acme", 4, 2);
	assert_why("turn", "1 run is before it; all 2 executors of 1 worker are busy");
	fill_lane("acme", 4, 1);
	beat("host-2", 2, 1, JUST_NOW);
	assert_why("turn", "it is next; 4 executors of 2 workers take runs in turn");
	TELL("HDEL", KEY_WORKERS, "host-1", "host-2");
	beat("host-1", 1, 1, JUST_NOW);
	assert_why("turn", "it is next; 1 executor of 1 worker is busy");
}
END_TEST

/* It takes no part in the turns meanwhile: whoever else waits is not before it. */
START_TEST(test_a_run_of_a_tenant_that_is_held_says_what_is_before_it_of_its_own)
{
	beat("host-1", 2, 1, 0);
	stand_queued(1);
	fill_lane("blog", 1, 0);
	fill_lane("acme", 3, 2);
	TELL("DEL", KEY_READY);
	TELL("ZADD", KEY_READY, "1", "other");
	TELL("ZADD", KEY_READY ":other", "1", "shop");
	TELL("ZADD", KEY_READY ":other:shop", "1", "site:repo");
	TELL("ZADD", KEY_BEGUN, "1", "other:shop:site:project");
	TELL("HSET", KEY_HOLDS, "tenant:default", "no more may be");
	assert_why("turn",
		"no more may be; 2 runs are before it; 2 executors of 1 worker take runs in turn");
}
END_TEST

START_TEST(test_a_long_queue_is_not_counted_to_its_end)
{
	stand_queued(1);
	fill_lane("acme", 150, 150);
	beat("host-1", 2, 2, JUST_NOW);
	assert_why(
		"turn", "more than 100 runs are before it; all 2 executors of 1 worker are busy");
	fill_lane("acme", 150, 101);
	assert_why("turn", "100 runs are before it; all 2 executors of 1 worker are busy");
	fill_lane("acme", 150, 102);
	assert_why(
		"turn", "more than 100 runs are before it; all 2 executors of 1 worker are busy");
}
END_TEST

/* Whatever one app has queued: others take turns with it, and so do tenants. */
START_TEST(test_a_long_queue_of_one_app_is_not_before_another)
{
	stand_queued(1);
	fill_lane("acme", 2, 2);
	fill_lane("blog", 500, 0);
	fill_lane("shop", 2, 0);
	beat("host-1", 2, 2, JUST_NOW);
	/* acme, blog, shop, acme */
	assert_why("turn", "3 runs are before it; all 2 executors of 1 worker are busy");
	TELL("ZADD", KEY_READY, "0", "other");
	for (int i = 0; i < 200; i++)
		TELL("ZADD", KEY_READY ":other", "1", arena_format(&arena, "a%d", i));
	for (int i = 0; i < 200; i++)
		TELL("ZADD", arena_format(&arena, KEY_READY ":other:a%d", i), "1", "w:s");
	beat("host-1", 2, 2, JUST_NOW);
	/* a0, acme, a1, blog, a10, shop, a100, acme */
	assert_why("turn", "7 runs are before it; all 2 executors of 1 worker are busy");
}
END_TEST

START_TEST(test_a_run_that_stands_nowhere_has_no_place)
{
	beat("host-1", 2, 2, JUST_NOW);
	stand_queued(1);
	fill_lane("acme", 4, 0);
	assert_why("", "");
}
END_TEST

START_TEST(test_what_was_begun_goes_first)
{
	beat("host-1", 2, 2, JUST_NOW);
	stand_queued(1);
	fill_lane("acme", 1, 0);
	TELL("ZADD", KEY_BEGUN, "1", "default:blog:site:repo", "2", "default:acme:site:repo", "3",
		"default:blog:site:env");
	/* begun, new, ours */
	assert_why("turn", "2 runs are before it; all 2 executors of 1 worker are busy");
	TELL("ZREM", KEY_BEGUN, "default:acme:site:repo");
	fill_lane("acme", 2, 2);
	/* begun, new, begun, ours */
	assert_why("turn", "3 runs are before it; all 2 executors of 1 worker are busy");
}
END_TEST

/* It stands on the queue for moments only: a worker that has not its definition declines it. */
START_TEST(test_a_run_that_is_left_to_another_build_says_so)
{
	put("status", "running");
	put("run", "r1");
	put("phase", "queued");
	put_time("due", now() + 1000);
	put_time("queued_at", now() - 5000);
	beat("host-1", 2, 2, JUST_NOW);
	const struct run *run = look();
	ck_assert_str_eq(run->reason, "turn");
	ck_assert_ptr_nonnull(strstr(run->detail, "left to a worker of another build"));
	TELL("DEL", KEY_WORKERS);
	ck_assert_str_eq(look()->reason, "no_worker");
}
END_TEST

START_TEST(test_a_run_that_no_build_wants_keeps_its_reason_while_workers_run)
{
	put("status", "running");
	put("phase", "queued");
	put("reason", "no_worker_for_version");
	put("detail", "none has it");
	put_time("queued_at", now() - 5000);
	beat("host-1", 2, 2, JUST_NOW);
	assert_why("no_worker_for_version", "none has it");
	TELL("DEL", KEY_WORKERS);
	ck_assert_str_eq(look()->reason, "no_worker");
}
END_TEST

START_TEST(test_keys_that_a_hand_has_broken_hide_no_status)
{
	stand_queued(1);
	TELL("SET", KEY_WORKERS, "text");
	assert_why("", "");
	TELL("DEL", KEY_WORKERS);
	beat("host-1", 2, 2, JUST_NOW);
	TELL("SET", KEY_READY, "text");
	TELL("SET", KEY_BEGUN, "text");
	ck_assert_str_eq(look()->phase, "queued");
	put("ready_at", "nonsense");
	ck_assert_str_eq(look()->phase, "queued");
	TELL("HSET", KEY_WORKERS, "host-1", "[]", "host-2", "{\"at\":7}");
	ck_assert_str_eq(look()->reason, "no_worker");
}
END_TEST

START_TEST(test_an_executing_run_says_that_its_worker_is_silent_and_until_when)
{
	char until[CLOCK_TEXT_SIZE];

	stand_executing(60000);
	beat("host-1", 1, 1, JUST_NOW);
	assert_why("", "");
	beat("host-1", 1, 1, 5000);
	beat("host-2", 1, 1, JUST_NOW);
	const struct run *run = look();
	ck_assert_str_eq(run->reason, "worker_silent");
	clock_format(run->lease_until + 2000, until);
	ck_assert(strstr(run->detail, "its worker host-1 has not been heard of since 20") != NULL);
	ck_assert(strstr(run->detail, "another worker takes the run over by ") != NULL);
	ck_assert(strstr(run->detail, until) != NULL);
	TELL("HDEL", KEY_WORKERS, "host-1");
	ck_assert(strstr(look()->detail, "its worker host-1 is not running any more") != NULL);
	ck_assert(strstr(look()->detail, " by ") != NULL);
}
END_TEST

START_TEST(test_where_no_other_worker_runs_nobody_says_when_the_run_is_taken_over)
{
	stand_executing(60000);
	beat("host-1", 1, 1, 5000);
	ck_assert(strstr(look()->detail,
			  ", and no other is running: the run is taken over when a "
			  "worker is started") != NULL);
	TELL("DEL", KEY_WORKERS);
	assert_why("worker_silent",
		"its worker host-1 is not running any more, and no other is "
		"running: the run is taken over when a worker is started");
	put("cancel", "{}");
	ck_assert(strstr(look()->detail, "the run is cancelled when a worker is started") != NULL);
}
END_TEST

START_TEST(test_a_worker_that_does_not_renew_a_lease_is_silent_about_the_run)
{
	stand_executing(-100);
	beat("host-1", 1, 1, JUST_NOW);
	ck_assert_str_eq(look()->reason, "worker_silent");
	put("lease_until", "0"); /* given up: another takes it over at once */
	assert_why("", "");
}
END_TEST

START_TEST(test_an_executing_run_says_that_it_is_being_cancelled)
{
	stand_executing(60000);
	put("cancel", "{}");
	beat("host-1", 1, 1, JUST_NOW);
	assert_why("cancelling", "a cancel was asked for; its worker ends it within seconds");
	beat("host-1", 1, 1, 5000);
	beat("host-2", 1, 1, JUST_NOW);
	ck_assert_str_eq(look()->reason, "worker_silent");
	ck_assert(strstr(look()->detail, "the run is cancelled by ") != NULL);
}
END_TEST

START_TEST(test_the_tag_of_a_status_changes_with_the_reason_and_not_with_time)
{
	char first[RUN_TAG_SIZE], second[RUN_TAG_SIZE];

	fill_lane("acme", 2, 2);
	stand_queued(1);
	beat("host-1", 1, 1, 10000);
	look();
	shown_tag(&shown, first);
	clock_sleep_ms(20);
	look();
	shown_tag(&shown, second);
	ck_assert_str_eq(first, second);
	beat("host-1", 1, 1, JUST_NOW);
	look();
	shown_tag(&shown, second);
	ck_assert_str_ne(first, second);
}
END_TEST

static struct workers_capacity capacity(void)
{
	struct workers_capacity found;
	ck_assert_msg(workers_capacity_read(redis, "host-1", &found, &error) == ERROR_NONE, "%s",
		error.message);
	return found;
}

/* What is of interest where there are others to share it with. */
START_TEST(test_executors_are_counted_of_workers_that_live)
{
	beat("host-1", 4, 0, 0);
	beat("host-2", 2, 2, 14000);
	beat("host-3", 100, 0, 16000);
	beat("host-4", 100, 0, -60000);
	beat("host-5", -1, 0, 0);
	beat("host-6", 257, 0, 0);
	beat("host-7", 256, 0, 0);
	TELL("HSET", KEY_WORKERS, "host-8", "[1]", "host-9", "{\"executors\":9}");
	const struct worker_heartbeat leaving = {
		.name = "leaving", .version = "0", .executors = 8, .draining = true
	};
	ck_assert_int_eq(worker_heartbeat(redis, &leaving, &error), ERROR_NONE);
	ck_assert_uint_eq(capacity().tenants, 0);
	TELL("ZADD", KEY_TENANTS, "0", "one");
	ck_assert_uint_eq(capacity().tenants, 1);
	ck_assert_uint_eq(capacity().executors, 0);
	TELL("ZADD", KEY_TENANTS, "0", "two");
	ck_assert_uint_eq(capacity().tenants, 2);
	ck_assert_uint_eq(capacity().executors, 258);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_what_was_queued_just_now_says_nothing,
		test_without_any_worker_a_queued_run_says_so,
		test_a_worker_that_was_killed_is_named_with_its_last_sign,
		test_a_queued_run_says_what_is_before_it_and_what_holds_it,
		test_a_run_of_a_tenant_that_is_held_says_what_is_before_it_of_its_own,
		test_a_long_queue_is_not_counted_to_its_end,
		test_a_long_queue_of_one_app_is_not_before_another,
		test_a_run_that_stands_nowhere_has_no_place,
		test_what_was_begun_goes_first,
		test_a_run_that_is_left_to_another_build_says_so,
		test_a_run_that_no_build_wants_keeps_its_reason_while_workers_run,
		test_keys_that_a_hand_has_broken_hide_no_status,
		test_an_executing_run_says_that_its_worker_is_silent_and_until_when,
		test_where_no_other_worker_runs_nobody_says_when_the_run_is_taken_over,
		test_a_worker_that_does_not_renew_a_lease_is_silent_about_the_run,
		test_an_executing_run_says_that_it_is_being_cancelled,
		test_the_tag_of_a_status_changes_with_the_reason_and_not_with_time,
		test_executors_are_counted_of_workers_that_live,
		NULL,
	};
	return store_suite_main("waits", tests, set_up, tear_down);
}
