/*
 * Several triggers in one call: each has an outcome of its own, and they happen in their order.
 *
 * covers: src/store/triggers.c src/store/scripts/trigger.lua src/store/scripts/trigger_run.lua
 * covers: src/store/scripts/together.lua src/store/scripts/new_run.lua src/store/changes.c
 */
#include "store/triggers.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "slipway/field.h"
#include "store/changes.h"

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

/* Triggers, and what becomes of them. */
struct many {
	struct trigger triggers[TRIGGERS_MAX];
	struct trigger_part parts[TRIGGERS_MAX], *list[TRIGGERS_MAX];
	struct trigger_result results[TRIGGERS_MAX];
	struct error errors[TRIGGERS_MAX];
};

static struct trigger trigger_of(const char *app)
{
	return (struct trigger){ .name = { "default", app, "site", "repo" },
		.input = "{}",
		.digest = "d1",
		.definition = "v1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };
}

static void send_all(struct many *many, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		many->parts[i] = (struct trigger_part){ &many->triggers[i], &arena,
			&many->results[i], &many->errors[i], ERROR_NONE, .run_id = "" };
		trigger_part_prepare(&many->parts[i]);
		many->list[i] = &many->parts[i];
	}
	triggers_send(redis, many->list, count);
}

static void break_key(const char *key)
{
	const char *const words[][3] = { { "DEL", key }, { "SET", key, "a hand was here" } };
	ck_assert_int_eq(redis_tell(redis, 2, words[0], &error), ERROR_NONE);
	ck_assert_int_eq(redis_tell(redis, 3, words[1], &error), ERROR_NONE);
}

static int64_t integer_of(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, count, words, &reply, &error), ERROR_NONE);
	const int64_t number = reply_integer(reply);
	reply_free(reply);
	return number;
}

#define COUNT(command, key) integer_of(2, (const char *const[]){ command, key })

START_TEST(test_each_gets_what_it_asked_for)
{
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[1] = trigger_of("two");
	many.triggers[2] = trigger_of("one"); /* the same again: it has a run by then */
	many.triggers[3] = trigger_of("two");
	many.triggers[3].digest = "d2";
	many.triggers[4] = trigger_of("three");
	many.triggers[4].needs = "three:site:before";
	many.triggers[4].uses = ";";
	many.triggers[5] = trigger_of("three");
	many.triggers[5].name.step = "other";
	many.triggers[5].run_ms = 7200000;
	send_all(&many, 6);
	const enum trigger_outcome outcomes[] = { TRIGGER_NEW, TRIGGER_NEW, TRIGGER_SAME,
		TRIGGER_CONFLICT, TRIGGER_NEEDS_NOT_DONE, TRIGGER_NEW };
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		ck_assert_int_eq(many.parts[i].class, ERROR_NONE);
		ck_assert_int_eq(many.results[i].outcome, outcomes[i]);
	}
	ck_assert_str_eq(many.results[2].run.id, many.results[0].run.id);
	ck_assert_str_ne(many.results[1].run.id, many.results[0].run.id);
	ck_assert_str_eq(many.results[4].missing[0], "before");
	ck_assert_str_eq(many.results[5].run.name.step, "other");
	ck_assert_str_eq(many.results[5].run.phase, "queued");
	ck_assert_int_eq(
		many.results[5].run.run_deadline - many.results[0].run.run_deadline, 3600000);
	ck_assert_int_eq(COUNT("ZCARD", KEY_LIVE), 3);
	ck_assert_int_eq(COUNT("ZCARD", "slipway:{0}:apps:default"), 3);
	ck_assert_int_eq(COUNT("LLEN", KEY_BELL), 3);
}
END_TEST

START_TEST(test_they_are_taken_in_their_order)
{
	static const char *const apps[] = { "b", "a", "c" };
	static struct many many;
	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		many.triggers[i] = trigger_of(apps[i]);
	send_all(&many, ARRAY_LEN(apps));
	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		ck_assert_str_eq(take_next(redis, 30000, &arena).lease.app, apps[i]);
}
END_TEST

START_TEST(test_a_broken_key_costs_the_others_nothing)
{
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[1] = trigger_of("two");
	many.triggers[2] = trigger_of("three");
	break_key(KEY_APP_PREFIX "default:one:site:repo");
	break_key(KEY_LANES_PREFIX "default:two");
	send_all(&many, 3);
	ck_assert_int_eq(many.parts[0].class, ERROR_STORE_REFUSED);
	ck_assert_int_eq(many.parts[1].class, ERROR_STORE_REFUSED);
	ck_assert_ptr_nonnull(strstr(many.errors[1].message, "WRONGTYPE"));
	ck_assert_int_eq(many.parts[2].class, ERROR_NONE);
	ck_assert_int_eq(COUNT("ZCARD", KEY_LIVE), 1);
	ck_assert_int_eq(COUNT("EXISTS", KEY_APP_PREFIX "default:two:site:repo"), 0);
	ck_assert_str_eq(take_next(redis, 30000, &arena).lease.app, "three");
}
END_TEST

