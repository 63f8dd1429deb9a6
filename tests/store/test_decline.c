/*
 * Runs that a worker of another build leaves to one that has their definition, and what builds that
 * no longer have a workflow find of it.
 *
 * covers: src/store/scripts/decline.lua src/store/scripts/entry.lua src/store/app_steps.c
 */
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "store/app_steps.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/verify.h"
#include "store/workers.h"

static struct redis *redis;
static struct arena arena;
static struct error error;
static const struct run_name name = { "acme", "site", "repo" };

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

static struct queue_entry reserve(void)
{
	struct queue_entry entry;
	bool found = false;
	for (int tries = 0; tries < 3 && !found; tries++)
		ck_assert_int_eq(queue_reserve(redis, "tester", 50, &arena, &found, &entry, &error),
			ERROR_NONE);
	ck_assert_msg(found, "the queue is empty");
	return entry;
}

static struct run decline(const struct queue_entry *entry, const char *reason)
{
	struct run ended;
	const struct decline declined = { reason, reason != NULL ? "nobody has it" : "w has it" };
	ck_assert_msg(run_decline(redis, entry, &declined, &arena, &ended, &error) == ERROR_NONE,
		"%s", error.message);
	return ended;
}

static bool claim(const struct queue_entry *entry, struct claim *ret_claim)
{
	ck_assert_msg(run_claim(redis, entry, &(struct claimant){ "worker-1", 30000 }, &arena,
			      ret_claim, &error) == ERROR_NONE,
		"%s", error.message);
	claim_release(ret_claim);
	return ret_claim->taken;
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
	const char *const words[] = { "ZADD", index, "0", "acme:site:repo" };
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
}

/* As if its time had come: by the hash and by the index. */
static void come_back(void)
{
	const char *const words[] = { "HSET", KEY_APP_PREFIX "acme:site:repo", "due", "1" };
	size_t count;
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
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
	struct queue_entry entry = reserve();
	ck_assert_str_eq(entry.definition, "v1");
	ck_assert_str_eq(decline(&entry, "no_worker_for_version").id, "");

	struct run run = read_run();
	ck_assert_str_eq(run.status, "running");
	ck_assert_str_eq(run.phase, "queued");
	ck_assert_str_eq(run.reason, "no_worker_for_version");
	ck_assert_str_eq(run.detail, "nobody has it");
	ck_assert_str_eq(run.entry, "");
	ck_assert_int_eq(run.due - run.now > 900 && run.due - run.now <= 1000, 1);
	ck_assert_int_eq(count_of("XLEN", KEY_QUEUE), 0);
	ck_assert_int_eq(count_of("XLEN", KEY_DEAD), 0);
	ck_assert_int_eq(count_of("ZCARD", KEY_DELAYED), 1);
	ck_assert_uint_eq(faults(), 0);

	come_back();
	struct claim claimed;
	entry = reserve();
	ck_assert_str_eq(entry.definition, "v1");
	ck_assert(claim(&entry, &claimed));
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
	struct queue_entry entry = reserve();
	decline(&entry, "no_worker_for_version");
	int64_t version = read_run().version,
		events = count_of("XLEN", KEY_APP_PREFIX "acme:events");
	for (int i = 0; i < 7; i++) {
		come_back();
		entry = reserve();
		decline(&entry, "no_worker_for_version");
	}

	struct run run = read_run();
	ck_assert_int_eq(run.version, version);
	ck_assert_int_eq(count_of("XLEN", KEY_APP_PREFIX "acme:events"), events);
	ck_assert_int_gt(run.due - run.now, 4000);
	ck_assert_int_le(run.due - run.now, 5000);
}
END_TEST

