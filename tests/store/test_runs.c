/*
 * The state machine of a run, each script against a real redis-server.
 *
 * covers: src/store/runs.c src/store/reaper.c src/store/keys.c src/store/redis.c src/store/queue.c
 * covers: src/store/scripts/trigger.lua src/store/scripts/take.lua src/store/scripts/claim_run.lua
 * covers: src/store/scripts/renew.lua
 * covers: src/store/scripts/progress.lua src/store/scripts/wait.lua src/store/scripts/retry.lua
 * covers: src/store/scripts/finish.lua src/store/scripts/release.lua src/store/scripts/cancel.lua
 * covers: src/store/scripts/reap.lua src/store/scripts/transitions.lua, src/store/scripts/told.lua
 * covers: src/store/scripts/lease.lua src/store/scripts/run.lua src/store/scripts/keys.lua
 * covers: src/store/scripts/arguments.lua src/store/run_eval.c
 */
#include <string.h>

#include "base/text.h"
#include "harness/json_text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/shown.h"
#include "store/workers.h"

#define LANE KEY_READY ":default:acme"

static struct redis *redis;
static struct arena arena;
static struct error error;
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

static struct trigger_result trigger_with(const char *digest, bool force, int64_t run_ms)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name,
		.input = "{\"a\":1}",
		.digest = digest,
		.force = force,
		.run_ms = run_ms,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result;
}

static struct trigger_result trigger(void)
{
	return trigger_with("d1", false, 60000);
}

static struct run read_run(void)
{
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static struct claim claim_next(int64_t lease_ms)
{
	return take_next(redis, lease_ms, &arena);
}

static enum error_class write_run(const struct claim *claim, struct run_write write)
{
	return run_write(redis, &claim->lease, &write, &error);
}

static int64_t integer_of(const char *command, const char *key)
{
	const char *const words[] = { command, key };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	int64_t value = reply_integer(reply);
	reply_free(reply);
	return value;
}

/* At quiet nothing stands in any index. */
static void assert_quiet(void)
{
	ck_assert_int_eq(integer_of("ZCARD", LANE), 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_READY), 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_BEGUN), 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_DELAYED), 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_LIVE), 0);
}

/* Who has not looked for a third of the time that leases last, as where the machine stood still,
 * leaves those alone that ran out: that is another test's. */
static void reap(void)
{
	size_t count;
	ck_assert_msg(
		runs_reap(redis, 300000, NULL, &count, &error) == ERROR_NONE, "%s", error.message);
}

static void run_command(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_msg(redis_command(redis, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	reply_free(reply);
}

/* Reaps until the phase is reached: the lease or due time has to pass first. */
static void reap_until(const char *phase)
{
	for (int tries = 0; tries < 200 && strcmp(read_run().phase, phase) != 0; tries++) {
		reap();
		const char *const words[] = { "BLPOP", "nothing", "0.02" };
		struct redisReply *reply;
		ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
		reply_free(reply);
	}
	ck_assert_str_eq(read_run().phase, phase);
}

/* ---- a trigger that is sent again ---- */

static struct trigger_result send(const char *id, const char *digest, bool force)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name,
		.input = "{}",
		.digest = digest,
		.force = force,
		.id = id,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result;
}

static void end_next(void)
{
	struct claim claim = claim_next(60000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" }),
		ERROR_NONE);
}

/* Two clients force the same step; the answer of the first was lost. */
START_TEST(test_a_trigger_is_known_after_another_client_ran_the_step_again)
{
	ck_assert_int_eq(send("t1", "d1", true).outcome, TRIGGER_NEW);
	end_next();
	struct trigger_result second = send("t2", "d2", true);
	ck_assert_int_eq(second.outcome, TRIGGER_NEW);
	/* Also while the other's runs, with another input, and when it has ended. */
	for (int i = 0; i < 2; i++) {
		struct trigger_result again = send("t1", "d1", true);
		ck_assert_int_eq(again.outcome, TRIGGER_SAME);
		ck_assert_str_eq(again.run.id, second.run.id);
		if (i == 0)
			end_next();
	}
	ck_assert_str_eq(read_run().status, "done");
	assert_quiet();
}
END_TEST

START_TEST(test_who_joined_a_run_does_not_undo_its_cancel)
{
	struct trigger_result first = send("t1", "d1", false);
	ck_assert_int_eq(send("t2", "d1", false).outcome, TRIGGER_SAME);
	ck_assert_int_eq(send("t3", "other", false).outcome, TRIGGER_CONFLICT);
	enum cancel_outcome outcome;
	struct run run;
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	struct trigger_result again = send("t2", "d1", false);
	ck_assert_int_eq(again.outcome, TRIGGER_SAME);
	ck_assert_str_eq(again.run.id, first.run.id);
	ck_assert_str_eq(again.run.status, "error");
	/* A trigger that got no run is none that is known. */
	ck_assert_int_eq(send("t3", "other", false).outcome, TRIGGER_NEW);
}
END_TEST

START_TEST(test_who_got_a_result_is_known)
{
	send("t1", "d1", false);
	end_next();
	ck_assert_int_eq(send("t2", "d1", false).outcome, TRIGGER_REUSED);
	send("t3", "d2", false);
	end_next();
	ck_assert_int_eq(send("t2", "d1", false).outcome, TRIGGER_SAME);
	assert_quiet();
}
END_TEST

START_TEST(test_the_last_eight_triggers_are_known)
{
	char id[8];
	for (int i = 0; i < 9; i++) {
		text_format(id, sizeof(id), "t%d", i);
		ck_assert_int_eq(send(id, "d1", true).outcome, TRIGGER_NEW);
		end_next();
	}
	ck_assert_str_eq(read_run().triggers, "t8 t7 t6 t5 t4 t3 t2 t1");
	ck_assert_int_eq(send("t1", "d1", true).outcome, TRIGGER_SAME);
	ck_assert_int_eq(send("t", "d1", true).outcome, TRIGGER_NEW);
}
END_TEST

START_TEST(test_idle_before_any_trigger)
{
	struct run run = read_run();
	ck_assert_str_eq(run.status, "");
	ck_assert_int_eq(run.version, 0);
	ck_assert(!run_is_live(&run));
}
END_TEST

/* The number of these fields that its hash has. */
static size_t count_fields(size_t count, const char *const *fields)
{
	char key[KEY_SIZE];
	const char *words[8] = { "HMGET", key };
	struct redisReply *reply;
	size_t found = 0;
	run_key_make(key, &name);
	for (size_t i = 0; i < count; i++)
		words[2 + i] = fields[i];
	ck_assert_int_eq(redis_command(redis, 2 + count, words, &reply, &error), ERROR_NONE);
	for (size_t i = 0; i < count; i++)
		found += reply_text(reply_item(reply, i))[0] != '\0';
	reply_free(reply);
	return found;
}

static const char *status_of(const struct run *run)
{
	cJSON *status;
	ck_assert_int_eq(run_status(run, &status, &error), ERROR_NONE);
	char *printed = cJSON_PrintUnformatted(status);
	char *text = arena_string(&arena, printed);
	cJSON_free(printed);
	cJSON_Delete(status);
	ck_assert_ptr_nonnull(text);
	return text;
}

/* As most runs end: in the first attempt, and with an output of which each name can be read off. */
START_TEST(test_what_has_ended_leaves_unsaid_what_can_be_known)
{
	static const char *const needless[] = { "attempt", "crashes", "outputs" };
	char key[KEY_SIZE];
	struct trigger_result result;
	const struct trigger wanted = { .name = name,
		.input = "{}",
		.digest = "d1",
		.outputs = " text length ",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	run_key_make(key, &name);
	ck_assert_int_eq(run_trigger(redis, &wanted, &arena, &result, &error), ERROR_NONE);
	ck_assert_uint_eq(count_fields(ARRAY_LEN(needless), needless), 2);
	ck_assert_int_eq(result.run.crashes, 0);
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_FINISH,
					 .status = "done",
					 .output = "{\"text\":\"x\",\"length\":1}" }),
		ERROR_NONE);

	ck_assert_uint_eq(count_fields(ARRAY_LEN(needless), needless), 0);
	struct run unsaid = read_run();
	struct shown shown = { .names = &name, .count = 1 };
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_int_eq(unsaid.attempt, 1);
	ck_assert_str_eq(status_of(&shown.runs[0]), status_of(&unsaid));

	/* What earlier builds wrote says the same. */
	const char *const words[] = { "HSET", key, "attempt", "1", "crashes", "0", "outputs",
		" text length " };
	run_command(ARRAY_LEN(words), words);
	struct run said = read_run();
	ck_assert_str_eq(status_of(&said), status_of(&unsaid));
}
END_TEST

