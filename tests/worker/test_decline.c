/*
 * What a worker does with a run of another build, and what it tells others of its own.
 *
 * covers: src/worker/decline.c src/worker/heartbeat.c
 */
#include "worker/decline.h"

#include <string.h>

#include "core/digest.h"
#include "core/workflow.h"
#include "harness/store.h"
#include "harness/take.h"
#include "worker/heartbeat.h"

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

static struct taken trigger_and_take(const struct run_name *name, const char *definition)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = *name,
		.input = "{}",
		.digest = "d1",
		.definition = definition,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	const struct take take = {
		.worker = "w", .lease_ms = 30000, .definitions = queue_definitions(&arena)
	};
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	ck_assert_ptr_nonnull(take.definitions);
	return take_as(redis, &take, &arena);
}

static struct taken trigger_and_leave(const struct run_name *name)
{
	const struct taken taken = trigger_and_take(name, "0123456789abcdef");
	ck_assert_int_eq(taken.kind, TAKEN_OTHER_BUILD);
	return taken;
}

START_TEST(test_a_step_is_had_only_with_its_definition)
{
	static const struct run_name name = { "default", "acme", "site", "repo" },
				     gone = { "default", "a", "site", "gone" },
				     none = { "default", "b", "gone", "repo" };
	char definition[DEFINITION_SIZE];
	const struct workflow_definition *site = workflow_find("site");
	struct taken taken;
	step_digest(site, workflow_step(site, "repo"), definition);
	taken = trigger_and_take(&name, definition);
	ck_assert_int_eq(taken.kind, TAKEN_RUN);
	claim_release(&taken.claim);
	ck_assert_ptr_eq(step_of(&name), workflow_step(site, "repo"));
	ck_assert_int_eq(trigger_and_take(&gone, definition).kind, TAKEN_OTHER_BUILD);
	ck_assert_int_eq(trigger_and_take(&none, definition).kind, TAKEN_OTHER_BUILD);
	ck_assert_ptr_null(step_of(&gone));
	ck_assert_ptr_null(step_of(&none));
}
END_TEST

static struct run read_run(const struct run_name *name)
{
	struct run run;
	ck_assert_int_eq(run_read(redis, name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static void publish(const char *worker, const char *digest)
{
	const struct worker_heartbeat beat = { .name = worker, .version = "0.9.9" };
	const struct string_pair has[] = { { "site.repo", digest } };
	ck_assert_int_eq(worker_heartbeat(redis, &beat, &error), ERROR_NONE);
	ck_assert_int_eq(
		worker_publish(redis, worker, &(struct string_map){ has, 1 }, false, &error),
		ERROR_NONE);
}

START_TEST(test_the_status_says_what_is_missing)
{
	static const struct run_name names[] = { { "default", "acme", "site", "repo" },
		{ "default", "acme", "site", "gone" }, { "default", "acme", "gone", "repo" } };
	static const char *const says[] = { "has definition", "has no such step",
		"has no such workflow" };
	struct worker_directory directory = { .read_at = 0 };
	publish("other-1", "another");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct taken taken = trigger_and_leave(&names[i]);
		decline_taken(redis, &directory, &taken, &arena);
		const struct run run = read_run(&names[i]);
		ck_assert_str_eq(run.reason, "no_worker_for_version");
		ck_assert_ptr_nonnull(
			strstr(run.detail, "definition 0123456789abcdef of the step"));
		ck_assert_ptr_nonnull(strstr(run.detail, says[i]));
		ck_assert_ptr_nonnull(strstr(run.detail, "Start a worker"));
	}

	arena_release(&directory.arena);
}
END_TEST

START_TEST(test_there_is_no_reason_where_a_living_worker_has_it)
{
	static const struct run_name name = { "default", "acme", "site", "repo" };
	struct worker_directory directory = { .read_at = 0 };
	publish("other-1", "another");
	publish("other-2", "0123456789abcdef");
	const struct taken taken = trigger_and_leave(&name);
	decline_taken(redis, &directory, &taken, &arena);
	ck_assert_str_eq(read_run(&name).reason, "");
	ck_assert_str_eq(read_run(&name).phase, "queued");
	ck_assert_int_gt(read_run(&name).due, 0);
	arena_release(&directory.arena);
}
END_TEST

START_TEST(test_a_worker_tells_what_it_has_until_it_drains)
{
	struct heartbeat heartbeat;
	const struct lease lease = { "default", "acme", "site", "repo", "token" };
	const struct lease *const running[] = { &lease };
	struct heartbeat_state state = { 4, running, 1, false };
	struct worker_rows rows;
	char digest[DEFINITION_SIZE];
	heartbeat_init(&heartbeat, "w-1");
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(heartbeat_send(redis, &heartbeat, &state, &error), ERROR_NONE);

	ck_assert_int_eq(workers_read(redis, &arena, &rows, &error), ERROR_NONE);
	ck_assert_uint_eq(rows.count, 1);
	ck_assert_uint_eq(rows.items[0].beat.busy, 1);
	ck_assert_str_eq(rows.items[0].beat.running.items[0], "default acme site repo");
	workflow_digest(workflow_find("site"), digest);
	ck_assert_str_eq(definitions_find(&rows.items[0].definitions, "site", NULL), digest);
	ck_assert_ptr_nonnull(definitions_find(&rows.items[0].definitions, "site", "plan"));

	state.draining = true;
	ck_assert_int_eq(heartbeat_send(redis, &heartbeat, &state, &error), ERROR_NONE);
	ck_assert_int_eq(workers_read(redis, &arena, &rows, &error), ERROR_NONE);
	ck_assert_uint_eq(rows.items[0].definitions.count, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_step_is_had_only_with_its_definition,
		test_the_status_says_what_is_missing,
		test_there_is_no_reason_where_a_living_worker_has_it,
		test_a_worker_tells_what_it_has_until_it_drains, NULL };
	return store_suite_main("decline", tests, set_up, tear_down);
}