START_TEST(test_where_a_worker_has_it_there_is_no_reason_and_the_wait_is_short)
{
	trigger_of("v1", 60000);
	for (int i = 0; i < 4; i++) {
		struct queue_entry entry = reserve();
		decline(&entry, i < 3 ? "no_worker_for_version" : NULL);
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
	struct queue_entry entry = reserve();
	decline(&entry, "no_worker_for_version");
	struct run run;
	bool accepted;
	ck_assert_int_eq(run_cancel(redis, &name, &arena, &accepted, &run, &error), ERROR_NONE);
	ck_assert(accepted);
	ck_assert_str_eq(run.status, "error");
	ck_assert_int_eq(count_of("ZCARD", KEY_DELAYED), 0);
	ck_assert_int_eq(count_of("ZCARD", KEY_LIVE), 0);
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

START_TEST(test_a_stale_entry_changes_nothing)
{
	trigger_of("v1", 60000);
	struct queue_entry entry = reserve();
	struct claim claimed;
	ck_assert(claim(&entry, &claimed));
	decline(&entry, "no_worker_for_version");
	ck_assert_str_eq(read_run().phase, "executing");

	const struct queue_entry other = {
		.id = "1-1", .name = name, .run_id = entry.run_id, .definition = "v1"
	};
	decline(&other, "no_worker_for_version");
	ck_assert_str_eq(read_run().phase, "executing");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

START_TEST(test_a_declined_run_ends_at_its_deadline_and_says_what_it_waited_for)
{
	trigger_of("v1", 300);
	struct queue_entry entry = reserve();
	decline(&entry, "no_worker_for_version");
	size_t count;
	while (strcmp(read_run().status, "running") == 0)
		ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_ptr_nonnull(strstr(read_run().error, "last state: nobody has it"));

	trigger_of("v1", 20);
	entry = reserve();
	while (read_run().now <= read_run().run_deadline) {}
	ck_assert_str_eq(decline(&entry, "no_worker_for_version").status, "error");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

START_TEST(test_what_another_definition_made_is_not_given_back)
{
	struct trigger_result first = trigger_of("v1", 60000);
	struct queue_entry entry = reserve();
	struct claim claimed;
	ck_assert(claim(&entry, &claimed));
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

START_TEST(test_the_list_of_due_runs_has_the_definition)
{
	trigger_of("v1", 60000);
	struct queue_entry entry = reserve(), due;
	bool found;
	decline(&entry, NULL);
	come_back();
	ck_assert_int_eq(queue_take_due(redis, &arena, &found, &due, &error), ERROR_NONE);
	ck_assert(found);
	ck_assert_str_eq(due.definition, "v1");
	ck_assert_str_eq(due.name.step, "repo");
	struct claim claimed;
	ck_assert(claim(&due, &claimed));
}
END_TEST

START_TEST(test_the_steps_that_have_run_are_known)
{
	struct app_steps steps;
	const char *const stray[] = { "HSET", KEY_APP_PREFIX "acme:steps", "site:no id", "1",
		"site", "1", "site2:repo", "1", "site:again", "1" };
	ck_assert_int_eq(app_steps_list(redis, "acme", "site", &arena, &steps, &error), ERROR_NONE);
	ck_assert_uint_eq(steps.count, 0);
	trigger_of("v1", 60000);
	ck_assert_int_gt(count_of("TTL", KEY_APP_PREFIX "acme:steps"), 3600);
	ck_assert_int_eq(redis_tell(redis, ARRAY_LEN(stray), stray, &error), ERROR_NONE);
	ck_assert_int_eq(app_steps_list(redis, "acme", "site", &arena, &steps, &error), ERROR_NONE);
	ck_assert_uint_eq(steps.count, 2);
	ck_assert_str_eq(steps.names[0].step, "again");
	ck_assert_str_eq(steps.names[1].step, "repo");
	ck_assert_str_eq(steps.names[1].app, "acme");
	ck_assert_uint_eq(faults(), 0);
}
END_TEST

START_TEST(test_what_has_other_outputs_is_no_need_that_is_done)
{
	static const struct run_name project = { "acme", "site", "project" };
	struct trigger_result result;
	struct trigger wanted = { .name = project,
		.input = "{}",
		.digest = "d",
		.outputs = " url ",
		.uses = "fullName ;",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600,
		.needs = { "repo" },
		.need_count = 1 };
	struct trigger repo = { .name = name,
		.input = "{}",
		.digest = "d",
		.definition = "v1",
		.outputs = " id fullName ",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_int_eq(run_trigger(redis, &repo, &arena, &result, &error), ERROR_NONE);
	struct queue_entry entry = reserve();
	struct claim claimed;
	ck_assert(claim(&entry, &claimed));
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &write, &error), ERROR_NONE);

	wanted.uses = "name ;";
	ck_assert_int_eq(run_trigger(redis, &wanted, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEEDS_NOT_DONE);
	wanted.uses = "fullName id ;";
	ck_assert_int_eq(run_trigger(redis, &wanted, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}
END_TEST

START_TEST(test_workers_publish_what_they_have)
{
	const struct string_pair one[] = { { "site", "w1" }, { "site.repo", "v1" } };
	const struct string_pair two[] = { { "site.repo", "v2" } };
	const struct worker_heartbeat beat = { "a-1", "0.1.0", 4, 1, "2026-01-01T00:00:00.000Z",
		{ (const char *const[]){ "acme site repo" }, 1 } };
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
	ck_assert_str_eq(rows.items[0].beat.running.items[0], "acme site repo");
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
		test_a_declined_run_can_be_cancelled, test_a_stale_entry_changes_nothing,
		test_a_declined_run_ends_at_its_deadline_and_says_what_it_waited_for,
		test_what_another_definition_made_is_not_given_back,
		test_the_list_of_due_runs_has_the_definition,
		test_the_steps_that_have_run_are_known,
		test_what_has_other_outputs_is_no_need_that_is_done,
		test_workers_publish_what_they_have, NULL };
	return store_suite_main("decline", tests, set_up, tear_down);
}