START_TEST(test_numbers_that_were_written_by_hand_are_read_within_bounds)
{
	char key[KEY_SIZE];
	struct redisReply *reply;
	trigger();
	run_key_make(key, &name);
	const char *const words[] = { "HSET", key, "queued_at", "-9223372036854775808", "due",
		"9223372036854775807", "attempt", "-1", "started_at", "99999999999999999999999" };
	ck_assert_int_eq(redis_command(redis, 10, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	struct run run = read_run();
	ck_assert_int_eq(run.queued_at, 0);
	ck_assert_int_eq(run.due, JSON_INTEGER_MAX);
	ck_assert_int_eq(run.attempt, 0);
	ck_assert_int_eq(run.started_at, 0);
	ck_assert_int_gt(run_next_poll_ms(&run), 0);
}
END_TEST

/* Texts of all fields are other ones, and numbers as well: a field that is not read makes another
 * status. */
START_TEST(test_a_status_is_made_of_the_fields_that_are_read_for_it)
{
	char key[KEY_SIZE], values[RUN_FIELDS_MAX][16];
	const char *words[2 + 2 * RUN_FIELDS_MAX] = { "HSET", key };
	size_t count = 2;
	struct redisReply *reply;
	struct run all = read_run();
	struct shown shown = { .names = &name, .count = 1 };
	cJSON *status_of_all, *status_of_shown;
	run_key_make(key, &name);
	for (size_t i = 0; i < run_shown.count + run_hidden.count; i++) {
		text_format(values[i], sizeof(values[i]), "%zu", i + 1);
		words[count++] = i < run_shown.count ? run_shown.fields[i].name
						     : run_hidden.fields[i - run_shown.count].name;
		words[count++] = values[i];
	}
	ck_assert_int_eq(redis_command(redis, count, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	all = read_run();
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_int_eq(run_status(&all, &status_of_all, &error), ERROR_NONE);
	ck_assert_int_eq(run_status(&shown.runs[0], &status_of_shown, &error), ERROR_NONE);
	ck_assert(cJSON_Compare(status_of_all, status_of_shown, true));
	ck_assert_str_eq(shown.runs[0].input, "");
	ck_assert_str_eq(shown.runs[0].checkpoint, "");
	cJSON_Delete(status_of_all);
	cJSON_Delete(status_of_shown);
}
END_TEST

static char *letters(size_t count)
{
	char *text = arena_allocate(&arena, count + 1);
	ck_assert_ptr_nonnull(text);
	memset(text, 'x', count);
	return text;
}

static void trigger_input(const char *input, const char *digest)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name,
		.input = input,
		.digest = digest,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

static void finish_next(void)
{
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" }),
		ERROR_NONE);
}

/* The digest stays: by it another trigger with the same input is known. */
START_TEST(test_the_input_of_a_run_that_has_ended_stays_only_where_it_is_small)
{
	const char *small = letters(4096), *large = letters(4097);
	enum cancel_outcome outcome;
	struct run run;

	trigger_input(small, "d1");
	finish_next();
	ck_assert_str_eq(read_run().input, small);
	ck_assert_int_eq(trigger().outcome, TRIGGER_REUSED);
	trigger_input(large, "d2");
	finish_next();
	ck_assert_str_eq(read_run().input, "");
	ck_assert_int_eq(trigger_with("d2", false, 60000).outcome, TRIGGER_REUSED);
	trigger_input(large, "d3");
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_str_eq(read_run().status, "error");
	ck_assert_str_eq(read_run().input, "");
}
END_TEST

static int64_t memory_of(const char *key)
{
	const char *const words[] = { "MEMORY", "USAGE", key, "SAMPLES", "0" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 5, words, &reply, &error), ERROR_NONE);
	int64_t bytes = reply_integer(reply);
	reply_free(reply);
	return bytes;
}

/* Of the largest run there is, and the longest lines: docs/operations.md gives the sums. */
START_TEST(test_what_one_app_may_take_of_memory_is_bounded)
{
	char key[KEY_SIZE];
	struct trigger_result result;
	const struct trigger largest = { .name = name,
		.input = letters((size_t)256 << 10),
		.digest = "d",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	run_key_make(key, &name);
	ck_assert_int_eq(run_trigger(redis, &largest, &arena, &result, &error), ERROR_NONE);
	struct claim claim = claim_next(60000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(
			write_run(&claim,
				(struct run_write){ .kind = RUN_PROGRESS, .log = letters(1024) }),
			ERROR_NONE);
	ck_assert_int_lt(memory_of("slipway:{0}:app:default:acme:events"), 600 << 10);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_PROGRESS,
					 .checkpoint = letters((size_t)64 << 10) }),
		ERROR_NONE);
	ck_assert_int_lt(memory_of(key), 450 << 10);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_FINISH,
					 .status = "error",
					 .output = letters((size_t)128 << 10),
					 .error = letters(sizeof(struct error)) }),
		ERROR_NONE);
	ck_assert_int_lt(memory_of(key), 300 << 10);
}
END_TEST

