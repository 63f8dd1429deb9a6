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

START_TEST(test_a_step_is_had_only_with_its_definition)
{
	char definition[DEFINITION_SIZE];
	const struct workflow_definition *site = workflow_find("site");
	const struct step_definition *repo = workflow_step(site, "repo");
	step_digest(site, repo, definition);
	struct queue_entry entry = {
		.id = "1-1", .name = { "acme", "site", "repo" }, .definition = definition
	};
	ck_assert_ptr_eq(entry_step(&entry), repo);
	entry.definition = "";
	ck_assert_ptr_eq(entry_step(&entry), repo);
	entry.definition = "0000000000000000";
	ck_assert_ptr_null(entry_step(&entry));
	entry.name.step = "gone";
	ck_assert_ptr_null(entry_step(&entry));
	entry.name.workflow = "gone";
	ck_assert_ptr_null(entry_step(&entry));
}
END_TEST

static struct queue_entry trigger_and_reserve(const struct run_name *name)
{
	struct trigger_result result;
	struct queue_entry entry;
	bool found = false;
	const struct trigger trigger = { .name = *name,
		.input = "{}",
		.digest = "d1",
		.definition = "0123456789abcdef",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	for (int tries = 0; tries < 3 && !found; tries++)
		ck_assert_int_eq(queue_reserve(redis, "tester", 50, &arena, &found, &entry, &error),
			ERROR_NONE);
	ck_assert(found);
	return entry;
}

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
	static const struct run_name names[] = { { "acme", "site", "repo" },
		{ "acme", "site", "gone" }, { "acme", "gone", "repo" } };
	static const char *const says[] = { "has definition", "has no such step",
		"has no such workflow" };
	struct worker_directory directory = { .read_at = 0 };
	publish("other-1", "another");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct queue_entry entry = trigger_and_reserve(&names[i]);
		decline_entry(redis, &directory, &entry, &arena);
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
	static const struct run_name name = { "acme", "site", "repo" };
	struct worker_directory directory = { .read_at = 0 };
	publish("other-1", "another");
	publish("other-2", "0123456789abcdef");
	const struct queue_entry entry = trigger_and_reserve(&name);
	decline_entry(redis, &directory, &entry, &arena);
	ck_assert_str_eq(read_run(&name).reason, "");
	ck_assert_str_eq(read_run(&name).phase, "queued");
	ck_assert_int_gt(read_run(&name).due, 0);
	arena_release(&directory.arena);
}
END_TEST

START_TEST(test_a_worker_tells_what_it_has_until_it_drains)
{
	struct heartbeat heartbeat;
	const struct lease lease = { "acme", "site", "repo", "token" };
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
	ck_assert_str_eq(rows.items[0].beat.running.items[0], "acme site repo");
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
