/*
 * What verify finds of deployments, and of what waits for something: their state says what that of
 * their steps says, and who waits is looked at.
 *
 * covers: src/store/verify_deployments.c src/store/scripts/settle.lua src/store/scripts/strays.lua
 */
#include "store/verify_deployments.h"

#include <string.h>

#include "harness/store.h"
#include "harness/take.h"
#include "store/deployments.h"
#include "store/verify.h"

#define OF_ACME    KEY_PREFIX "app:default:acme:"
#define DEPLOYMENT OF_ACME "site:_deployment"
#define REPO       OF_ACME "site:repo"
#define PROJECT    OF_ACME "site:project"
#define USERS      KEY_PREFIX "users:default:acme:site:repo"

static struct redis *redis;
static struct arena arena;
static struct error error;
static char said[4096];

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

static void note(void *context, const char *key, const char *what, bool repaired)
{
	size_t length = strlen(said);
	(void)context;
	snprintf(said + length, sizeof(said) - length, "%s: %s%s\n", key, what,
		repaired ? " (repaired)" : "");
}

static struct verify_counts verify(bool repair)
{
	struct verify_counts counts;
	const struct verify_options options = {
		.repair = repair, .lease_ms = 30000, .retention_seconds = 86400, .found = note
	};
	said[0] = '\0';
	ck_assert_msg(
		store_verify(redis, &options, &counts, &error) == ERROR_NONE, "%s", error.message);
	return counts;
}