START_TEST(test_run_from_trigger_to_done)
{
	struct trigger_result result = trigger();
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
	ck_assert_str_eq(result.run.status, "running");
	ck_assert_str_eq(result.run.phase, "queued");
	ck_assert_int_eq(integer_of("ZCARD", LANE), 1);
	struct claim claim = claim_next(30000);
	ck_assert_str_eq(claim.run.phase, "executing");
	ck_assert_str_eq(claim.run.input, J("{'a':1}"));
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_PROGRESS, .checkpoint = "{\"c\":1}" }),
		0);
	ck_assert_str_eq(read_run().checkpoint, J("{'c':1}"));
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){
				.kind = RUN_FINISH, .status = "done", .output = "{\"id\":7}" }),
		0);
	struct run run = read_run();
	ck_assert_str_eq(run.status, "done");
	ck_assert_str_eq(run.phase, "");
	ck_assert_str_eq(run.output, J("{'id':7}"));
	ck_assert_int_gt(run.version, result.run.version);
	assert_quiet();
}
END_TEST

START_TEST(test_single_flight)
{
	struct trigger_result first = trigger();
	struct trigger_result same = trigger();
	ck_assert_int_eq(same.outcome, TRIGGER_SAME);
	ck_assert_str_eq(same.run.id, first.run.id);
	ck_assert_int_eq(trigger_with("other", false, 60000).outcome, TRIGGER_CONFLICT);
	ck_assert_int_eq(trigger_with("other", true, 60000).outcome, TRIGGER_CONFLICT);
	ck_assert_int_eq(integer_of("ZCARD", LANE), 1);
}
END_TEST

START_TEST(test_done_is_reused_unless_forced_or_changed)
{
	struct trigger_result first = trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" }),
		0);
	struct trigger_result reused = trigger();
	ck_assert_int_eq(reused.outcome, TRIGGER_REUSED);
	ck_assert_str_eq(reused.run.id, first.run.id);
	struct trigger_result forced = trigger_with("d1", true, 60000);
	ck_assert_int_eq(forced.outcome, TRIGGER_NEW);
	ck_assert_str_ne(forced.run.id, first.run.id);
	ck_assert_int_gt(forced.run.version, reused.run.version);
	ck_assert_int_eq(forced.run.attempt, 1);
}
END_TEST

START_TEST(test_needs_must_be_done_and_their_outputs_count)
{
	struct trigger_result result;
	struct trigger dependent = { .name = { "default", "acme", "site", "project" },
		.input = "{}",
		.digest = "p",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600,
		.needs = "acme:site:repo" };
	ck_assert_int_eq(run_trigger(redis, &dependent, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEEDS_NOT_DONE);
	ck_assert_uint_eq(result.missing_count, 1);
	ck_assert_str_eq(result.missing[0], "repo");
	ck_assert_int_eq(integer_of("ZCARD", LANE), 0);
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){
				.kind = RUN_FINISH, .status = "done", .output = "{\"v\":1}" }),
		0);
	ck_assert_int_eq(run_trigger(redis, &dependent, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}
END_TEST

START_TEST(test_wait_burns_no_attempt_and_comes_back)
{
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_WAIT,
					 .phase = "waiting",
					 .delay_ms = 30,
					 .reason = "not_ready",
					 .detail = "branch main",
					 .checkpoint = "{\"n\":1}" }),
		0);
	struct run run = read_run();
	ck_assert_str_eq(run.phase, "waiting");
	ck_assert_str_eq(run.detail, "branch main");
	ck_assert_str_eq(run.lease, "");
	ck_assert_int_eq(integer_of("ZCARD", LANE), 0);
	reap_until("queued");
	ck_assert_int_eq(read_run().attempt, 1);
	ck_assert_str_eq(claim_next(30000).run.checkpoint, J("{'n':1}"));
}
END_TEST

