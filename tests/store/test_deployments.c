/*
 * Deployments as a state machine: start, retry, skip and stop, each script against a real
 * redis-server. The workflow of these tests has three steps, each of which needs the one before.
 *
 * covers: src/store/deployments.c src/store/shown.c src/store/scripts/start.lua
 * covers: src/store/scripts/place.lua src/store/scripts/stop.lua src/store/scripts/skip.lua
 * covers: src/store/scripts/dependants.lua src/store/scripts/deployment.lua
 * covers: src/store/scripts/history.lua src/store/scripts/uses.lua
 */
#include "store/deployments.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "store/keys.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/runs.h"
#include "store/shown.h"

#define STEPS 3

static struct redis *redis;
static struct arena arena;
static struct error error;
static const struct run_name acme = { "acme", "site", "" };

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

/* ---- what clients ask for ---- */

static const char *const ids[STEPS] = { "repo", "project", "env" };

struct wanted {
	const char *digests[STEPS]; /* NULL: d */
	const char *after, *id, *seen, *deployment;
	const char *gives, *uses; /* outputs of the first step, and those that the second uses */
	bool retry, keep;
};

static const char *wanted_digest(const struct wanted *wanted, size_t i)
{
	return wanted->digests[i] != NULL ? wanted->digests[i] : "d";
}

static void describe_steps(
	const char *app, const struct wanted *wanted, struct start_step steps[STEPS])
{
	for (size_t i = 0; i < STEPS; i++) {
		const char *needs = i > 0 ? arena_format(&arena, "%s:site:%s", app, ids[i - 1])
			: wanted->after != NULL ? wanted->after
						: "";
		steps[i] = (struct start_step){ .id = ids[i],
			.input = "{}",
			.digest = wanted_digest(wanted, i),
			.definition = wanted->gives != NULL && i == 0 ? wanted->gives : "v1",
			.outputs = wanted->gives != NULL && i == 0 ? wanted->gives : "",
			.uses = wanted->uses != NULL && i == 1 ? wanted->uses : "",
			.needs = needs,
			.keep = wanted->keep,
			.run_ms = 60000,
			.attempts = 3 };
	}
}

