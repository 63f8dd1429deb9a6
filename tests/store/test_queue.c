/*
 * Whose turn it is: apps and tenants, whatever each has queued. Counted in takes, not in time.
 *
 * covers: src/store/queue.c src/store/scripts/ready.lua src/store/scripts/take.lua
 * covers: src/store/scripts/next_run.lua src/store/scripts/claim_run.lua
 * covers: src/store/scripts/sweep.lua src/store/scripts/row.lua
 */
#include "store/queue.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/reaper.h"

static struct redis *redis;
static struct arena arena;
static struct error error;

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

static void trigger_with(const char *app, const char *step, const char *budgets)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { "default", app, "site", step },
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600,
		.budgets = budgets };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
}

static void trigger(const char *app, const char *step)
{
	trigger_with(app, step, NULL);
}

static void trigger_many(const char *app, int count)
{
	for (int i = 0; i < count; i++)
		trigger(app, arena_format(&arena, "step%d", i));
}

static const char *next_app(void)
{
	return arena_string(&arena, take_next(redis, 30000, &arena).lease.app);
}

START_TEST(test_a_long_queue_of_one_app_keeps_no_other_from_its_turn)
{
	int taken = 1;
	trigger_many("big", 200);
	ck_assert_str_eq(next_app(), "big");
	trigger("small", "repo");
	while (strcmp(next_app(), "small") != 0)
		taken++;
	ck_assert_int_le(taken, 2);
}
END_TEST

/* Whoever comes back after each of its runs is served in its turn, and neither more nor less. */
START_TEST(test_who_queues_one_run_after_the_other_takes_turns)
{
	static const char *const expected[] = { "a", "b", "c", "a", "b", "c", "a", "b", "c" };
	trigger_many("a", 10);
	trigger("b", "repo");
	trigger_many("c", 10);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const struct claim claim = take_next(redis, 30000, &arena);
		ck_assert_str_eq(claim.lease.app, expected[i]);
		if (strcmp(claim.lease.app, "b") != 0)
			continue;
		const struct run_write done = {
			.kind = RUN_FINISH, .status = "error", .output = "{}", .error = "{}"
		};
		ck_assert_int_eq(run_write(redis, &claim.lease, &done, &error), ERROR_NONE);
		trigger("b", "repo");
	}
}
END_TEST

START_TEST(test_many_are_taken_in_one_call_and_in_turn)
{
	static const char *const expected[] = { "a", "b", "a", "b", "a" };
	const struct take take = { .worker = "w", .lease_ms = 30000, .want = 10 };
	struct taken_list list;
	trigger_many("a", 3);
	trigger_many("b", 2);
	ck_assert_int_eq(queue_take(redis, &take, &arena, &list, &error), ERROR_NONE);
	ck_assert_uint_eq(list.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < list.count; i++) {
		ck_assert_int_eq(list.items[i].kind, TAKEN_RUN);
		ck_assert_str_eq(list.items[i].name.app, expected[i]);
	}
	queue_taken_release(&list);
	ck_assert(take_finds_nothing(redis, &arena));
}
END_TEST

static void take_expecting(size_t want, const char *const *expected)
{
	const struct take take = { .worker = "w", .lease_ms = 30000, .want = want };
	struct taken_list list;
	ck_assert_int_eq(queue_take(redis, &take, &arena, &list, &error), ERROR_NONE);
	for (size_t i = 0; i < list.count; i++)
		ck_assert_str_eq(list.items[i].name.app, expected[i]);
	ck_assert_ptr_null(expected[list.count]);
	queue_taken_release(&list);
}

/* Who has runs left goes behind all others, who has none has no turn; one that has none from the
 * beginning, as a hand has left it, is passed over. */
START_TEST(test_what_becomes_of_turns_that_are_served_in_one_call)
{
	trigger_many("a", 2);
	trigger("b", "repo");
	ck_assert_int_eq(
		STORE_NUMBER(redis, "ZADD", "slipway:{0}:ready:default", "1", "nobody"), 1);
	ck_assert_int_eq(
		STORE_NUMBER(redis, "ZADD", "slipway:{0}:ready:default", "2", "nobody2"), 1);
	trigger("c", "repo");
	trigger("d", "repo");
	take_expecting(2, (const char *const[]){ "a", "b", NULL });
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", "slipway:{0}:ready:default"), 3);
	take_expecting(3, (const char *const[]){ "c", "d", "a", NULL });
	ck_assert_int_eq(
		STORE_NUMBER(redis, "EXISTS", "slipway:{0}:ready:default", "slipway:{0}:ready"), 0);
}
END_TEST