static const struct run_write down = { .kind = RUN_WAIT,
	.phase = "waiting",
	.reason = "provider_down",
	.detail = "d",
	.outage = true,
	.outage_ms = 40,
	.delay_ms = 10,
	.outage_seen = "status 502" };

/* Since when its provider is down, as long as it is, and what it met. */
START_TEST(test_a_run_knows_how_long_it_waits_for_its_provider)
{
	static const struct run_write others[] = {
		{ .kind = RUN_WAIT, .phase = "waiting", .reason = "not_ready", .detail = "d" },
		{ .kind = RUN_RETRY, .reason = "internal", .detail = "d" },
		{ .kind = RUN_FINISH,
			.status = "error",
			.output = "{}",
			.error = "{}",
			.reason = "network" },
	};
	struct run_write refused = down, hung = down;
	refused.outage_seen = NULL;
	hung.kind = RUN_RETRY;
	trigger();
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct claim claim = claim_next(30000);
		ck_assert_int_eq(claim.run.outage_at, 0);
		ck_assert_int_eq(write_run(&claim, down), 0);
		int64_t since = read_run().outage_at;
		ck_assert_int_gt(since, 0);
		while (read_run().now <= since) {}
		reap_until("queued");
		claim = claim_next(30000);
		ck_assert_int_eq(write_run(&claim, i % 2 ? hung : refused), 0);
		ck_assert_int_eq(read_run().outage_at, since);
		ck_assert_int_eq(read_run().outage_ms, 100);
		ck_assert_str_eq(read_run().outage_seen, "status 502");
		reap_until("queued");
		claim = claim_next(30000);
		ck_assert_int_eq(claim.run.outage_at, since);
		ck_assert_int_eq(write_run(&claim, others[i]), 0);
		ck_assert_int_eq(read_run().outage_at, 0);
		ck_assert_int_eq(read_run().outage_ms, 0);
		ck_assert_str_eq(read_run().outage_seen, "");
		if (run_is_live(&(struct run){ .status = read_run().status }))
			reap_until("queued");
	}
}
END_TEST

/* An hour of it would begin anew whenever Redis is away for a moment, or others write before it. */
START_TEST(test_what_says_nothing_of_the_provider_does_not_end_an_outage)
{
	static const char *const reasons[] = { "store_unavailable", "turn", "needs",
		"no_worker_for_version" };
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim, down), 0);
	const int64_t since = read_run().outage_at;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		reap_until("queued");
		claim = claim_next(30000);
		ck_assert_int_eq(write_run(&claim,
					 (struct run_write){ .kind = RUN_WAIT,
						 .phase = "waiting",
						 .reason = reasons[i],
						 .detail = "d" }),
			0);
		ck_assert_int_eq(read_run().outage_at, since);
		ck_assert_int_eq(read_run().outage_ms, 50);
		ck_assert_int_eq(read_run().paused_ms, 50);
		ck_assert_str_eq(read_run().outage_seen, "status 502");
	}
}
END_TEST

/* The age of the run is without them; another run has none. */
START_TEST(test_a_run_knows_what_it_lost_to_outages_but_not_its_time_in_the_queue)
{
	struct run_write ready = {
		.kind = RUN_WAIT, .phase = "waiting", .reason = "not_ready", .detail = "d"
	};
	trigger();
	for (int64_t i = 1; i <= 2; i++) {
		struct claim claim = claim_next(30000);
		int64_t claimed_at = claim.run.now;
		ck_assert_int_eq(write_run(&claim, down), 0);
		reap_until("queued");
		while (read_run().now <= claimed_at + 200) {}
		claim = claim_next(30000);
		ck_assert_int_eq(claim.run.paused_ms, 50 * i);
		ck_assert_int_eq(claim.run.outage_ms, 50);
		ck_assert_int_eq(write_run(&claim, ready), 0);
		ck_assert_int_eq(read_run().paused_ms, 50 * i);
		reap_until("queued");
	}

	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_FINISH,
					 .status = "error",
					 .output = "{}",
					 .error = "{}" }),
		0);
	trigger();
	ck_assert_int_eq(read_run().paused_ms, 0);
}
END_TEST

START_TEST(test_retry_counts_an_attempt)
{
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_RETRY,
					 .delay_ms = 30,
					 .reason = "network",
					 .detail = "x" }),
		0);
	ck_assert_str_eq(read_run().phase, "retrying");
	reap_until("queued");
	ck_assert_int_eq(read_run().attempt, 2);
	ck_assert_int_eq(read_run().crashes, 0);
}
END_TEST