static struct start_result launch(const char *app, struct wanted wanted)
{
	struct start_step steps[STEPS];
	struct start_result result;
	const char *digest = arena_format(&arena, "%s%s%s%s", wanted_digest(&wanted, 0),
		wanted_digest(&wanted, 1), wanted_digest(&wanted, 2),
		wanted.after != NULL ? wanted.after : "");
	describe_steps(app, &wanted, steps);
	const struct start start = { .app = app,
		.workflow = "site",
		.deployment = wanted.deployment,
		.id = wanted.id,
		.digest = digest,
		.seen = wanted.seen,
		.definition = "w1",
		.inputs = "{}",
		.configured = "{}",
		.after = wanted.after,
		.retry = wanted.retry,
		.retention_seconds = 90000,
		.steps = steps,
		.step_count = STEPS };
	ck_assert_msg(deployment_start(redis, &start, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result;
}

static struct start_result start(struct wanted wanted)
{
	return launch("acme", wanted);
}

/* Of the inputs that stand there, unless the test has read others. */
static struct start_result retry(struct wanted wanted)
{
	wanted.retry = true;
	if (wanted.seen == NULL)
		wanted.seen = "ddd";
	return launch("acme", wanted);
}

static enum stop_outcome stop(const char *id)
{
	struct deployment deployment;
	enum stop_outcome outcome;
	ck_assert_msg(deployment_stop(redis, &acme, id, &arena, &outcome, &deployment, &error) ==
			ERROR_NONE,
		"%s", error.message);
	return outcome;
}

static enum error_class skip(const char *step)
{
	struct run run;
	const struct skip given = { .name = { "acme", "site", step },
		.output = "{\"by\":\"hand\"}",
		.gives = "hand",
		.needs = "",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	return run_skip(redis, &given, &arena, &run, &error);
}

/* ---- what stands there ---- */

static struct run read_run(const char *app, const char *step)
{
	const struct run_name name = { app, "site", step };
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static struct deployment deployment_of(const char *app)
{
	const struct run_name name = { app, "site", "" };
	struct deployment deployment;
	ck_assert_int_eq(deployment_read(redis, &name, &arena, &deployment, &error), ERROR_NONE);
	return deployment;
}

static const char *command(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_msg(redis_command(redis, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	const char *text = arena_string(&arena, reply_text(reply));
	reply_free(reply);
	return text;
}

static int64_t integer(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, count, words, &reply, &error), ERROR_NONE);
	int64_t value = reply_integer(reply);
	reply_free(reply);
	return value;
}

#define WORDS(...)                                                                                 \
	sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), (const char *const[]) \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static const char *key_of(const char *app, const char *step)
{
	const struct run_name name = { app, "site", step };
	char *key = arena_allocate(&arena, KEY_SIZE);
	ck_assert_ptr_nonnull(key);
	run_key_make(key, &name);
	return key;
}

static const char *field(const char *step, const char *name)
{
	return command(WORDS("HGET", key_of("acme", step), name));
}

static void assert_phase(const char *app, const char *step, const char *phase, const char *reason)
{
	struct run run = read_run(app, step);
	ck_assert_msg(strcmp(run.phase, phase) == 0 && strcmp(run.reason, reason) == 0,
		"%s %s is %s %s (%s), not %s (%s)", app, step, run.status, run.phase, run.reason,
		phase, reason);
}

static void assert_status(const char *app, const char *step, const char *status)
{
	struct run run = read_run(app, step);
	ck_assert_msg(strcmp(run.status, status) == 0, "%s %s is %s %s, not %s", app, step,
		run.status, run.phase, status);
}

static void assert_deployment(const char *app, const char *status)
{
	ck_assert_str_eq(deployment_of(app).status, status);
}

/* ---- what workers do ---- */

/* The next run on the queue, which must be this one. */
static struct lease take(const char *app, const char *step)
{
	struct queue_entry entry;
	struct claim claim;
	bool found = false;
	for (int tries = 0; tries < 3 && !found; tries++)
		ck_assert_int_eq(queue_reserve(redis, "tester", 50, &arena, &found, &entry, &error),
			ERROR_NONE);
	ck_assert_msg(found, "the queue is empty: no %s of %s", step, app);
	ck_assert_str_eq(entry.name.step, step);
	ck_assert_str_eq(entry.name.app, app);
	ck_assert_int_eq(run_claim(redis, &entry, &(struct claimant){ "tester", 60000 }, &arena,
				 &claim, &error),
		ERROR_NONE);
	ck_assert(claim.taken);
	claim_release(&claim);
	return claim.lease;
}

static void write_run(const struct lease *lease, struct run_write write)
{
	ck_assert_msg(run_write(redis, lease, &write, &error) == ERROR_NONE, "%s", error.message);
}

static void end(const struct lease *lease, const char *gives)
{
	write_run(lease,
		(struct run_write){ .kind = RUN_FINISH,
			.status = "done",
			.output = "{\"id\":1}",
			.gives = gives });
}

static void end_failed(const struct lease *lease)
{
	write_run(lease,
		(struct run_write){ .kind = RUN_FINISH,
			.status = "error",
			.output = "{}",
			.error = "{\"class\":\"internal\",\"message\":\"scripted\"}" });
}

static void finish_next(const char *step, const char *gives)
{
	struct lease lease = take("acme", step);
	end(&lease, gives);
}

static void fail_next(const char *step)
{
	struct lease lease = take("acme", step);
	end_failed(&lease);
}

static void finish_all(void)
{
	finish_next("repo", "r");
	finish_next("project", "p");
	finish_next("env", "e");
}

/* ---- start ---- */

START_TEST(test_a_start_queues_what_needs_nothing_and_each_end_releases_the_next)
{
	ck_assert_int_eq(start((struct wanted){ .keep = false }).outcome, START_NEW);
	assert_phase("acme", "repo", "queued", "");
	assert_phase("acme", "project", "blocked", "needs");
	assert_phase("acme", "env", "blocked", "needs");
	finish_next("repo", "r");
	assert_phase("acme", "project", "queued", "");
	assert_phase("acme", "env", "blocked", "needs");
	finish_next("project", "p");
	assert_deployment("acme", "running");
	finish_next("env", "e");
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_the_same_start_is_the_same_deployment_and_another_is_refused_with_what_differs)
{
	struct start_result first = start((struct wanted){ .keep = false });
	struct start_result again = start((struct wanted){ .keep = false });
	ck_assert_int_eq(again.outcome, START_SAME);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	struct start_result other = start((struct wanted){ .digests = { [1] = "other" } });
	ck_assert_int_eq(other.outcome, START_CONFLICT);
	ck_assert_uint_eq(other.differing_count, 1);
	ck_assert_str_eq(other.differing[0], "project");
}
END_TEST

START_TEST(test_a_start_id_is_known_after_the_deployment_was_retried)
{
	struct start_result first = start((struct wanted){ .id = "s1" });
	fail_next("repo");
	ck_assert_int_eq(retry((struct wanted){ .id = "r1" }).outcome, START_NEW);
	ck_assert_int_eq(retry((struct wanted){ .id = "r1" }).outcome, START_SAME);
	finish_all();
	struct start_result again = start((struct wanted){ .id = "s1" });
	ck_assert_int_eq(again.outcome, START_SAME);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	ck_assert_int_eq(retry((struct wanted){ .id = "r1" }).outcome, START_SAME);
}
END_TEST

START_TEST(test_a_deployment_that_is_being_cancelled_is_nobodys_same)
{
	start((struct wanted){ .keep = false });
	struct lease lease = take("acme", "repo");
	ck_assert_int_eq(stop(NULL), STOP_CANCELLING);
	ck_assert_int_eq(start((struct wanted){ .keep = false }).outcome, START_CONFLICT);
	struct start_result retried = retry((struct wanted){ .keep = false });
	ck_assert_int_eq(retried.outcome, START_BUSY);
	ck_assert_str_eq(retried.differing[0], "repo");
	end_failed(&lease);
	ck_assert_str_eq(deployment_of("acme").reason, "cancelled");
	ck_assert_int_eq(start((struct wanted){ .keep = false }).outcome, START_NEW);
}
END_TEST

START_TEST(test_who_comes_after_a_deployment_hears_of_it_at_once)
{
	launch("blog", (struct wanted){ .after = "acme:site:_deployment" });
	assert_phase("blog", "repo", "blocked", "needs");
	start((struct wanted){ .keep = false });
	stop(NULL);
	assert_phase("blog", "repo", "blocked", "need_failed");
	start((struct wanted){ .keep = false });
	assert_phase("blog", "repo", "blocked", "needs");
	finish_all();
	assert_phase("blog", "repo", "queued", "");
}
END_TEST

START_TEST(test_a_blocked_step_comes_after_what_the_next_start_says)
{
	launch("acme", (struct wanted){ .after = "blog:site:_deployment" });
	stop(NULL);
	start((struct wanted){ .keep = false });
	assert_phase("acme", "repo", "queued", "");
	fail_next("repo");
	/* What needs it stays as it is, and waits anew. */
	command(WORDS("HSET", key_of("acme", "project"), "run_deadline", "1"));
	retry((struct wanted){ .keep = false });
	ck_assert_int_gt(
		read_run("acme", "project").run_deadline, read_run("acme", "repo").queued_at);
}
END_TEST

/* ---- what fails ---- */

START_TEST(test_a_failure_holds_what_needs_it_and_a_retry_goes_on_with_all)
{
	struct start_result first = start((struct wanted){ .keep = false });
	fail_next("repo");
	assert_phase("acme", "project", "blocked", "need_failed");
	assert_phase("acme", "env", "blocked", "need_failed");
	assert_deployment("acme", "error");
	struct start_result again = retry((struct wanted){ .keep = false });
	ck_assert_int_eq(again.outcome, START_NEW);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	assert_phase("acme", "project", "blocked", "needs");
	assert_phase("acme", "env", "blocked", "needs");
	finish_all();
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_a_retry_runs_only_what_failed_and_what_was_made_from_something_else)
{
	start((struct wanted){ .keep = false });
	finish_next("repo", "r");
	finish_next("project", "p");
	const char *project = read_run("acme", "project").id;
	fail_next("env");
	retry((struct wanted){ .keep = false });
	ck_assert_str_eq(read_run("acme", "project").id, project);
	fail_next("env");
	/* Another input of the first: what it gives stays the same, so the second keeps its result.
	 */
	retry((struct wanted){ .digests = { "d2" } });
	finish_next("repo", "r");
	assert_status("acme", "project", "done");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	fail_next("env");
	retry((struct wanted){ .digests = { "d3" }, .seen = "d2dd" });
	finish_next("repo", "other");
	finish_next("project", "p");
	finish_next("env", "e");
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_of_two_retries_with_other_inputs_the_second_reads_what_the_first_wrote)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_int_eq(retry((struct wanted){ .digests = { "d2" } }).outcome, START_NEW);
	ck_assert_int_eq(
		retry((struct wanted){ .digests = { [1] = "d2" } }).outcome, START_CHANGED);
	ck_assert_int_eq(
		retry((struct wanted){ .digests = { "d2", "d2" }, .seen = "d2dd" }).outcome,
		START_NEW);
}
END_TEST

/* Somebody triggers the first step meanwhile, by an endpoint of a build that gives other outputs.
 */
static void replace_repo(const char *outputs)
{
	const struct trigger trigger = { .name = { "acme", "site", "repo" },
		.input = "{}",
		.digest = "d",
		.definition = outputs,
		.outputs = outputs,
		.uses = "",
		.force = true,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	struct trigger_result result;
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

START_TEST(test_what_another_build_made_without_what_is_used_is_no_need_that_is_done)
{
	const struct wanted wanted = { .gives = " url ", .uses = " url ;" };
	start(wanted);
	ck_assert_str_eq(command(WORDS("HGET", key_of("acme", "project"), "uses")), " url ;");
	fail_next("repo");
	replace_repo(" address ");
	finish_next("repo", "r");
	assert_phase("acme", "project", "blocked", "need_failed");
	ck_assert_ptr_nonnull(strstr(read_run("acme", "project").detail, "another build has made"));
	assert_deployment("acme", "error");
	retry(wanted);
	assert_phase("acme", "project", "blocked", "needs");
	finish_all();
	assert_deployment("acme", "done");

	replace_repo(" address ");
	finish_next("repo", "r");
	ck_assert_str_eq(command(WORDS("HGET", key_of("acme", "project"), "stale")), "1");
}
END_TEST

START_TEST(test_a_step_that_is_gone_holds_no_deployment_running)
{
	size_t count;
	start((struct wanted){ .keep = false });
	command(WORDS("DEL", key_of("acme", "repo")));
	/* Whoever waits for it looks by himself after a while. */
	command(WORDS("HSET", key_of("acme", "project"), "due", "1"));
	command(WORDS("ZADD", KEY_LIVE, "1", "acme:site:project"));
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	assert_phase("acme", "project", "blocked", "need_failed");
	ck_assert_ptr_nonnull(strstr(read_run("acme", "project").detail, "repo, which is gone"));
	assert_phase("acme", "env", "blocked", "need_failed");
	assert_deployment("acme", "error");
	retry((struct wanted){ .keep = false });
	assert_phase("acme", "env", "blocked", "needs");
	assert_deployment("acme", "running");
}
END_TEST

START_TEST(test_a_deployment_whose_last_live_step_is_gone_can_be_started_again)
{
	start((struct wanted){ .keep = false });
	finish_next("repo", "r");
	finish_next("project", "p");
	command(WORDS("DEL", key_of("acme", "env")));
	/* Nobody has told the deployment. */
	assert_deployment("acme", "running");
	ck_assert_int_eq(start((struct wanted){ .keep = false }).outcome, START_NEW);
	command(WORDS(
		"DEL", key_of("acme", "repo"), key_of("acme", "project"), key_of("acme", "env")));
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	assert_deployment("acme", "error");
}
END_TEST

/* ---- results that are kept ---- */

START_TEST(test_a_kept_result_of_what_was_removed_meanwhile_is_removed)
{
	start((struct wanted){ .keep = true });
	struct lease lease = take("acme", "repo");
	end(&lease, "r");
	lease = take("acme", "project");
	write_run(&lease,
		(struct run_write){
			.kind = RUN_PROGRESS, .ledger_field = "row", .ledger_value = "{}" });
	end(&lease, "p");
	finish_next("env", "e");
	/* The first runs again, the others wait for it and keep their results. */
	start((struct wanted){ .digests = { "d2" }, .keep = true });
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	assert_deployment("acme", "done");
	/* Somebody takes away what the second has made. */
	start((struct wanted){ .digests = { "d3" }, .keep = true });
	lease = take("acme", "repo");
	write_run(&lease, (struct run_write){ .kind = RUN_PROGRESS, .ledger_field = "row" });
	end(&lease, "r");
	assert_phase("acme", "project", "queued", "");
	finish_next("project", "p");
	ck_assert_str_eq(read_run("acme", "env").reason, "reused");
}
END_TEST

START_TEST(test_what_was_removed_after_its_result_was_kept_is_marked)
{
	start((struct wanted){ .keep = true });
	finish_next("repo", "r");
	struct lease lease = take("acme", "project");
	write_run(&lease,
		(struct run_write){
			.kind = RUN_PROGRESS, .ledger_field = "row", .ledger_value = "{}" });
	end(&lease, "p");
	finish_next("env", "e");
	start((struct wanted){ .digests = { "d2" }, .keep = true });
	finish_next("repo", "r");
	launch("acme", (struct wanted){ .digests = { "d3" }, .keep = true });
	lease = take("acme", "repo");
	end(&lease, "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	start((struct wanted){ .digests = { "d3", NULL, "d4" }, .keep = true });
	lease = take("acme", "env");
	write_run(&lease, (struct run_write){ .kind = RUN_PROGRESS, .ledger_field = "row" });
	ck_assert_str_ne(field("project", "removed"), "");
	end(&lease, "e");
}
END_TEST

START_TEST(test_a_cancel_loses_no_result_that_waits_to_be_kept)
{
	start((struct wanted){ .keep = true });
	finish_all();
	start((struct wanted){ .digests = { "d2" }, .keep = true });
	assert_phase("acme", "project", "blocked", "needs");
	ck_assert_int_eq(stop(NULL), STOP_CANCELLED);
	assert_status("acme", "project", "error");
	start((struct wanted){ .digests = { "d2" }, .keep = true });
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	ck_assert_str_eq(read_run("acme", "env").reason, "reused");
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_what_a_deployment_keeps_lives_as_long_as_it)
{
	start((struct wanted){ .keep = true });
	finish_all();
	int64_t version = read_run("acme", "env").version;
	for (size_t i = 0; i < STEPS; i++)
		command(WORDS("EXPIRE", key_of("acme", ids[i]), "10"));
	struct start_result again = start((struct wanted){ .keep = true });
	assert_deployment("acme", "done");
	for (size_t i = 0; i < STEPS; i++)
		ck_assert_int_gt(integer(WORDS("TTL", key_of("acme", ids[i]))), 80000);
	ck_assert_str_eq(read_run("acme", "env").deployment, again.deployment.id);
	ck_assert_int_gt(read_run("acme", "env").version, version);
}
END_TEST

START_TEST(test_no_key_stays_for_ever_when_all_results_are_kept)
{
	start((struct wanted){ .keep = true });
	finish_all();
	command(WORDS("DEL", "slipway:{0}:app:default:acme:events"));
	start((struct wanted){ .keep = true });
	assert_deployment("acme", "done");
	ck_assert_int_gt(integer(WORDS("TTL", "slipway:{0}:app:default:acme:events")), 0);
}
END_TEST

START_TEST(test_a_result_of_an_output_that_changed_meanwhile_is_stale)
{
	start((struct wanted){ .keep = false });
	finish_next("repo", "r");
	struct lease lease = take("acme", "project");
	ck_assert_int_eq(skip("repo"), ERROR_RUN_CONFLICT);
	/* Somebody triggers the first one alone while the second uses what it gave. */
	struct trigger_result triggered;
	const struct trigger trigger = { .name = { "acme", "site", "repo" },
		.input = "{}",
		.digest = "d2",
		.force = true,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &triggered, &error), ERROR_NONE);
	finish_next("repo", "other");
	end(&lease, "p");
	ck_assert_str_eq(field("project", "stale"), "1");
}
END_TEST

/* ---- skip ---- */

START_TEST(test_a_result_by_hand_releases_what_needs_it_and_a_retry_leaves_it)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_int_eq(skip("repo"), ERROR_NONE);
	assert_phase("acme", "project", "queued", "");
	assert_deployment("acme", "running");
	fail_next("project");
	ck_assert_int_eq(skip("repo"), ERROR_RUN_CONFLICT);
	retry((struct wanted){ .keep = false });
	ck_assert_str_eq(read_run("acme", "repo").reason, "given");
	struct lease lease = take("acme", "project");
	ck_assert_int_eq(skip("project"), ERROR_RUN_CONFLICT);
	end(&lease, "p");
	finish_next("env", "e");
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_a_result_by_hand_for_a_blocked_step_is_not_stale_when_its_need_is_done)
{
	start((struct wanted){ .keep = false });
	ck_assert_int_eq(skip("env"), ERROR_NONE);
	finish_next("repo", "r");
	finish_next("project", "p");
	assert_deployment("acme", "done");
	ck_assert_str_eq(field("env", "output"), "{\"by\":\"hand\"}");
	ck_assert_str_eq(field("env", "stale"), "");
}
END_TEST

/* ---- stop ---- */

START_TEST(test_a_stop_ends_what_has_not_begun_at_once_and_the_rest_with_its_worker)
{
	struct start_result started = start((struct wanted){ .keep = false });
	ck_assert_int_eq(stop("none-such"), STOP_OTHER);
	finish_next("repo", "r");
	struct lease lease = take("acme", "project");
	ck_assert_int_eq(stop(started.deployment.id), STOP_CANCELLING);
	assert_status("acme", "env", "error");
	assert_deployment("acme", "running");
	ck_assert_str_ne(deployment_of("acme").cancel, "");
	write_run(&lease, (struct run_write){ .kind = RUN_RELEASE });
	assert_status("acme", "project", "error");
	assert_deployment("acme", "error");
	ck_assert_str_eq(deployment_of("acme").reason, "cancelled");
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	/* Who goes on later with a step alone is not being cancelled. */
	ck_assert_int_eq(skip("project"), ERROR_NONE);
	ck_assert_str_eq(deployment_of("acme").cancel, "");
}
END_TEST

START_TEST(test_a_stop_settles_what_it_releases_in_other_apps)
{
	launch("blog", (struct wanted){ .keep = false });
	command(WORDS("HSET", key_of("blog", "repo"), "needs", "acme:site:env", "phase", "blocked",
		"reason", "needs"));
	start((struct wanted){ .keep = false });
	ck_assert_int_eq(stop(NULL), STOP_CANCELLED);
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	assert_deployment("blog", "running");
}
END_TEST

/* ---- what people are shown ---- */

START_TEST(test_a_status_of_all_steps_has_the_deployment)
{
	struct shown shown = { .count = STEPS, .with_deployment = true };
	for (size_t i = 0; i < STEPS; i++)
		shown.names[i] = (struct run_name){ "acme", "site", ids[i] };
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_str_eq(shown.deployment.id, "");
	struct start_result started = start((struct wanted){ .keep = false });
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_str_eq(shown.deployment.id, started.deployment.id);
	ck_assert_str_eq(shown.deployment.status, "running");
	ck_assert_str_eq(shown.runs[1].phase, "blocked");
}
END_TEST

static int64_t entries(const char *list)
{
	char key[64];

	text_format(key, sizeof(key), "slipway:{0}:app:default:acme:%s", list);
	return integer(WORDS("XLEN", key));
}

START_TEST(test_each_end_is_in_the_history_and_a_deployment_only_while_it_has_ended)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_int_eq(entries("deployments"), 1);
	retry((struct wanted){ .keep = false });
	ck_assert_int_eq(entries("deployments"), 0);
	finish_all();
	ck_assert_int_eq(entries("history"), 4);
	ck_assert_int_eq(entries("deployments"), 1);
	start((struct wanted){ .keep = false });
	finish_all();
	ck_assert_int_eq(entries("deployments"), 2);
	ck_assert_int_gt(integer(WORDS("TTL", "slipway:{0}:app:default:acme:history")), 0);
	ck_assert_int_gt(integer(WORDS("TTL", "slipway:{0}:app:default:acme:deployments")), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_start_queues_what_needs_nothing_and_each_end_releases_the_next,
		test_the_same_start_is_the_same_deployment_and_another_is_refused_with_what_differs,
		test_a_start_id_is_known_after_the_deployment_was_retried,
		test_a_deployment_that_is_being_cancelled_is_nobodys_same,
		test_who_comes_after_a_deployment_hears_of_it_at_once,
		test_a_blocked_step_comes_after_what_the_next_start_says,
		test_a_failure_holds_what_needs_it_and_a_retry_goes_on_with_all,
		test_a_retry_runs_only_what_failed_and_what_was_made_from_something_else,
		test_of_two_retries_with_other_inputs_the_second_reads_what_the_first_wrote,
		test_what_another_build_made_without_what_is_used_is_no_need_that_is_done,
		test_a_step_that_is_gone_holds_no_deployment_running,
		test_a_deployment_whose_last_live_step_is_gone_can_be_started_again,
		test_a_kept_result_of_what_was_removed_meanwhile_is_removed,
		test_what_was_removed_after_its_result_was_kept_is_marked,
		test_a_cancel_loses_no_result_that_waits_to_be_kept,
		test_what_a_deployment_keeps_lives_as_long_as_it,
		test_no_key_stays_for_ever_when_all_results_are_kept,
		test_a_result_of_an_output_that_changed_meanwhile_is_stale,
		test_a_result_by_hand_releases_what_needs_it_and_a_retry_leaves_it,
		test_a_result_by_hand_for_a_blocked_step_is_not_stale_when_its_need_is_done,
		test_a_stop_ends_what_has_not_begun_at_once_and_the_rest_with_its_worker,
		test_a_stop_settles_what_it_releases_in_other_apps,
		test_a_status_of_all_steps_has_the_deployment,
		test_each_end_is_in_the_history_and_a_deployment_only_while_it_has_ended,
		NULL,
	};
	return store_suite_main("deployments", tests, set_up, tear_down);
}
