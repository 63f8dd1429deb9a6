/*
 * Runs that a worker of another build leaves to one that has their definition, and what builds that
 * no longer have a workflow find of it.
 *
 * covers: src/store/scripts/decline.lua src/store/scripts/claim_run.lua src/store/app_steps.c
 */
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/app_steps.h"
#include "store/reaper.h"
#include "store/verify.h"
#include "store/workers.h"

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

static struct trigger_result trigger_of(const char *definition, int64_t run_ms)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name,
		.input = "{}",
		.digest = "d1",
		.definition = definition,
		.run_ms = run_ms,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result;
}

static struct run read_run(void)
{
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

/* A worker of another build meets the run, and says why it leaves it to others. */
static struct taken leave(const char *reason)
{
	const struct take take = {
		.worker = "worker-1", .lease_ms = 30000, .definitions = " site:repo=v0= "
	};
	const struct decline declined = { reason, reason != NULL ? "nobody has it" : "w has it" };
	const struct taken taken = take_as(redis, &take, &arena);
	if (taken.kind == TAKEN_OTHER_BUILD)
		ck_assert_msg(
			run_decline(redis, &name, taken.run_id, &declined, &error) == ERROR_NONE,
			"%s", error.message);
	return taken;
}

static struct claim claim(void)
{
	const struct take take = {
		.worker = "worker-1", .lease_ms = 30000, .definitions = " site:repo=v1= "
	};
	struct taken taken = take_as(redis, &take, &arena);
	ck_assert_int_eq(taken.kind, TAKEN_RUN);
	claim_release(&taken.claim);
	return taken.claim;
}

static int64_t count_of(const char *command, const char *key)
{
	const char *const words[] = { command, key };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	int64_t count = reply_integer(reply);
	reply_free(reply);
	return count;
}

static void set_due(const char *index)
{
	const char *const words[] = { "ZADD", index, "0", "default:acme:site:repo" };
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
}

static void put_over(const char *field)
{
	const char *const words[] = { "HSET", KEY_APP_PREFIX "default:acme:site:repo", field, "1" };
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
}

/* As if the time had passed by now. */
static void pass_deadline(void)
{
	put_over("run_deadline");
	set_due(KEY_LIVE);
}

/* As if its time had come: by the hash and by the index. */
static void come_back(void)
{
	size_t count;
	put_over("due");
	set_due(KEY_DELAYED);
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
}

static void ignore_finding(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	(void)repaired;
	fprintf(stderr, "%s: %s\n", key, what);
}

static size_t faults(void)
{
	struct verify_counts counts = { .keys = 0 };
	const struct verify_options options = {
		.lease_ms = 30000, .retention_seconds = 86400, .found = ignore_finding
	};
	ck_assert_int_eq(store_verify(redis, &options, &counts, &error), ERROR_NONE);
	return counts.faults;
}

START_TEST(test_a_declined_run_stays_queued_and_comes_back)
{
	trigger_of("v1", 60000);
	const int64_t before = read_run().now;
	const struct taken taken = leave("no_worker_for_version");
	ck_assert_int_eq(taken.kind, TAKEN_OTHER_BUILD);
	ck_assert_str_eq(taken.definition, "v1");

	struct run run = read_run();
	ck_assert_str_eq(run.status, "running");
	ck_assert_str_eq(run.phase, "queued");
	ck_assert_str_eq(run.reason, "no_worker_for_version");
	ck_assert_str_eq(run.detail, "nobody has it");
	ck_assert_int_eq(run.ready_at, 0);
	ck_assert_int_eq(run.started_at, 0);
	ck_assert(take_finds_nothing(redis, &arena));
	ck_assert_int_ge(run.due, before + 1000);
	ck_assert_int_le(run.due, run.now + 1000);
	ck_assert_int_eq(count_of("XLEN", KEY_DEAD), 0);
	ck_assert_int_eq(count_of("ZCARD", KEY_DELAYED), 1);
	ck_assert_uint_eq(faults(), 0);

	come_back();
	claim();
	run = read_run();
	ck_assert_int_eq(run.attempt, 1);
	ck_assert_int_eq(run.crashes, 0);
	ck_assert_str_eq(run.reason, "");
	ck_assert_str_eq(run.detail, "");
	ck_assert_int_eq(run.due, 0);
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* It may be declined for hours: events and versions are for changes. */
START_TEST(test_the_same_again_is_no_change)
{
	trigger_of("v1", 60000);
	leave("no_worker_for_version");
	int64_t version = read_run().version,
		events = count_of("LLEN", KEY_APP_PREFIX "default:acme:events"), before = 0;
	for (int i = 0; i < 7; i++) {
		come_back();
		before = read_run().now;
		leave("no_worker_for_version");
	}

	struct run run = read_run();
	ck_assert_int_eq(run.version, version);
	ck_assert_int_eq(count_of("LLEN", KEY_APP_PREFIX "default:acme:events"), events);
	ck_assert_int_ge(run.due, before + 5000);
	ck_assert_int_le(run.due, run.now + 5000);
}
END_TEST

START_TEST(test_where_a_worker_has_it_there_is_no_reason_and_the_wait_is_short)
{
	trigger_of("v1", 60000);
	for (int i = 0; i < 4; i++) {
		leave(i < 3 ? "no_worker_for_version" : NULL);
		if (i < 3)
			come_back();
	}

	struct run run = read_run();
	ck_assert_str_eq(run.reason, "");
	ck_assert_str_eq(run.detail, "");
	ck_assert_int_le(run.due - run.now, 1000);
}
END_TEST

START_TEST(test_a_declined_run_can_be_cancelled)
{
	trigger_of("v1", 60000);
	leave("no_worker_for_version");
	struct run run;
	enum cancel_outcome outcome;
	ck_assert_int_eq(
		run_cancel(redis, &name, NULL, &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_int_eq(outcome, CANCEL_ENDED);
	ck_assert_str_eq(run.status, "error");
	ck_assert_int_eq(count_of("ZCARD", KEY_DELAYED), 0);
	ck_assert_int_eq(count_of("ZCARD", KEY_LIVE), 0);
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* What is said late of a run that somebody has by now, or that is another one. */
START_TEST(test_a_late_word_changes_nothing)
{
	const struct decline late = { "no_worker_for_version", "nobody has it" };
	trigger_of("v1", 60000);
	const struct taken taken = leave(NULL);
	come_back();
	ck_assert_int_eq(run_decline(redis, &name, taken.run_id, &late, &error), ERROR_NONE);
	ck_assert_str_eq(read_run().reason, "");
	claim();
	ck_assert_int_eq(run_decline(redis, &name, taken.run_id, &late, &error), ERROR_NONE);
	ck_assert_str_eq(read_run().phase, "executing");
	ck_assert_str_eq(read_run().reason, "");

	const struct run_write release = { .kind = RUN_RELEASE };
	const struct lease lease = { "default", "acme", "site", "repo", "" };
	struct lease held = lease;
	text_copy(held.token, sizeof(held.token), read_run().lease);
	ck_assert_int_eq(run_write(redis, &held, &release, &error), ERROR_NONE);
	leave(NULL);
	ck_assert_int_eq(run_decline(redis, &name, "another", &late, &error), ERROR_NONE);
	ck_assert_str_eq(read_run().reason, "");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* The time counts from the moment at which it is known that nobody has it. */
START_TEST(test_a_declined_run_ends_at_its_deadline_and_says_what_it_waited_for)
{
	size_t count;
	trigger_of("v1", 60000);
	pass_deadline();
	leave("no_worker_for_version");
	ck_assert_int_gt(read_run().run_deadline, read_run().now + 30000);
	pass_deadline();
	while (strcmp(read_run().status, "running") == 0)
		ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_ptr_nonnull(strstr(read_run().error, "last state: nobody has it"));

	trigger_of("v1", 60000);
	leave("no_worker_for_version");
	come_back();
	pass_deadline();
	const struct taken taken = leave("no_worker_for_version");
	ck_assert_int_eq(taken.kind, TAKEN_ENDED);
	ck_assert_str_eq(taken.ended.status, "error");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* Thousands that came back each few seconds, for nothing, would take Redis from those that can
 * begin. */
START_TEST(test_the_more_are_declined_the_more_rarely_they_come_back)
{
	enum { MANY = 3000 };
	trigger_of("v1", 3600000);
	for (int i = 0; i < MANY; i++)
		STORE_TELL(redis, "ZADD", KEY_DELAYED, "9999999999999",
			arena_format(&arena, "default:app%d:site:repo", i));
	leave("no_worker_for_version");
	ck_assert_int_ge(read_run().due, read_run().queued_at + 4 * MANY);
	STORE_TELL(redis, "DEL", KEY_DELAYED);
	come_back();
	leave("no_worker_for_version");
	ck_assert_int_le(read_run().due - read_run().now, 5000);
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* Whoever has it may be busy for long, or be kept from it by a limit or a pause. */
START_TEST(test_where_a_worker_has_come_that_has_it_the_queue_may_be_long)
{
	size_t count;
	trigger_of("v1", 60000);
	leave("no_worker_for_version");
	come_back();
	pass_deadline();
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(read_run().status, "running");
	pass_deadline();
	claim();
	ck_assert_int_gt(read_run().run_deadline, read_run().now + 30000);
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

START_TEST(test_what_another_definition_made_is_not_given_back)
{
	struct trigger_result first = trigger_of("v1", 60000);
	const struct claim claimed = claim();
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &write, &error), ERROR_NONE);
	ck_assert_int_eq(trigger_of("v1", 60000).outcome, TRIGGER_REUSED);
	struct trigger_result second = trigger_of("v2", 60000);
	ck_assert_int_eq(second.outcome, TRIGGER_NEW);
	ck_assert_str_ne(second.run.id, first.run.id);
	/* A live one is never doubled, whoever asks. */
	ck_assert_int_eq(trigger_of("v1", 60000).outcome, TRIGGER_SAME);
}
END_TEST

/* It has been its turn already: the others of its app do not go before it once more. */
START_TEST(test_a_declined_run_comes_back_before_others_of_its_app)
{
	struct trigger_result result;
	const struct trigger other = { .name = { "default", "acme", "site", "project" },
		.input = "{}",
		.digest = "d1",
		.definition = "v1",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	trigger_of("v1", 60000);
	leave(NULL);
	ck_assert_int_eq(run_trigger(redis, &other, &arena, &result, &error), ERROR_NONE);
	come_back();
	ck_assert_str_eq(claim().run.name.step, "repo");
}
END_TEST

START_TEST(test_the_workflows_that_have_run_are_known)
{
	struct app_workflows had, of_two[2];
	const char *const apps[] = { "acm", "acme" };
	const char *const stray[] = { "HSET", KEY_APP_PREFIX "default:acme:steps", ":repo", "1",
		"no id:a", "1", "alone", "1", "older:repo", "1", "site:again", "1" };
	ck_assert_int_eq(app_workflows_list(redis, "default", &apps[1], 1, &arena, &had, &error),
		ERROR_NONE);
	ck_assert_uint_eq(had.count, 0);
	trigger_of("v1", 60000);
	ck_assert_int_eq(redis_tell(redis, ARRAY_LEN(stray), stray, &error), ERROR_NONE);
	ck_assert_int_eq(app_workflows_list(redis, "default", &apps[1], 1, &arena, &had, &error),
		ERROR_NONE);
	ck_assert_uint_eq(had.count, 2);
	ck_assert_str_eq(had.ids[0], "older");
	ck_assert_str_eq(had.ids[1], "site");
	ck_assert_int_eq(
		app_workflows_list(redis, "default", apps, 2, &arena, of_two, &error), ERROR_NONE);
	ck_assert_uint_eq(of_two[0].count, 0);
	ck_assert_uint_eq(of_two[1].count, 2);
}
END_TEST

START_TEST(test_the_steps_that_have_run_are_known)
{
	struct app_steps steps;
	const char *const stray[] = { "HSET", KEY_APP_PREFIX "default:acme:steps", "site:no id",
		"1", "site", "1", "site2:repo", "1", "site:again", "1" };
	ck_assert_int_eq(
		app_steps_list(redis, APP("acme"), "site", &arena, &steps, &error), ERROR_NONE);
	ck_assert_uint_eq(steps.count, 0);
	trigger_of("v1", 60000);
	ck_assert_int_gt(count_of("TTL", KEY_APP_PREFIX "default:acme:steps"), 3600);
	ck_assert_int_eq(redis_tell(redis, ARRAY_LEN(stray), stray, &error), ERROR_NONE);
	ck_assert_int_eq(
		app_steps_list(redis, APP("acme"), "site", &arena, &steps, &error), ERROR_NONE);
	ck_assert_uint_eq(steps.count, 2);
	ck_assert_str_eq(steps.names[0].step, "again");
	ck_assert_str_eq(steps.names[1].step, "repo");
	ck_assert_str_eq(steps.names[1].app, "acme");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

/* A step whose outputs are `id` and `fullName`, with this output, is needed by another one. */
static void need_one_with(const char *output)
{
	static const struct run_name project = { "default", "acme", "site", "project" };
	struct trigger_result result;
	struct trigger wanted = { .name = project,
		.input = "{}",
		.digest = "d",
		.outputs = " url ",
		.uses = "fullName ;",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600,
		.needs = "acme:site:repo" };
	struct trigger repo = { .name = name,
		.input = "{}",
		.digest = "d",
		.definition = "v1",
		.outputs = " id fullName ",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_int_eq(run_trigger(redis, &repo, &arena, &result, &error), ERROR_NONE);
	const struct claim claimed = claim();
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = output };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &write, &error), ERROR_NONE);

	wanted.uses = "name ;";
	ck_assert_int_eq(run_trigger(redis, &wanted, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEEDS_NOT_DONE);
	wanted.uses = "fullName id ;";
	ck_assert_int_eq(run_trigger(redis, &wanted, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

START_TEST(test_what_has_other_outputs_is_no_need_that_is_done)
{
	need_one_with("{}");
}
END_TEST

START_TEST(test_what_shows_other_outputs_is_no_need_that_is_done)
{
	need_one_with("{\"id\":\"r1\",\"fullName\":null}");
}
END_TEST

/* A name within an output is none of its own. */
START_TEST(test_what_has_other_outputs_within_its_own_is_no_need_that_is_done)
{
	need_one_with("{\"id\":{\"name\":\"r1\"},\"fullName\":null}");
}
END_TEST

START_TEST(test_workers_publish_what_they_have)
{
	const struct string_pair one[] = { { "site", "w1" }, { "site.repo", "v1" } };
	const struct string_pair two[] = { { "site.repo", "v2" } };
	const struct worker_heartbeat beat = { "a-1", "0.1.0", 4, 1, "2026-01-01T00:00:00.000Z",
		{ (const char *const[]){ "default acme site repo" }, 1 }, true };
	struct worker_rows rows;
	ck_assert_int_eq(worker_heartbeat(redis, &beat, &error), ERROR_NONE);
	ck_assert_int_eq(
		worker_publish(redis, "a-1", &(struct string_map){ one, 2 }, false, &error),
		ERROR_NONE);
	/* Only where there are none. */
	ck_assert_int_eq(worker_publish(redis, "a-1", &(struct string_map){ two, 1 }, true, &error),
		ERROR_NONE);

	ck_assert_int_eq(workers_read(redis, &arena, &rows, &error), ERROR_NONE);
	ck_assert_uint_eq(rows.count, 1);
	ck_assert_str_eq(rows.items[0].beat.name, "a-1");
	ck_assert(rows.items[0].beat.draining);
	ck_assert_str_eq(rows.items[0].beat.running.items[0], "default acme site repo");
	ck_assert_int_lt(rows.items[0].age_ms, WORKER_SILENT_MS);
	ck_assert_uint_eq(rows.items[0].definitions.count, 2);
	ck_assert_str_eq(rows.items[0].definitions.items[1].value, "v1");

	ck_assert_int_eq(worker_leave(redis, "a-1", &error), ERROR_NONE);
	ck_assert_int_eq(count_of("HLEN", KEY_DEFINITIONS), 0);
	ck_assert_int_eq(count_of("HLEN", KEY_WORKERS), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_declined_run_stays_queued_and_comes_back,
		test_the_same_again_is_no_change,
		test_where_a_worker_has_it_there_is_no_reason_and_the_wait_is_short,
		test_a_declined_run_can_be_cancelled, test_a_late_word_changes_nothing,
		test_a_declined_run_ends_at_its_deadline_and_says_what_it_waited_for,
		test_the_more_are_declined_the_more_rarely_they_come_back,
		test_where_a_worker_has_come_that_has_it_the_queue_may_be_long,
		test_what_another_definition_made_is_not_given_back,
		test_a_declined_run_comes_back_before_others_of_its_app,
		test_the_steps_that_have_run_are_known, test_the_workflows_that_have_run_are_known,
		test_what_has_other_outputs_is_no_need_that_is_done,
		test_what_shows_other_outputs_is_no_need_that_is_done,
		test_what_has_other_outputs_within_its_own_is_no_need_that_is_done,
		test_workers_publish_what_they_have, NULL };
	return store_suite_main("decline", tests, set_up, tear_down);
}