START_TEST(test_stuck_in_running_lease_is_taken_over)
{
	trigger();
	struct claim lost = claim_next(50);
	reap_until("queued");
	ck_assert_int_eq(read_run().crashes, 1);
	ck_assert_int_eq(read_run().attempt, 1);
	/* The late worker can write nothing. */
	ck_assert_int_eq(
		write_run(&lost,
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" }),
		ERROR_LEASE_LOST);
	bool cancel;
	ck_assert_int_eq(run_renew(redis, &lost.lease, 1000, &cancel, &error), ERROR_LEASE_LOST);
	ck_assert_str_eq(read_run().phase, "queued");
	claim_next(50);
	reap_until("queued");
	claim_next(50);
	reap_until("");
	ck_assert_str_eq(read_run().status, "error");
	ck_assert_ptr_nonnull(strstr(read_run().error, J("'worker_lost'")));
	assert_quiet();
}
END_TEST

START_TEST(test_renew_keeps_the_lease)
{
	bool cancel;
	trigger();
	struct claim claim = claim_next(1000);
	ck_assert_int_eq(run_renew(redis, &claim.lease, 60000, &cancel, &error), ERROR_NONE);
	ck_assert(!cancel);
	ck_assert_int_gt(read_run().lease_until, read_run().now + 30000);
}
END_TEST

START_TEST(test_one_call_renews_all_and_a_broken_run_costs_no_neighbour)
{
	struct renewal renewals[5];
	static const int64_t times[] = { 60000, 60000, 60000, RENEWAL_LOOK, 60000 };
	trigger();
	struct claim claim = claim_next(1000);
	for (size_t i = 0; i < ARRAY_LEN(renewals); i++)
		renewals[i] = (struct renewal){ .lease = claim.lease, .lease_ms = times[i] };
	text_copy(renewals[0].lease.step, IDENTIFIER_SIZE, "broken");
	text_copy(renewals[1].lease.token, TOKEN_SIZE, "another");
	text_copy(renewals[2].lease.step, IDENTIFIER_SIZE, "absent");
	const char *const words[] = { "SET", "slipway:{0}:app:default:acme:site:broken",
		"by hand" };
	ck_assert_int_eq(redis_tell(redis, 3, words, &error), ERROR_NONE);
	ck_assert_int_eq(runs_renew(redis, renewals, 4, &error), ERROR_NONE);
	ck_assert_int_eq(renewals[0].state, RENEWED_BROKEN);
	ck_assert_int_eq(renewals[1].state, RENEWED_LOST);
	ck_assert_int_eq(renewals[2].state, RENEWED_LOST);
	ck_assert_int_eq(renewals[3].state, RENEWED_HELD);
	ck_assert_int_lt(read_run().lease_until, read_run().now + 2000);
	ck_assert_int_eq(runs_renew(redis, renewals, 5, &error), ERROR_NONE);
	ck_assert_int_eq(renewals[4].state, RENEWED_HELD);
	ck_assert_int_gt(read_run().lease_until, read_run().now + 30000);
}
END_TEST

START_TEST(test_release_hands_back_without_counting)
{
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim, (struct run_write){ .kind = RUN_RELEASE }), 0);
	struct run run = read_run();
	ck_assert_str_eq(run.phase, "queued");
	ck_assert_int_eq(run.attempt, 1);
	ck_assert_int_eq(run.crashes, 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_BEGUN), 1);
	claim_next(30000);
}
END_TEST

START_TEST(test_cancel)
{
	struct run run;
	enum cancel_outcome outcome;
	bool cancel;
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_NOTHING);
	trigger();
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_ENDED);
	ck_assert_str_eq(run.status, "error");
	ck_assert_ptr_nonnull(strstr(run.error, J("'cancelled'")));
	ck_assert_ptr_nonnull(strstr(run.error, "nothing was done"));
	assert_quiet();
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_str_eq(run.status, "running");
	ck_assert_int_eq(run_renew(redis, &claim.lease, 30000, &cancel, &error), ERROR_NONE);
	ck_assert(cancel);
}
END_TEST

START_TEST(test_a_cancel_of_a_run_ends_no_other_one)
{
	enum cancel_outcome outcome;
	struct run run, first;
	trigger();
	first = read_run();
	ck_assert_int_eq(
		run_cancel(redis, &name, "another", &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_OTHER);
	ck_assert_str_eq(run.id, first.id);
	ck_assert_int_eq(read_run().version, first.version);
	ck_assert_int_eq(
		run_cancel(redis, &name, first.id, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_ENDED);
	/* It is sent again, when somebody has a new run. */
	trigger();
	claim_next(30000);
	ck_assert_int_eq(
		run_cancel(redis, &name, first.id, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_OTHER);
	ck_assert_int_eq(
		run_cancel(redis, &name, run.id, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_ASKED);
}
END_TEST

START_TEST(test_cancel_says_what_may_have_been_done)
{
	const struct run_write wait = {
		.kind = RUN_WAIT, .phase = "waiting", .delay_ms = 60000, .reason = "not_ready"
	};
	struct run run;
	enum cancel_outcome outcome;
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim, wait), 0);
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_str_eq(run.status, "error");
	ck_assert_ptr_nonnull(strstr(run.error, "may be half done"));
}
END_TEST

START_TEST(test_cancel_is_not_forgotten)
{
	static const struct run_write writes[] = {
		{ .kind = RUN_WAIT,
			.phase = "waiting",
			.delay_ms = 10,
			.reason = "r",
			.detail = "d" },
		{ .kind = RUN_RETRY, .delay_ms = 10, .reason = "r", .detail = "d" },
		{ .kind = RUN_RELEASE },
	};
	struct run run;
	enum cancel_outcome outcome;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		trigger();
		struct claim claim = claim_next(30000);
		ck_assert_int_eq(
			run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
		ck_assert_int_eq(write_run(&claim, writes[i]), 0);
		ck_assert_str_eq(read_run().status, "error");
		ck_assert_ptr_nonnull(strstr(read_run().error, J("'cancelled'")));
		assert_quiet();
	}
	/* Nor where the worker is lost meanwhile. */
	trigger();
	claim_next(30);
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	reap_until("");
	ck_assert_ptr_nonnull(strstr(read_run().error, J("'cancelled'")));
	assert_quiet();
}
END_TEST

START_TEST(test_workers_are_tidied)
{
	const struct worker_heartbeat beat = { .name = "w-1", .version = "0", .executors = 1 };
	const char *const old[] = { "HSET", KEY_WORKERS, "gone",
		"{\"at\":\"2020-01-01T00:00:00.000Z\"}" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 4, old, &reply, &error), ERROR_NONE);
	reply_free(reply);
	ck_assert_int_eq(worker_heartbeat(redis, &beat, &error), ERROR_NONE);
	ck_assert_int_eq(workers_tidy(redis, &error), ERROR_NONE);
	ck_assert_int_eq(integer_of("HLEN", KEY_WORKERS), 1);
	ck_assert_int_eq(worker_leave(redis, "w-1", &error), ERROR_NONE);
	ck_assert_int_eq(integer_of("HLEN", KEY_WORKERS), 0);
}
END_TEST

/* As if the time had passed by now: the reaper looks at it again, and finds it over. */
static void pass_deadline(void)
{
	const char *const over[] = { "HSET", "slipway:{0}:app:default:acme:site:repo",
		"run_deadline", "1" };
	const char *const due[] = { "ZADD", KEY_LIVE, "0", "default:acme:site:repo" };
	run_command(4, over);
	run_command(4, due);
}

/* A long queue ends no run: the time for its work begins with its first attempt. */
START_TEST(test_the_deadline_counts_from_the_first_attempt)
{
	trigger_with("d1", false, 60000);
	pass_deadline();
	reap();
	ck_assert_str_eq(read_run().phase, "queued");
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(claim.run.run_deadline, claim.run.now + 60000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_RETRY, .reason = "r", .detail = "d" }),
		0);
	reap_until("queued");
	pass_deadline();
	const struct take take = { .worker = "worker-1", .lease_ms = 30000 };
	const struct taken taken = take_as(redis, &take, &arena);
	ck_assert_int_eq(taken.kind, TAKEN_ENDED);
	ck_assert_str_eq(taken.ended.status, "error");
	ck_assert_str_eq(read_run().status, "error");
	ck_assert_ptr_nonnull(strstr(read_run().error, J("'timeout'")));
	assert_quiet();
}
END_TEST

