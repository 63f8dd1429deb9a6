/*
 * A step with more users than one script tells of a change: the others are told by the turns of the
 * reaper, and nobody is forgotten.
 *
 * covers: src/store/scripts/telling.lua src/store/scripts/tell.lua
 */
#include <string.h>

#include "harness/store.h"
#include "harness/take.h"
#include "store/reaper.h"
#include "store/runs.h"

#define USERS     1300
#define AT_ONCE   1000
#define OF_USERS  KEY_PREFIX "users:default:acme:site:repo"
#define OF_UNTOLD KEY_PREFIX "untold:default:acme:site:repo"

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

/* Steps that are done, and were made of what the first one gave. */
static void make_users(void)
{
	for (int i = 0; i < USERS; i++) {
		const char *app = arena_format(&arena, "app%d", i);
		const char *key = arena_format(&arena, KEY_PREFIX "app:default:%s:site:env", app);
		STORE_TELL(redis, "HSET", key, "app", app, "workflow", "site", "action", "env",
			"run", "r", "status", "done", "needs", "acme:site:repo", "basis", "old",
			"version", "1");
		STORE_TELL(redis, "EXPIRE", key, "90000");
		STORE_TELL(redis, "ZADD", OF_USERS, arena_format(&arena, "%d", i),
			arena_format(&arena, "%s:site:env", app));
	}
	STORE_TELL(redis, "EXPIRE", OF_USERS, "90000");
}

static int count_stale(void)
{
	int count = 0;
	for (int i = 0; i < USERS; i++)
		count += STORE_NUMBER(redis, "HEXISTS",
				 arena_format(&arena, KEY_PREFIX "app:default:app%d:site:env", i),
				 "stale") == 1;
	return count;
}

static void trigger(const struct run_name *name, const struct run_name *need)
{
	struct trigger trigger = { .name = *name,
		.input = "{}",
		.digest = "d",
		.uses = "",
		.force = true,
		.hold_ms = 60000,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	struct trigger_result result;
	if (need != NULL)
		trigger.needs =
			arena_format(&arena, "%s:%s:%s", need->app, need->workflow, need->step);
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

static void finish_next(void)
{
	const struct run_write write = {
		.kind = RUN_FINISH, .status = "done", .output = "{}", .gives = "new"
	};
	const struct claim claim = take_next(redis, 30000, &arena);
	ck_assert_int_eq(run_write(redis, &claim.lease, &write, &error), ERROR_NONE);
}

static size_t reap(void)
{
	size_t count;
	ck_assert_msg(
		runs_reap(redis, 30000, NULL, &count, &error) == ERROR_NONE, "%s", error.message);
	return count;
}

static const struct run_name repo = { "default", "acme", "site", "repo" };

static const char *phase_of(const struct run_name *name)
{
	static struct run run;
	ck_assert_int_eq(run_read(redis, name, &arena, &run, &error), ERROR_NONE);
	return run.phase;
}

START_TEST(test_those_that_are_too_many_are_told_by_the_turns_of_the_reaper)
{
	const struct run_name late = { "default", "late", "site", "env" };
	trigger(&repo, NULL);
	make_users();
	trigger(&late, &repo);
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", OF_USERS), USERS + 1);
	finish_next();
	ck_assert_int_eq(count_stale(), AT_ONCE);
	ck_assert_str_eq(phase_of(&late), "blocked");
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", OF_UNTOLD), 0);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", KEY_TELLING), 0);
	/* It asks to be called again until all are told. */
	ck_assert_uint_ge(reap(), 100);
	ck_assert_int_gt(count_stale(), AT_ONCE);
	reap();
	ck_assert_int_eq(count_stale(), USERS);
	ck_assert_str_eq(phase_of(&late), "queued");
	reap();
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", OF_UNTOLD, KEY_TELLING), 0);
	ck_assert_uint_lt(reap(), 100);
}
END_TEST

START_TEST(test_a_change_while_they_are_told_is_told_to_all)
{
	trigger(&repo, NULL);
	make_users();
	finish_next();
	reap();
	trigger(&repo, NULL);
	finish_next();
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", OF_UNTOLD), USERS - AT_ONCE);
	for (int i = 0; i < 3; i++)
		reap();
	ck_assert_int_eq(count_stale(), USERS);
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_TELLING), 0);
}
END_TEST

START_TEST(test_what_a_hand_has_broken_keeps_nobody_from_being_told)
{
	trigger(&repo, NULL);
	make_users();
	finish_next();
	STORE_TELL(redis, "ZADD", KEY_TELLING, "1", "no name of a step");
	STORE_TELL(redis, "ZADD", OF_UNTOLD, "1", "app1200:gone:gone");
	STORE_TELL(redis, "SET", KEY_PREFIX "app:default:app1100:site:env", "text");
	for (int i = 0; i < 5; i++)
		reap();
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_TELLING, OF_UNTOLD), 0);
	ck_assert_int_eq(
		STORE_NUMBER(redis, "HEXISTS", KEY_PREFIX "app:default:app1299:site:env", "stale"),
		1);
	/* Nor does the list itself. */
	STORE_TELL(redis, "SET", KEY_TELLING, "text");
	reap();
	trigger(&repo, NULL);
	finish_next();
	reap();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_those_that_are_too_many_are_told_by_the_turns_of_the_reaper,
		test_a_change_while_they_are_told_is_told_to_all,
		test_what_a_hand_has_broken_keeps_nobody_from_being_told,
		NULL,
	};
	return store_suite_main("telling", tests, set_up, tear_down);
}
