/*
 * What counts as a crash of a worker, and what does not: crashes in a row, and leases that nobody
 * could renew.
 *
 * covers: src/store/reaper.c src/store/scripts/pulse.lua src/store/scripts/release.lua
 * covers: src/store/scripts/wait.lua
 * covers: src/store/scripts/retry.lua
 */
#include <string.h>

#include "base/text.h"
#include "harness/json_text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/reaper.h"
#include "store/server.h"
#include "store/verify.h"

#define LEASE_MS 300000 /* of which this test is never late by a third */

static struct redis *redis;
static struct arena arena;
static struct error error;
static const struct run_name name = { "default", "acme", "site", "repo" };

static void set_up(void)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name,
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };
	arena_init(&arena, 0);
	redis = store_open();
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
}

static void tear_down(void)
{
	store_close(redis);
	arena_release(&arena);
}

static struct run read_run(void)
{
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static struct claim claim_next(void)
{
	return take_next(redis, LEASE_MS, &arena);
}

static void write_run(const struct claim *claim, struct run_write write, enum error_class expected)
{
	ck_assert_int_eq(run_write(redis, &claim->lease, &write, &error), expected);
}

static void command(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_msg(redis_command(redis, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	reply_free(reply);
}

/* As if the lease had been taken, or renewed, so long ago. */
static void age_lease(int64_t age_ms)
{
	int64_t now;
	char key[KEY_SIZE], until[24];
	ck_assert_int_eq(server_time(redis, &now, &error), ERROR_NONE);
	run_key_make(key, &name);
	text_format(until, sizeof(until), "%lld", (long long)(now - age_ms + LEASE_MS));
	command(4, (const char *const[]){ "HSET", key, "lease_until", until });
	command(4, (const char *const[]){ "ZADD", KEY_LIVE, until, "default:acme:site:repo" });
}

/* As if a worker had looked so long ago the last time, and leases were to be
 * left alone until then. */
static void set_pulse(int64_t age_ms, int64_t spared_ms)
{
	int64_t now;
	char value[64];
	ck_assert_int_eq(server_time(redis, &now, &error), ERROR_NONE);
	text_format(value, sizeof(value), "%lld %lld", (long long)(now - age_ms),
		(long long)(now + spared_ms));
	command(3, (const char *const[]){ "SET", KEY_PULSE, value });
}

static void reap(void)
{
	size_t count;
	ck_assert_msg(runs_reap(redis, LEASE_MS, NULL, &count, &error) == ERROR_NONE, "%s",
		error.message);
}

static struct claim crash(void)
{
	struct claim claim = claim_next();
	age_lease(LEASE_MS + 1);
	reap();
	return claim;
}

/* Brings back a run that waits. */
static void bring_back(void)
{
	for (int tries = 0; tries < 200 && strcmp(read_run().phase, "queued") != 0; tries++)
		reap();
}

START_TEST(test_an_attempt_that_ended_in_words_ends_a_row_of_crashes)
{
	static const struct run_write words[] = {
		{ .kind = RUN_WAIT, .phase = "waiting", .reason = "not_ready", .detail = "soon" },
		{ .kind = RUN_RETRY, .reason = "network", .detail = "cut" },
	};
	for (size_t i = 0; i < 2; i++) {
		crash();
		crash();
		ck_assert_int_eq(read_run().crashes, 2);
		struct claim claim = claim_next();
		write_run(&claim, words[i], ERROR_NONE);
		ck_assert_int_eq(read_run().crashes, 0);
		bring_back();
	}
	for (int i = 0; i < 3; i++)
		crash();
	ck_assert_str_eq(read_run().status, "error");
	ck_assert_ptr_nonnull(strstr(read_run().error, J("'worker_lost'")));
}
END_TEST

/* Redis was away, or its clock went forward: for one lease, leases that ran out are left alone. */
START_TEST(test_a_lease_that_nobody_could_renew_is_left_alone_for_a_lease)
{
	bool cancel;
	struct claim claim = claim_next();
	age_lease(LEASE_MS + LEASE_MS / 2);
	set_pulse(LEASE_MS / 2, -100000);
	reap();
	ck_assert_str_eq(read_run().phase, "executing");
	/* Others that look see it by what the first one has left. */
	reap();
	ck_assert_str_eq(read_run().phase, "executing");
	ck_assert_int_eq(run_renew(redis, &claim.lease, LEASE_MS, &cancel, &error), ERROR_NONE);
	/* Whoever does not come back in that time is lost. */
	age_lease(LEASE_MS + 1);
	set_pulse(0, -1);
	reap();
	ck_assert_str_eq(read_run().phase, "queued");
	ck_assert_int_eq(read_run().crashes, 1);
}
END_TEST

START_TEST(test_a_lease_is_taken_over_at_once_where_workers_could_renew)
{
	claim_next();
	reap();
	age_lease(LEASE_MS + 1);
	reap();
	ck_assert_str_eq(read_run().phase, "queued");
	ck_assert_int_eq(read_run().crashes, 1);
}
END_TEST

/* A supervisor that saw its executor end says so. */
START_TEST(test_a_lease_that_was_given_up_is_a_crash_at_any_time)
{
	bool cancel;
	struct claim claim = claim_next();
	set_pulse(LEASE_MS / 2, -1);
	reap();
	ck_assert_int_eq(run_renew(redis, &claim.lease, 0, &cancel, &error), ERROR_NONE);
	reap();
	ck_assert_str_eq(read_run().phase, "queued");
	ck_assert_int_eq(read_run().crashes, 1);
}
END_TEST

START_TEST(test_a_worker_that_comes_back_late_takes_its_crash_back)
{
	struct claim first = crash(), second = crash();
	ck_assert_int_eq(read_run().crashes, 2);
	/* Not an older one: that was another crash. */
	write_run(&first, (struct run_write){ .kind = RUN_RELEASE }, ERROR_LEASE_LOST);
	ck_assert_int_eq(read_run().crashes, 2);
	write_run(&second, (struct run_write){ .kind = RUN_RELEASE }, ERROR_LEASE_LOST);
	write_run(&second, (struct run_write){ .kind = RUN_RELEASE }, ERROR_LEASE_LOST);
	ck_assert_int_eq(read_run().crashes, 1);
	/* Nothing is taken back from a row that words have ended, nor from a run that has. */
	struct claim third = crash();
	struct claim claim = claim_next();
	write_run(&claim,
		(struct run_write){ .kind = RUN_RETRY, .reason = "network", .detail = "cut" },
		ERROR_NONE);
	write_run(&third, (struct run_write){ .kind = RUN_RELEASE }, ERROR_LEASE_LOST);
	ck_assert_int_eq(read_run().crashes, 0);
}
END_TEST

static void on_fault(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	(void)key;
	(void)what;
	(void)repaired;
}

/* No worker may ever come back: the operator has said so. */
START_TEST(test_repair_takes_over_what_workers_would_leave_alone)
{
	const struct verify_options options = {
		.repair = true, .lease_ms = LEASE_MS, .retention_seconds = 3600, .found = on_fault
	};
	struct verify_counts counts;
	claim_next();
	age_lease(2 * LEASE_MS);
	set_pulse(LEASE_MS, -1);
	ck_assert_msg(
		store_verify(redis, &options, &counts, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(read_run().phase, "queued");
}
END_TEST

START_TEST(test_a_pulse_that_a_hand_has_broken_is_written_anew)
{
	claim_next();
	command(3, (const char *const[]){ "LPUSH", KEY_PULSE, "text" });
	age_lease(LEASE_MS + 1);
	reap();
	ck_assert_int_eq(read_run().crashes, 1);
	set_pulse(0, 0);
}
END_TEST

static void trigger_step(const char *step)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { "default", "acme", "site", step },
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
}

/* What was begun goes before what is new. */
START_TEST(test_a_run_that_comes_due_is_taken_before_new_ones)
{
	struct claim claim = claim_next();
	write_run(&claim, (struct run_write){ .kind = RUN_WAIT, .phase = "waiting", .delay_ms = 1 },
		ERROR_NONE);
	trigger_step("project");
	bring_back();
	claim = claim_next();
	ck_assert_str_eq(claim.run.name.step, "repo");
	write_run(&claim,
		(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" },
		ERROR_NONE);
	ck_assert_str_eq(claim_next().run.name.step, "project");
	/* What a hand has put there names no run. */
	command(4, (const char *const[]){ "ZADD", KEY_BEGUN, "1", "text:" });
	ck_assert_int_eq(
		take_as(redis, &(struct take){ .worker = "w" }, &arena).kind, TAKEN_BROKEN);
	ck_assert(take_finds_nothing(redis, &arena));
}
END_TEST

/* But neither starves the other: every second one is new. */
START_TEST(test_new_runs_and_those_that_come_due_are_taken_in_turn)
{
	static const char *const steps[] = { "repo", "project", "env", "domain" };
	const char *const expected[] = { "repo", "n1", "project", "n2", "env", "n3", "domain" };
	struct take take = { .worker = "w", .lease_ms = LEASE_MS, .want = 10 };
	struct taken_list list;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (i > 0)
			trigger_step(steps[i]);
		const struct claim claim = claim_next();
		write_run(&claim, (struct run_write){ .kind = RUN_RELEASE }, ERROR_NONE);
		char begun[MEMBER_SIZE + 16];
		text_format(begun, sizeof(begun), "default:acme:site:%s", steps[i]);
		/* The next is to be taken before those that were begun. */
		command(3, (const char *const[]){ "ZREM", KEY_BEGUN, begun });
	}
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		char begun[MEMBER_SIZE + 16], since[8];
		text_format(begun, sizeof(begun), "default:acme:site:%s", steps[i]);
		text_format(since, sizeof(since), "%zu", i);
		command(4, (const char *const[]){ "ZADD", KEY_BEGUN, since, begun });
	}
	for (size_t i = 1; i < ARRAY_LEN(expected); i += 2)
		trigger_step(expected[i]);
	ck_assert_int_eq(queue_take(redis, &take, &arena, &list, &error), ERROR_NONE);
	ck_assert_uint_eq(list.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < list.count; i++)
		ck_assert_str_eq(list.items[i].name.step, expected[i]);
	ck_assert(list.after_begun);
	queue_taken_release(&list);
	/* By single calls, the worker remembers for itself. */
	trigger_step("n4");
	command(4, (const char *const[]){ "ZADD", KEY_BEGUN, "1", "default:acme:site:none" });
	take.after_begun = true;
	struct taken taken = take_as(redis, &take, &arena);
	ck_assert_str_eq(taken.name.step, "n4");
	claim_release(&taken.claim);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_an_attempt_that_ended_in_words_ends_a_row_of_crashes,
		test_a_lease_that_nobody_could_renew_is_left_alone_for_a_lease,
		test_a_lease_is_taken_over_at_once_where_workers_could_renew,
		test_a_lease_that_was_given_up_is_a_crash_at_any_time,
		test_a_worker_that_comes_back_late_takes_its_crash_back,
		test_repair_takes_over_what_workers_would_leave_alone,
		test_a_pulse_that_a_hand_has_broken_is_written_anew,
		test_a_run_that_comes_due_is_taken_before_new_ones,
		test_new_runs_and_those_that_come_due_are_taken_in_turn, NULL };
	return store_suite_main("crashes", tests, set_up, tear_down);
}