/* Whoever finds the run ended has to know what it waited for: by now that stands nowhere else. */
START_TEST(test_an_expired_run_says_what_it_waited_for)
{
	for (int claimed = 0; claimed < 2; claimed++) {
		trigger_with("d1", true, 60000);
		struct claim claim = claim_next(30000);
		ck_assert_int_eq(write_run(&claim,
					 (struct run_write){ .kind = RUN_WAIT,
						 .phase = "blocked",
						 .delay_ms = claimed ? 1 : 60000,
						 .reason = "person",
						 .detail = "Set in the DNS: \"A\"" }),
			0);
		if (claimed)
			reap_until("queued");
		pass_deadline();
		if (claimed) {
			const struct take take = { .worker = "worker-1", .lease_ms = 30000 };
			ck_assert_int_eq(take_as(redis, &take, &arena).kind, TAKEN_ENDED);
		}
		while (strcmp(read_run().status, "running") == 0)
			reap();
		ck_assert_ptr_nonnull(
			strstr(read_run().error, "allows; last state: Set in the DNS: \\\"A\\\""));
		ck_assert_ptr_nonnull(strstr(read_run().error, J("'remedy':{")));
	}
}
END_TEST

START_TEST(test_a_cancelled_run_leaves_its_place)
{
	struct run run;
	enum cancel_outcome outcome;
	trigger();
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	assert_quiet();
	ck_assert(take_finds_nothing(redis, &arena));
	trigger();
	ck_assert_int_eq(integer_of("ZCARD", LANE), 1);
	claim_next(30000);
	ck_assert(take_finds_nothing(redis, &arena));
}
END_TEST

START_TEST(test_a_lost_place_is_given_anew)
{
	trigger();
	const char *const drop[] = { "DEL", LANE, KEY_READY, KEY_READY ":default" };
	run_command(4, drop);
	ck_assert(take_finds_nothing(redis, &arena));
	/* As it does after hours, or where the sweep has told it to. */
	const char *const due[] = { "ZADD", KEY_LIVE, "0", "default:acme:site:repo" };
	run_command(4, due);
	reap();
	ck_assert_int_eq(integer_of("ZCARD", LANE), 1);
	claim_next(30000);
}
END_TEST

START_TEST(test_a_broken_key_does_not_stop_the_reaper)
{
	trigger();
	const char *const broken[] = { "SET", "slipway:{0}:app:default:bad:site:repo", "text" };
	const char *const due[] = { "ZADD", KEY_LIVE, "0", "default:bad:site:repo", "1",
		"default:acme:site:repo" };
	const char *const drop[] = { "DEL", LANE };
	run_command(3, broken);
	run_command(6, due);
	run_command(2, drop);
	reap();
	ck_assert_int_eq(integer_of("XLEN", KEY_DEAD), 1);
	ck_assert_int_eq(integer_of("ZCARD", LANE), 1);
	ck_assert_int_eq(integer_of("ZCARD", KEY_LIVE), 1);
}
END_TEST

static void overwrite(const char *key)
{
	const char *const drop[] = { "DEL", key }, *const broken[] = { "SET", key, "text" };
	run_command(2, drop);
	run_command(3, broken);
}

static void drop_key(const char *key)
{
	const char *const words[] = { "DEL", key };
	run_command(2, words);
}

START_TEST(test_a_broken_index_stops_a_trigger_before_it_writes)
{
	static const char *const keys[] = { KEY_READY, LANE, KEY_BEGUN, KEY_LIVE, KEY_DELAYED };
	struct trigger_result result;
	const struct trigger trigger = {
		.name = name, .input = "{}", .digest = "d1", .run_ms = 60000, .attempts = 3
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		overwrite(keys[i]);
		ck_assert_int_eq(
			run_trigger(redis, &trigger, &arena, &result, &error), ERROR_STORE_REFUSED);
		ck_assert_ptr_nonnull(strstr(error.remedy, "slipway verify"));
		ck_assert_int_eq(integer_of("EXISTS", "slipway:{0}:app:default:acme:site:repo"), 0);
		drop_key(keys[i]);
		assert_quiet();
	}
}
END_TEST