/* An app of another tenant: as a hand would queue it, for there is one tenant. */
START_TEST(test_tenants_take_turns_whatever_apps_each_has)
{
	for (int i = 0; i < 50; i++)
		trigger(arena_format(&arena, "app%d", i), "repo");
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:other:shop:site:repo", "app", "shop", "workflow",
		"site", "action", "repo", "run", "r", "status", "running", "phase", "queued",
		"run_ms", "60000", "attempt", "1");
	STORE_TELL(redis, "ZADD", KEY_READY ":other:shop", "1", "site:repo");
	STORE_TELL(redis, "ZADD", KEY_READY ":other", "1", "shop");
	STORE_TELL(redis, "ZADD", KEY_READY, "2000000000000", "other"); /* since when it waits */
	ck_assert_str_eq(next_app(), "app0");
	ck_assert_str_eq(next_app(), "shop");
	ck_assert_str_eq(next_app(), "app1");
}
END_TEST

START_TEST(test_a_bell_is_rung_for_each_run_and_never_for_nothing)
{
	const struct take take = { .worker = "w", .lease_ms = 30000, .want = 1 };
	trigger_many("a", 40);
	ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", KEY_BELL), 16);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(queue_wait(redis, 1000, &error), ERROR_NONE);
	ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", KEY_BELL), 0);
	/* Whoever takes one wakes the next. */
	for (int i = 0; i < 39; i++) {
		take_next(redis, 30000, &arena);
		ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", KEY_BELL), 1);
	}
	take_next(redis, 30000, &arena);
	ck_assert(take_finds_nothing(redis, &arena));
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_BELL), 0);
	ck_assert_int_eq(queue_wait(redis, 10, &error), ERROR_NONE);
	/* A hand that has made it something else keeps nothing from being taken. */
	STORE_TELL(redis, "SET", KEY_BELL, "text");
	trigger("b", "repo");
	struct taken taken = take_as(redis, &take, &arena);
	ck_assert_int_eq(taken.kind, TAKEN_RUN);
	claim_release(&taken.claim);
	ck_assert_int_eq(queue_wait(redis, 10, &error), ERROR_STORE_REFUSED);
}
END_TEST

/* As a hand would write it, with one field that no program writes so: queued behind a neighbour. */
static void queue_broken(
	const char *app, const char *definition, const char *field, const char *text)
{
	const char *key = arena_format(&arena, KEY_PREFIX "app:default:%s:site:repo", app);
	const char *lane = arena_format(&arena, KEY_READY ":default:%s", app);
	STORE_TELL(redis, "HSET", key, "app", app, "workflow", "site", "action", "repo", "run", "r",
		"status", "running", "phase", "queued", "definition", definition, "attempt", "1",
		"attempts", "1", "version", "1", "input", "{}", "run_ms", "60000", "retention",
		"90000");
	STORE_TELL(redis, "HSET", key, field, text);
	STORE_TELL(redis, "EXPIRE", key, "90000");
	STORE_TELL(redis, "ZADD", lane, "1", "site:repo");
	STORE_TELL(redis, "ZADD", KEY_READY ":default", "9999999999999", app);
	STORE_TELL(redis, "ZADD", KEY_LIVE, "9999999999999",
		arena_format(&arena, "default:%s:site:repo", app));
}

/* In one call with it: an error there would leave the neighbour with a lease that nobody knows. */
static void take_beside(const char *app)
{
	const struct take take = {
		.worker = "w", .lease_ms = 30000, .want = 4, .definitions = " site:repo=d1= "
	};
	const char *neighbour = arena_format(&arena, "beside-%s", app);
	struct taken_list list;
	trigger(neighbour, "repo");
	ck_assert_msg(queue_take(redis, &take, &arena, &list, &error) == ERROR_NONE, "%s: %s", app,
		error.message);
	ck_assert_uint_eq(list.count, 2);
	bool is_taken = false;
	for (size_t i = 0; i < list.count; i++)
		is_taken |= list.items[i].kind == TAKEN_RUN &&
			strcmp(list.items[i].name.app, neighbour) == 0;
	ck_assert_msg(is_taken, "%s", app);
	queue_taken_release(&list);
}