/* Two steps, of which the second needs the first. */
static void start(void)
{
	const struct start_step steps[] = {
		{ "repo", "{}", "d", "v1", "", "", "", false, 60000, 3 },
		{ "project", "{}", "d", "v1", "", "", "acme:site:repo", false, 60000, 3 },
	};
	const struct start wanted = { .name = { "default", "acme", "site", "" },
		.digest = "dd",
		.definition = "w1",
		.inputs = "{}",
		.configured = "{}",
		.retention_seconds = 90000,
		.steps = steps,
		.step_count = 2 };
	struct start_result result;
	ck_assert_msg(deployment_start(redis, &wanted, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert_int_eq(result.outcome, START_NEW);
}

static void finish_next(const char *status)
{
	const struct run_write write = { .kind = RUN_FINISH, .status = status, .output = "{}" };
	const struct claim claim = take_next(redis, 30000, &arena);
	ck_assert_int_eq(run_write(redis, &claim.lease, &write, &error), ERROR_NONE);
}

static void assert_quiet(void)
{
	ck_assert_msg(verify(false).faults == 0, "%s", said);
}

/* It is named, and repaired nothing is left of it. */
static void expect_repaired(const char *what)
{
	ck_assert_uint_eq(verify(false).repaired, 0);
	ck_assert_msg(strstr(said, what) != NULL, "'%s' is not among:\n%s", what, said);
	struct verify_counts counts = verify(true);
	ck_assert_msg(counts.faults > 0 && counts.faults == counts.repaired, "left:\n%s", said);
	assert_quiet();
}

/* ---- deployments ---- */

START_TEST(test_nothing_is_wrong_with_a_deployment_at_any_time)
{
	start();
	assert_quiet();
	finish_next("error");
	assert_quiet();
	start();
	finish_next("done");
	assert_quiet();
	finish_next("done");
	assert_quiet();
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", DEPLOYMENT, "status"), "done");
}
END_TEST

START_TEST(test_a_deployment_that_is_live_without_a_live_step)
{
	start();
	finish_next("done");
	STORE_TELL(redis, "DEL", PROJECT);
	STORE_TELL(redis, "ZREM", KEY_LIVE, "default:acme:site:project");
	verify(true); /* the entry that is left on the queue */
	ck_assert_ptr_nonnull(strstr(said, "it is running, and none of its steps goes on"));
	assert_quiet();
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", DEPLOYMENT, "status"), "error");
	ck_assert_str_ne(STORE_TEXT(redis, &arena, "HGET", DEPLOYMENT, "recorded"), "");
}
END_TEST

START_TEST(test_a_deployment_that_says_something_else_than_its_steps)
{
	start();
	STORE_TELL(redis, "HSET", DEPLOYMENT, "status", "error");
	expect_repaired("it has ended in error, and one of its steps goes on");
	finish_next("done");
	finish_next("done");
	STORE_TELL(redis, "HSET", DEPLOYMENT, "status", "running");
	expect_repaired("it is running, and all of its steps are done");
	STORE_TELL(redis, "HSET", DEPLOYMENT, "status", "error");
	expect_repaired("it has ended in error, and all of its steps are done");
	/* What was done is not undone by what comes later. */
	STORE_TELL(redis, "DEL", PROJECT);
	verify(false);
	ck_assert_ptr_null(strstr(said, "_deployment"));
}
END_TEST

START_TEST(test_a_repair_tells_those_that_come_after_the_deployment)
{
	start();
	finish_next("done");
	finish_next("done");
	STORE_TELL(redis, "HSET", DEPLOYMENT, "status", "running");
	const struct start_step step = { "repo", "{}", "d", "v1", "", "", "acme:site:_deployment",
		false, 60000, 3 };
	const struct start after = { .name = { "default", "blog", "site", "" },
		.digest = "d",
		.definition = "w1",
		.inputs = "{}",
		.configured = "{}",
		.after = "acme:site:_deployment",
		.retention_seconds = 90000,
		.steps = &step,
		.step_count = 1 };
	struct start_result result;
	ck_assert_int_eq(deployment_start(redis, &after, &arena, &result, &error), ERROR_NONE);
	ck_assert_str_eq(
		STORE_TEXT(redis, &arena, "HGET", KEY_PREFIX "app:default:blog:site:repo", "phase"),
		"blocked");
	expect_repaired("it is running, and all of its steps are done");
	ck_assert_str_eq(
		STORE_TEXT(redis, &arena, "HGET", KEY_PREFIX "app:default:blog:site:repo", "phase"),
		"queued");
}
END_TEST

START_TEST(test_a_deployment_that_no_script_can_read)
{
	start();
	STORE_TELL(redis, "HSET", DEPLOYMENT, "status", "asleep");
	verify(true);
	ck_assert_ptr_nonnull(strstr(said, "its status 'asleep' is none that there is"));
	STORE_TELL(redis, "SET", DEPLOYMENT, "text");
	struct verify_counts counts = verify(true);
	ck_assert_uint_gt(counts.faults, counts.repaired);
	ck_assert_ptr_nonnull(strstr(said, "_deployment: it cannot be read"));
}
END_TEST

/* ---- what waits for others ---- */

START_TEST(test_a_step_that_waits_for_what_was_done_long_ago)
{
	start();
	STORE_TELL(redis, "DEL", USERS); /* nobody tells it */
	finish_next("done");
	/* It looks by itself, within a minute. */
	assert_quiet();
	STORE_TELL(redis, "HSET", REPO, "changed_at", "1000");
	expect_repaired("it is blocked, and all that it needs is done");
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", PROJECT, "phase"), "queued");
}
END_TEST

START_TEST(test_a_step_that_waits_for_what_failed_long_ago)
{
	start();
	STORE_TELL(redis, "DEL", USERS);
	finish_next("error");
	STORE_TELL(redis, "HSET", REPO, "changed_at", "1000");
	verify(true);
	ck_assert_ptr_nonnull(strstr(said, "it waits for its needs, and repo has failed"));
	assert_quiet();
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", PROJECT, "reason"), "need_failed");
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", DEPLOYMENT, "status"), "error");
}
END_TEST

START_TEST(test_a_step_that_waits_and_that_nobody_looks_at)
{
	start();
	STORE_TELL(redis, "HSET", PROJECT, "due", "9999999999999");
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "9999999999999", "default:acme:site:project");
	STORE_TELL(redis, "ZADD", KEY_LIVE, "9999999999999", "default:acme:site:project");
	expect_repaired("nobody looks for more than a minute whether what it needs");
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", PROJECT, "phase"), "blocked");
}
END_TEST

START_TEST(test_a_step_whose_deployment_is_gone)
{
	const struct run_name name = { "default", "acme", "site", "" };
	enum stop_outcome outcome;
	struct deployment deployment;
	start();
	STORE_TELL(redis, "DEL", DEPLOYMENT);
	ck_assert_uint_eq(verify(true).repaired, 0);
	ck_assert_ptr_nonnull(strstr(said, "site:repo: the deployment that it is part of is gone"));
	ck_assert_ptr_nonnull(
		strstr(said, "site:project: the deployment that it is part of is gone"));
	ck_assert_int_eq(deployment_stop(redis, &name, NULL, &arena, &outcome, &deployment, &error),
		ERROR_NONE);
	assert_quiet();
}
END_TEST

START_TEST(test_users_that_name_nothing)
{
	start();
	STORE_TELL(redis, "ZADD", USERS, "1", "acme:site:gone");
	STORE_TELL(redis, "ZADD", USERS, "1", "no name of a run");
	verify(false);
	ck_assert_ptr_nonnull(strstr(said, "its user 'no name of a run' is none that there is"));
	expect_repaired("its user 'acme:site:gone' is none that there is");
	finish_next("done");
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", PROJECT, "phase"), "queued");
	STORE_TELL(redis, "DEL", USERS);
	STORE_TELL(redis, "SET", USERS, "text", "EX", "100");
	verify(true);
	ck_assert_ptr_nonnull(strstr(said, "users:default:acme:site:repo: it cannot be read"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_nothing_is_wrong_with_a_deployment_at_any_time,
		test_a_deployment_that_is_live_without_a_live_step,
		test_a_deployment_that_says_something_else_than_its_steps,
		test_a_repair_tells_those_that_come_after_the_deployment,
		test_a_deployment_that_no_script_can_read,
		test_a_step_that_waits_for_what_was_done_long_ago,
		test_a_step_that_waits_for_what_failed_long_ago,
		test_a_step_that_waits_and_that_nobody_looks_at,
		test_a_step_whose_deployment_is_gone,
		test_users_that_name_nothing,
		NULL,
	};
	return store_suite_main("verify of deployments", tests, set_up, tear_down);
}