START_TEST(test_a_broken_ledger_stops_a_claim_before_it_writes)
{
	const struct take take = { .worker = "worker-1", .lease_ms = 30000 };
	const char *const soon[] = { "HSET", "slipway:{0}:app:default:acme:site:repo", "due", "1" };
	trigger();
	overwrite("slipway:{0}:app:default:acme:ledger");
	ck_assert_int_eq(take_as(redis, &take, &arena).kind, TAKEN_BROKEN);
	ck_assert_str_eq(read_run().phase, "queued");
	ck_assert_str_eq(read_run().lease, "");
	drop_key("slipway:{0}:app:default:acme:ledger");
	/* It comes back by itself. */
	run_command(4, soon);
	const char *const due[] = { "ZADD", KEY_DELAYED, "0", "default:acme:site:repo" };
	run_command(4, due);
	reap();
	claim_next(30000);
}
END_TEST

START_TEST(test_no_run_suffers_from_broken_events)
{
	overwrite("slipway:{0}:app:default:acme:events");
	overwrite(KEY_APPS_PREFIX "default");
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(
		write_run(&claim,
			(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{}" }),
		0);
	ck_assert_str_eq(read_run().status, "done");
	assert_quiet();
}
END_TEST

START_TEST(test_a_run_outlives_a_broken_queue)
{
	size_t count;
	trigger();
	struct claim claim = claim_next(30000);
	const struct run_write wait = {
		.kind = RUN_WAIT, .phase = "waiting", .delay_ms = 0, .reason = "not_ready"
	};
	ck_assert_int_eq(write_run(&claim, wait), 0);
	overwrite(KEY_BEGUN);
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_STORE_REFUSED);
	ck_assert_str_eq(read_run().phase, "waiting");
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error),
		ERROR_STORE_REFUSED); /* by the other index */
	/* It is not in the way of others until it is looked at again, which is in five seconds:
	 * where the machine stands still for as long, at once. */
	enum error_class class;
	int tries = 0;
	do
		class = runs_reap(redis, 30000, NULL, &count, &error);
	while (class == ERROR_STORE_REFUSED && ++tries < 10);
	ck_assert_int_eq(class, ERROR_NONE);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(integer_of("ZCARD", KEY_DELAYED), 1);
	ck_assert_int_eq(integer_of("EXISTS", KEY_DEAD), 0);
	drop_key(KEY_BEGUN);
	const char *const due[] = { "ZADD", KEY_DELAYED, "0", "default:acme:site:repo" };
	run_command(4, due);
	reap();
	claim_next(30000);
}
END_TEST

static void sweep(void)
{
	drop_key(KEY_SWEEP);
	ck_assert_msg(queue_sweep(redis, 86400, &error) == ERROR_NONE, "%s", error.message);
}

/* Its worker is lost as well: nobody renews the lease, which would bring it back too. */
START_TEST(test_what_is_live_comes_back_into_the_index)
{
	trigger();
	claim_next(30);
	drop_key(KEY_LIVE);
	sweep();
	ck_assert_int_eq(integer_of("ZCARD", KEY_LIVE), 1);
	reap_until("queued");
	ck_assert_int_eq(read_run().crashes, 1);
}
END_TEST

START_TEST(test_what_a_hand_has_taken_off_the_queue_comes_back)
{
	static const char *const keys[] = { LANE, KEY_READY ":default", KEY_READY };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		trigger_with("d1", true, 60000);
		drop_key(keys[i]);
		sweep();
		reap();
		struct claim claim = claim_next(30000);
		ck_assert_int_eq(
			write_run(&claim,
				(struct run_write){
					.kind = RUN_WAIT, .phase = "waiting", .delay_ms = 1 }),
			0);
		reap_until("queued");
		drop_key(KEY_BEGUN);
		sweep();
		reap();
		claim = claim_next(30000);
		ck_assert_int_eq(
			write_run(&claim,
				(struct run_write){
					.kind = RUN_FINISH, .status = "done", .output = "{}" }),
			0);
		assert_quiet();
	}
}
END_TEST

START_TEST(test_a_broken_run_costs_its_neighbours_nothing)
{
	const struct take take = { .worker = "worker-1", .lease_ms = 30000 };
	const char *const stray[] = { "ZADD", LANE, "-1", "no sense", "-2", "site:gone" };
	trigger();
	overwrite("slipway:{0}:app:default:acme:site:repo");
	run_command(6, stray);
	const struct trigger other = { .name = { "default", "acme", "site", "project" },
		.input = "{}",
		.digest = "d",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	struct trigger_result result;
	struct taken_list list;
	ck_assert_int_eq(run_trigger(redis, &other, &arena, &result, &error), ERROR_NONE);
	struct take many = take;
	many.want = 4;
	ck_assert_int_eq(queue_take(redis, &many, &arena, &list, &error), ERROR_NONE);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_int_eq(list.items[0].kind, TAKEN_BROKEN);
	ck_assert_str_eq(list.items[0].why, "it names no run");
	ck_assert_int_eq(list.items[1].kind, TAKEN_BROKEN);
	ck_assert_int_eq(list.items[2].kind, TAKEN_RUN);
	ck_assert_str_eq(list.items[2].name.step, "project");
	queue_taken_release(&list);
	ck_assert_int_eq(integer_of("XLEN", KEY_DEAD), 2);
	ck_assert_int_eq(integer_of("ZCARD", KEY_LIVE), 1);
}
END_TEST

START_TEST(test_reaper_forgets_what_is_gone)
{
	trigger();
	const char *const wipe[] = { "DEL", "slipway:{0}:app:default:acme:site:repo" };
	const char *const due[] = { "ZADD", KEY_LIVE, "0", "default:acme:site:repo", "0",
		"no member at all" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, wipe, &reply, &error), ERROR_NONE);
	reply_free(reply);
	ck_assert_int_eq(redis_command(redis, 6, due, &reply, &error), ERROR_NONE);
	reply_free(reply);
	reap();
	ck_assert_int_eq(integer_of("ZCARD", KEY_LIVE), 0);
	struct run run = read_run();
	ck_assert_str_eq(run.status, "");
	ck_assert(take_finds_nothing(redis, &arena));
	ck_assert_int_eq(integer_of("EXISTS", "slipway:{0}:app:default:acme:site:repo"), 0);
}
END_TEST