START_TEST(test_a_figure_that_a_hand_has_broken_costs_no_neighbour_its_run)
{
	static const char *const fields[] = { "run_ms", "run_deadline", "retention", "version",
		"queued_at", "attempt" };
	static const char *const texts[] = { "1e400", "-1e400", "nan", "1e300", "90000.5", "text" };
	static const char *const definitions[] = { "d1", "nosuch" };
	size_t count;

	for (size_t i = 0; i < ARRAY_LEN(fields) * ARRAY_LEN(texts) * 2; i++) {
		const char *app = arena_format(&arena, "bad%zu", i);
		queue_broken(app, definitions[i % 2], fields[i / 2 % ARRAY_LEN(fields)],
			texts[i / 2 / ARRAY_LEN(fields)]);
		take_beside(app);
	}
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_DEAD), 0);
}
END_TEST

/* It has no time to be run in: so it ends, and nobody has to put anything right. */
START_TEST(test_a_run_of_another_build_whose_time_is_broken_ends)
{
	size_t count;
	struct run run;
	const struct run_name name = { "default", "bad", "site", "repo" };

	queue_broken("bad", "nosuch", "run_ms", "1e400");
	take_beside("bad");
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	ck_assert_str_eq(run.status, "error");
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", KEY_DELAYED), 0);
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", KEY_LIVE), 1);
}
END_TEST

/* However many are queued, the reaper looks at none of them, and the sweep at a page. */
START_TEST(test_the_reaper_does_not_look_at_queued_runs)
{
	size_t count;
	trigger_many("a", 300);
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_uint_eq(count, 0);
	STORE_TELL(redis, "DEL", KEY_READY ":default:a");
	for (int i = 0; i < 8; i++) {
		STORE_TELL(redis, "HSET", KEY_SWEEP, "at", "0");
		ck_assert_int_eq(queue_sweep(redis, 86400, &error), ERROR_NONE);
		ck_assert_int_eq(
			queue_sweep(redis, 86400, &error), ERROR_NONE); /* it is too early */
		if (i == 0)
			ck_assert_int_eq(
				STORE_NUMBER(redis, "ZCOUNT", KEY_LIVE, "0", "9999999999999"), 300);
	}
	for (count = 100; count >= 100;)
		ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_int_gt(STORE_NUMBER(redis, "ZCARD", KEY_READY ":default:a"), 200);
}
END_TEST

static const char *live_counted(void)
{
	const char *const words[] = { "HGET", KEY_TENANT_PREFIX "default:used", "live" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	const char *text = arena_string(&arena, reply_text(reply));
	reply_free(reply);
	return text;
}

static void forget(const char *member)
{
	size_t count;
	STORE_TELL(redis, "DEL", arena_format(&arena, KEY_APP_PREFIX "%s", member));
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "1", member);
	STORE_TELL(redis, "ZADD", KEY_LIVE, "XX", "1", member);
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
}

START_TEST(test_a_live_run_that_a_hand_has_deleted_takes_no_budget)
{
	trigger_with("a", "repo", "live=3");
	trigger_with("b", "repo", "live=3");
	ck_assert_str_eq(live_counted(), "2");
	forget("default:a:site:repo");
	ck_assert_str_eq(live_counted(), "1");
}
END_TEST

START_TEST(test_a_tenant_without_a_budget_has_no_count)
{
	trigger("a", "repo");
	forget("default:a:site:repo");
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_TENANT_PREFIX "default:used"), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_long_queue_of_one_app_keeps_no_other_from_its_turn,
		test_who_queues_one_run_after_the_other_takes_turns,
		test_many_are_taken_in_one_call_and_in_turn,
		test_what_becomes_of_turns_that_are_served_in_one_call,
		test_tenants_take_turns_whatever_apps_each_has,
		test_a_bell_is_rung_for_each_run_and_never_for_nothing,
		test_a_figure_that_a_hand_has_broken_costs_no_neighbour_its_run,
		test_a_run_of_another_build_whose_time_is_broken_ends,
		test_a_live_run_that_a_hand_has_deleted_takes_no_budget,
		test_a_tenant_without_a_budget_has_no_count,
		test_the_reaper_does_not_look_at_queued_runs, NULL };
	return store_suite_main("queue", tests, set_up, tear_down);
}