START_TEST(test_a_broken_queue_refuses_all_and_nothing_is_half_done)
{
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[1] = trigger_of("two");
	break_key(KEY_LANES_PREFIX "default");
	send_all(&many, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(many.parts[i].class, ERROR_STORE_REFUSED);
	ck_assert_int_eq(COUNT("EXISTS", KEY_APP_PREFIX "default:one:site:repo"), 0);
	ck_assert_int_eq(COUNT("EXISTS", KEY_LANES_PREFIX "default:one"), 0);
	ck_assert_int_eq(COUNT("ZCARD", KEY_LIVE), 0);
}
END_TEST

/* All arguments differ: there is no room for that many in one call. */
START_TEST(test_more_than_one_call_takes_goes_out_in_several)
{
	static struct many many;
	for (size_t i = 0; i < TRIGGERS_MAX; i++) {
		const char *own = arena_format(&arena, "n%zu", i);
		static const int64_t none = 0;
		many.triggers[i] = (struct trigger){ .name = { "default", own, own, own },
			.input = arena_format(&arena, "{\"n\":%zu}", i),
			.digest = own,
			.definition = own,
			.outputs = own,
			.uses = own,
			.force = i % 2 == 0,
			.hold_ms = (int64_t)i,
			.run_ms = 3600000 + (int64_t)i,
			.attempts = 1 + (int64_t)i,
			.retention_seconds = 3600 + (int64_t)i,
			.id = own,
			.config = i % 2 == 0 ? &none : NULL,
			.config_at = i % 2 == 0 ? &none : NULL,
			.request = own,
			.actor = own };
	}
	send_all(&many, TRIGGERS_MAX);
	for (size_t i = 0; i < TRIGGERS_MAX; i++) {
		ck_assert_int_eq(many.parts[i].class, ERROR_NONE);
		ck_assert_int_eq(many.results[i].outcome, TRIGGER_NEW);
		ck_assert_str_eq(many.results[i].run.name.app, many.triggers[i].name.app);
		ck_assert_str_eq(many.results[i].run.id, many.parts[i].run_id);
		ck_assert_int_eq(many.results[i].run.attempts, 1 + (int64_t)i);
	}
	ck_assert_int_eq(COUNT("ZCARD", KEY_LIVE), TRIGGERS_MAX);
}
END_TEST

static size_t told_count;

static void take_told(void *context, const char *app)
{
	const char *const *apps = context;
	ck_assert_str_eq(app, apps[told_count++]);
}

START_TEST(test_who_waits_is_told_of_each_app)
{
	static const char *const apps[] = { "default:one", "default:two" };
	char position[STREAM_ID_SIZE] = "0-0";
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[1] = trigger_of("two");
	many.triggers[2] = trigger_of("one");
	many.triggers[2].name.step = "other";
	told_count = 0;
	send_all(&many, 3);
	ck_assert_int_eq(
		changes_read(redis, position, 1, take_told, (void *)apps, &error), ERROR_NONE);
	ck_assert_uint_eq(told_count, 2);
	ck_assert_int_eq(COUNT("XLEN", KEY_CHANGES), 1);
}
END_TEST

/* One that others wait for: they are looked at when it is there, and go on as they would alone. */
START_TEST(test_who_needs_one_of_them_is_looked_at)
{
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[0].name.step = "after";
	many.triggers[0].needs = "one:site:repo";
	many.triggers[0].uses = ";";
	many.triggers[0].hold_ms = 60000;
	many.triggers[1] = trigger_of("one");
	many.triggers[2] = trigger_of("two");
	send_all(&many, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(many.results[i].outcome, TRIGGER_NEW);
	ck_assert_str_eq(many.results[0].run.phase, "blocked");
	struct claim claim = take_next(redis, 30000, &arena);
	ck_assert_str_eq(claim.lease.step, "repo");
	const struct run_write done = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claim.lease, &done, &error), ERROR_NONE);
	ck_assert_str_eq(take_next(redis, 30000, &arena).lease.app, "two");
	ck_assert_str_eq(take_next(redis, 30000, &arena).lease.step, "after");
}
END_TEST

/* The script says of a run that is queued at once little more than its version. */
START_TEST(test_what_is_told_of_each_is_what_stands_there)
{
	static struct many many;
	many.triggers[0] = trigger_of("one");
	many.triggers[1] = trigger_of("two");
	many.triggers[1].attempts = 7;
	many.triggers[1].run_ms = 60000;
	send_all(&many, 2);
	for (int i = 0; i < 2; i++)
		assert_told_truly(redis, &many.results[i].run, &arena);
	const struct claim claim = take_next(redis, 30000, &arena);
	const struct run_write done = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claim.lease, &done, &error), ERROR_NONE);
	many.triggers[0].force = true;
	send_all(&many, 1);
	ck_assert_int_eq(many.results[0].outcome, TRIGGER_NEW);
	ck_assert_int_gt(many.results[0].run.version, 1);
	assert_told_truly(redis, &many.results[0].run, &arena);
}
END_TEST

/* Each is kept as long as it asks for. */
START_TEST(test_each_has_times_of_its_own)
{
	static struct many many;
	for (int i = 0; i < 3; i++) {
		many.triggers[i] = trigger_of(i == 0 ? "one" : i == 1 ? "two" : "three");
		many.triggers[i].retention_seconds = i == 1 ? 900000 : 90000;
		many.triggers[i].run_ms = i == 2 ? 7200000 : 3600000;
	}
	send_all(&many, 3);
	const int64_t left[] = { COUNT("TTL", KEY_APP_PREFIX "default:one:site:repo"),
		COUNT("TTL", KEY_APP_PREFIX "default:two:site:repo"),
		COUNT("TTL", KEY_APP_PREFIX "default:three:site:repo") };
	const int64_t asked[] = { 93600, 903600, 97200 };
	for (int i = 0; i < 3; i++)
		ck_assert(left[i] > asked[i] - 300 && left[i] <= asked[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_each_gets_what_it_asked_for,
		test_they_are_taken_in_their_order, test_a_broken_key_costs_the_others_nothing,
		test_a_broken_queue_refuses_all_and_nothing_is_half_done,
		test_more_than_one_call_takes_goes_out_in_several,
		test_who_waits_is_told_of_each_app, test_who_needs_one_of_them_is_looked_at,
		test_what_is_told_of_each_is_what_stands_there, test_each_has_times_of_its_own,
		NULL };
	return store_suite_main("triggers", tests, set_up, tear_down);
}