START_TEST(test_scripts_survive_function_flush)
{
	trigger();
	const char *const flush[] = { "FUNCTION", "FLUSH" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, flush, &reply, &error), ERROR_NONE);
	reply_free(reply);
	ck_assert_int_eq(trigger().outcome, TRIGGER_SAME);
}
END_TEST

START_TEST(test_state_lost_when_a_process_restarted)
{
	redis = store_open_own(redis);
	struct trigger_result before = trigger();
	store_restart();
	struct run run;
	/* The first command after the loss finds the old connection dead. */
	if (run_read(redis, &name, &arena, &run, &error) != ERROR_NONE)
		ck_assert_int_eq(error.class, ERROR_STORE_UNAVAILABLE);
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	ck_assert_str_eq(run.id, before.run.id);
	ck_assert_int_eq(run.version, before.run.version);
	claim_next(30000);
}
END_TEST

START_TEST(test_redis_away_is_said)
{
	struct redis *nowhere;
	struct run run;
	ck_assert_int_eq(
		redis_new("unix:///nonexistent/redis.sock", NULL, "t", 200, &nowhere, &error),
		ERROR_NONE);
	ck_assert_int_eq(run_read(nowhere, &name, &arena, &run, &error), ERROR_STORE_UNAVAILABLE);
	ck_assert_int_gt(error.retry_after_ms, 0);
	redis_free(nowhere);
	ck_assert_int_eq(
		redis_new("rediss://host", NULL, "t", 200, &nowhere, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, "TLS"));
}
END_TEST

START_TEST(test_durable_record_of_what_was_made)
{
	redis = store_open_own(redis);
	trigger();
	struct claim claim = claim_next(30000);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_PROGRESS,
					 .ledger_field = "github:repository:acme/docs",
					 .ledger_value = "{\"id\":\"7\"}" }),
		0);
	ck_assert_int_eq(write_run(&claim,
				 (struct run_write){ .kind = RUN_FINISH,
					 .status = "error",
					 .output = "{}",
					 .error = "{}" }),
		0);
	store_restart();
	struct run run;
	if (run_read(redis, &name, &arena, &run, &error) != ERROR_NONE)
		ck_assert_int_eq(error.class, ERROR_STORE_UNAVAILABLE);
	trigger();
	const struct take take = { .worker = "worker-1", .lease_ms = 30000 };
	struct taken again = take_as(redis, &take, &arena);
	ck_assert_int_eq(again.kind, TAKEN_RUN);
	ck_assert_str_eq(json_member_string(again.claim.ledger, "github:repository:acme/docs"),
		J("{'id':'7'}"));
	claim_release(&again.claim);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_idle_before_any_trigger,
		test_what_has_ended_leaves_unsaid_what_can_be_known,
		test_a_trigger_is_known_after_another_client_ran_the_step_again,
		test_who_joined_a_run_does_not_undo_its_cancel, test_who_got_a_result_is_known,
		test_the_last_eight_triggers_are_known,
		test_a_status_is_made_of_the_fields_that_are_read_for_it,
		test_numbers_that_were_written_by_hand_are_read_within_bounds,
		test_the_input_of_a_run_that_has_ended_stays_only_where_it_is_small,
		test_what_one_app_may_take_of_memory_is_bounded, test_run_from_trigger_to_done,
		test_single_flight, test_done_is_reused_unless_forced_or_changed,
		test_needs_must_be_done_and_their_outputs_count,
		test_wait_burns_no_attempt_and_comes_back,
		test_a_run_knows_how_long_it_waits_for_its_provider,
		test_a_run_knows_what_it_lost_to_outages_but_not_its_time_in_the_queue,
		test_what_says_nothing_of_the_provider_does_not_end_an_outage,
		test_retry_counts_an_attempt, test_stuck_in_running_lease_is_taken_over,
		test_renew_keeps_the_lease,
		test_one_call_renews_all_and_a_broken_run_costs_no_neighbour,
		test_release_hands_back_without_counting, test_cancel,
		test_a_cancel_of_a_run_ends_no_other_one, test_cancel_says_what_may_have_been_done,
		test_cancel_is_not_forgotten, test_workers_are_tidied,
		test_the_deadline_counts_from_the_first_attempt,
		test_an_expired_run_says_what_it_waited_for, test_a_cancelled_run_leaves_its_place,
		test_a_lost_place_is_given_anew, test_a_broken_key_does_not_stop_the_reaper,
		test_a_broken_index_stops_a_trigger_before_it_writes,
		test_a_broken_ledger_stops_a_claim_before_it_writes,
		test_no_run_suffers_from_broken_events, test_a_run_outlives_a_broken_queue,
		test_what_is_live_comes_back_into_the_index,
		test_what_a_hand_has_taken_off_the_queue_comes_back,
		test_a_broken_run_costs_its_neighbours_nothing, test_reaper_forgets_what_is_gone,
		test_scripts_survive_function_flush, test_state_lost_when_a_process_restarted,
		test_redis_away_is_said, test_durable_record_of_what_was_made, NULL };
	return store_suite_main("runs", tests, set_up, tear_down);
}
