/*
 * Deployments as a state machine: start, retry, skip and stop, each script against a real
 * redis-server. The workflow of these tests has three steps, each of which needs the one before.
 *
 * covers: src/store/deployments.c src/store/shown.c src/store/scripts/start.lua
 * covers: src/store/scripts/place.lua src/store/scripts/stop.lua src/store/scripts/skip.lua
 * covers: src/store/scripts/dependants.lua src/store/scripts/deployment.lua
 * covers: src/store/scripts/history.lua src/store/scripts/uses.lua
 * covers: src/store/scripts/results.lua src/store/scripts/earlier_result.lua
 * covers: src/store/scripts/stopping.lua src/store/scripts/new_run.lua
 * covers: src/store/scripts/obstacles.lua src/store/scripts/untouched.lua
 * covers: src/store/scripts/requests.lua src/store/scripts/known.lua
 */
#include "store/apps.h"
#include "store/deployments.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/keys.h"
#include "store/reaper.h"
#include "store/runs.h"
#include "store/shown.h"

#define STEPS 3

static struct redis *redis;
static struct arena arena;
static struct error error;
static const struct run_name acme = { "default", "acme", "site", "" };

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
	const char *redefined;    /* the definition of the second step; NULL: v1 */
	bool retry, keep, force;
	size_t count;     /* only the first steps, as another build has them; 0: all */
	const char *also; /* what the last step needs besides */
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
		if (wanted->also != NULL && i == STEPS - 1)
			needs = arena_format(&arena, "%s %s", needs, wanted->also);
		steps[i] = (struct start_step){ .id = ids[i],
			.input = "{}",
			.digest = wanted_digest(wanted, i),
			.definition = wanted->gives != NULL && i == 0 ? wanted->gives
				: wanted->redefined != NULL && i == 1 ? wanted->redefined
								      : "v1",
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
	const struct start start = { .name = { "default", app, "site", "" },
		.deployment = wanted.deployment,
		.id = wanted.id,
		.digest = digest,
		.seen = wanted.seen,
		.definition = "w1",
		.inputs = "{}",
		.configured = "{}",
		.after = wanted.after,
		.retry = wanted.retry,
		.force = wanted.force,
		.retention_seconds = 90000,
		.steps = steps,
		.step_count = wanted.count > 0 ? wanted.count : STEPS };
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

/* The digest is of the input that the step would have now. */
static enum error_class give(const char *step, const char *digest)
{
	struct run run;
	const struct skip given = { .name = { "default", "acme", "site", step },
		.output = "{\"by\":\"hand\"}",
		.gives = "hand",
		.definition = "v1",
		.outputs = "",
		.digest = digest,
		.needs = strcmp(step, "project") == 0 ? "acme:site:repo" : "",
		.uses = "",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	return run_skip(redis, &given, &arena, &run, &error);
}

static enum error_class skip(const char *step)
{
	return give(step, SKIP_ANY_INPUT);
}

/* ---- what stands there ---- */

static struct run read_run(const char *app, const char *step)
{
	const struct run_name name = { "default", app, "site", step };
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static struct deployment deployment_of(const char *app)
{
	const struct run_name name = { "default", app, "site", "" };
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
	const struct run_name name = { "default", app, "site", step };
	char *key = arena_allocate(&arena, KEY_SIZE);
	ck_assert_ptr_nonnull(key);
	run_key_make(key, &name);
	return key;
}

static int64_t entries(const char *list)
{
	char key[64];

	text_format(key, sizeof(key), "slipway:{0}:app:default:acme:%s", list);
	return integer(WORDS("XLEN", key));
}

static int64_t ended_runs(void)
{
	struct app_facts facts;

	ck_assert_int_eq(app_read(redis, APP("acme"), &facts, &error), ERROR_NONE);
	return facts.ended_runs;
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
	const struct claim claim = take_next(redis, 60000, &arena);
	ck_assert_str_eq(claim.run.name.step, step);
	ck_assert_str_eq(claim.run.name.app, app);
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

static struct start_result find_request(const char *id, bool is_retry)
{
	struct start_result result;
	ck_assert_msg(deployment_find_request(
			      redis, &acme, id, is_retry, &arena, &result, &error) == ERROR_NONE,
		"%s", error.message);
	return result;
}

/* Two clients that replace what the other has started, and both send it again. */
START_TEST(test_a_start_that_is_sent_again_does_not_replace_what_replaced_it)
{
	struct start_result first = start((struct wanted){ .id = "a1" });
	stop(NULL);
	struct start_result second = start((struct wanted){ .id = "b1", .digests = { "d2" } });
	struct start_result again = start((struct wanted){ .id = "a1" });
	ck_assert_int_eq(again.outcome, START_SAME);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	ck_assert_str_eq(again.deployment.status, "error");
	ck_assert_str_eq(again.deployment.reason, "cancelled");
	ck_assert_str_eq(find_request("a1", false).deployment.id, first.deployment.id);
	ck_assert_str_eq(find_request("b1", false).deployment.id, second.deployment.id);
	ck_assert_int_eq(find_request("a1", true).outcome, START_NONE);
	ck_assert_str_eq(deployment_of("acme").id, second.deployment.id);
	assert_deployment("acme", "running");
}
END_TEST

START_TEST(test_who_joins_a_deployment_is_known_when_it_has_ended)
{
	struct start_result first = start((struct wanted){ .id = "a1" });
	ck_assert_int_eq(start((struct wanted){ .id = "b1" }).outcome, START_SAME);
	finish_all();
	struct start_result again = start((struct wanted){ .id = "b1" });
	ck_assert_int_eq(again.outcome, START_SAME);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	ck_assert_int_eq(start((struct wanted){ .id = "c1" }).outcome, START_NEW);
}
END_TEST

START_TEST(test_two_clients_that_retry_and_send_it_again_are_both_known)
{
	struct start_result first = start((struct wanted){ .keep = false });
	fail_next("repo");
	retry((struct wanted){ .id = "r1" });
	fail_next("repo");
	retry((struct wanted){ .id = "r2" });
	fail_next("repo");
	ck_assert_int_eq(retry((struct wanted){ .id = "r1" }).outcome, START_SAME);
	ck_assert_int_eq(retry((struct wanted){ .id = "r2" }).outcome, START_SAME);
	assert_deployment("acme", "error");
	start((struct wanted){ .keep = false });
	/* Also where the one that was meant is no longer the last one. */
	struct start_result again =
		retry((struct wanted){ .id = "r1", .deployment = first.deployment.id });
	ck_assert_int_eq(again.outcome, START_SAME);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	ck_assert_str_eq(again.deployment.status, "error");
}
END_TEST

START_TEST(test_of_a_deployment_that_the_list_has_forgotten_only_the_id_is_known)
{
	struct start_result first = start((struct wanted){ .id = "a1" });
	finish_all();
	struct start_result second = start((struct wanted){ .id = "b1" });
	command(WORDS("DEL", "slipway:{0}:app:default:acme:deployments"));
	struct start_result again = start((struct wanted){ .id = "a1" });
	ck_assert_int_eq(again.outcome, START_FORGOTTEN);
	ck_assert_uint_eq(again.differing_count, 1);
	ck_assert_str_eq(again.differing[0], first.deployment.id);
	ck_assert_str_eq(again.deployment.id, second.deployment.id);
}
END_TEST

START_TEST(test_the_last_eight_requests_are_known)
{
	for (int i = 0; i < 9; i++) {
		const char *id = arena_format(&arena, "s%d", i);
		ck_assert_int_eq(start((struct wanted){ .id = id }).outcome, START_NEW);
		stop(NULL);
	}
	ck_assert_int_eq(find_request("s0", false).outcome, START_NONE);
	for (int i = 1; i < 9; i++)
		ck_assert_int_eq(
			find_request(arena_format(&arena, "s%d", i), false).outcome, START_SAME);
	ck_assert_int_lt(
		(int)strlen(command(WORDS("HGET", key_of("acme", DEPLOYMENT_STEP_ID), "starts"))),
		8 * 128);
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

/* ---- another build has other steps ---- */

START_TEST(test_a_step_that_the_next_build_has_no_longer_ends_with_the_start)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_int_eq(start((struct wanted){ .count = 2 }).outcome, START_NEW);
	assert_status("acme", "env", "error");
	ck_assert_ptr_nonnull(strstr(read_run("acme", "env").error, "no longer has this"));
	assert_phase("acme", "project", "blocked", "needs");
	finish_next("repo", "r");
	finish_next("project", "p");
	assert_status("acme", "env", "error");
	assert_deployment("acme", "done");
}
END_TEST

START_TEST(test_a_step_that_executes_is_asked_to_end_where_a_retry_has_it_no_longer)
{
	start((struct wanted){ .keep = false });
	finish_next("repo", "r");
	finish_next("project", "p");
	struct lease lease = take("acme", "env");
	ck_assert_int_eq(retry((struct wanted){ .count = 2 }).outcome, START_SAME);
	ck_assert_str_ne(field("env", "cancel"), "");
	assert_deployment("acme", "done");
	end_failed(&lease);
	assert_deployment("acme", "done");
}
END_TEST

/* What somebody runs by itself is nobody's to end. */
START_TEST(test_a_step_of_nobody_goes_on_where_the_next_build_has_it_no_longer)
{
	start((struct wanted){ .keep = false });
	finish_all();
	const struct trigger trigger = { .name = { "default", "acme", "site", "env" },
		.input = "{}",
		.digest = "alone",
		.definition = "v1",
		.outputs = "",
		.uses = "",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	struct trigger_result result;
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	ck_assert_int_eq(start((struct wanted){ .count = 2 }).outcome, START_NEW);
	assert_phase("acme", "env", "queued", "");
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

START_TEST(test_a_retry_of_what_is_done_changes_nothing_while_all_of_it_stands)
{
	start((struct wanted){ .after = "blog:site:_deployment" });
	launch("blog", (struct wanted){ .keep = false });
	for (size_t i = 0; i < STEPS; i++) {
		struct lease lease = take("blog", ids[i]);
		end(&lease, "b");
	}
	finish_all();
	int64_t version = deployment_of("acme").version;
	const struct wanted same = { .after = "blog:site:_deployment",
		.seen = "dddblog:site:_deployment" };
	ck_assert_int_eq(retry(same).outcome, START_SAME);
	/* What it came after may run again. */
	launch("blog", (struct wanted){ .keep = false });
	ck_assert_int_eq(retry(same).outcome, START_SAME);
	ck_assert_int_eq(deployment_of("acme").version, version);
	ck_assert_int_eq(entries("deployments"), 1);
}
END_TEST

START_TEST(test_a_retry_of_what_is_done_runs_again_what_is_stale_and_what_was_removed)
{
	struct start_result first = start((struct wanted){ .keep = false });
	finish_all();
	const char *repo = read_run("acme", "repo").id, *env = read_run("acme", "env").id;
	command(WORDS("HSET", key_of("acme", "repo"), "gives", "other"));
	struct start_result again = retry((struct wanted){ .keep = false });
	ck_assert_int_eq(again.outcome, START_NEW);
	ck_assert_str_eq(again.deployment.id, first.deployment.id);
	assert_phase("acme", "project", "queued", "");
	ck_assert_str_eq(read_run("acme", "repo").id, repo);
	finish_next("project", "p");
	assert_status("acme", "env", "done");
	assert_deployment("acme", "done");

	command(WORDS("HSET", key_of("acme", "env"), "removed", "1"));
	ck_assert_int_eq(retry((struct wanted){ .keep = false }).outcome, START_NEW);
	assert_phase("acme", "env", "queued", "");
	ck_assert_str_ne(read_run("acme", "env").id, env);
	finish_next("env", "e");
	assert_deployment("acme", "done");
	ck_assert_int_eq(retry((struct wanted){ .keep = false }).outcome, START_SAME);
	ck_assert_int_eq(entries("deployments"), 1);
}
END_TEST

/* Somebody triggers the last step of a deployment that is done, and it fails. */
START_TEST(test_a_retry_of_what_is_done_runs_again_what_has_failed_since)
{
	start((struct wanted){ .keep = false });
	finish_all();
	command(WORDS("HSET", key_of("acme", "env"), "status", "error"));
	ck_assert_int_eq(retry((struct wanted){ .keep = false }).outcome, START_NEW);
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
	const struct trigger trigger = { .name = { "default", "acme", "site", "repo" },
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
	assert_told_truly(redis, &result.run, &arena);
}

START_TEST(test_what_another_build_made_without_what_is_used_is_no_need_that_is_done)
{
	const struct wanted wanted = { .gives = " url ", .uses = " url ;" };
	start(wanted);
	ck_assert_str_eq(command(WORDS("HGET", key_of("acme", "project"), "uses")), " url ;");
	fail_next("repo");
	replace_repo(" address ");
	ck_assert_str_ne(read_run("acme", "repo").deployment, "");
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

/* Nobody waits for what ends only when somebody retries another app. */
START_TEST(test_a_failure_of_another_app_ends_the_deployment_until_that_is_retried)
{
	launch("blog", (struct wanted){ .keep = false });
	struct lease lease = take("blog", "repo");
	start((struct wanted){ .also = "blog:site:env" });
	finish_next("repo", "r");
	finish_next("project", "p");
	assert_deployment("acme", "running");
	end_failed(&lease);
	assert_phase("acme", "env", "blocked", "need_failed");
	assert_deployment("acme", "error");
	ck_assert_int_eq(entries("deployments"), 1);

	launch("blog", (struct wanted){ .retry = true, .seen = "ddd" });
	assert_phase("acme", "env", "blocked", "needs");
	assert_deployment("acme", "running");
	ck_assert_int_eq(entries("deployments"), 0);
	lease = take("blog", "repo");
	end(&lease, "r");
	lease = take("blog", "project");
	end(&lease, "p");
	lease = take("blog", "env");
	end(&lease, "e");
	finish_next("env", "e");
	assert_deployment("acme", "done");
}
END_TEST

/* The third app comes after the second, which needs a step of the first. */
START_TEST(test_a_failure_goes_on_to_the_apps_that_come_after)
{
	launch("blog", (struct wanted){ .keep = false });
	struct lease lease = take("blog", "repo");
	start((struct wanted){ .after = "blog:site:_deployment" });
	launch("wiki", (struct wanted){ .after = "acme:site:_deployment" });
	end_failed(&lease);
	assert_phase("wiki", "repo", "blocked", "need_failed");
	assert_deployment("acme", "error");
	assert_deployment("wiki", "error");
	launch("blog", (struct wanted){ .retry = true, .seen = "ddd" });
	assert_phase("wiki", "repo", "blocked", "needs");
	assert_deployment("wiki", "running");
}
END_TEST

START_TEST(test_a_step_that_is_gone_holds_no_deployment_running)
{
	size_t count;
	start((struct wanted){ .keep = false });
	command(WORDS("DEL", key_of("acme", "repo")));
	/* Whoever waits for it looks by himself after a while. */
	command(WORDS("HSET", key_of("acme", "project"), "due", "1"));
	command(WORDS("ZADD", KEY_LIVE, "1", "default:acme:site:project"));
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

/* A deployment whose first step has failed, and whose second waits to keep its result. */
static void hold_a_result(void)
{
	start((struct wanted){ .keep = false });
	finish_next("repo", "r");
	finish_next("project", "p");
	fail_next("env");
	retry((struct wanted){ .digests = { "d2" } });
	fail_next("repo");
	assert_phase("acme", "project", "blocked", "need_failed");
}

START_TEST(test_a_result_that_waits_to_be_kept_is_kept_by_a_retry)
{
	hold_a_result();
	retry((struct wanted){ .digests = { "d2" }, .seen = "d2dd" });
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
}
END_TEST

START_TEST(test_a_result_that_waits_to_be_kept_is_not_kept_by_another_definition)
{
	hold_a_result();
	retry((struct wanted){ .digests = { "d2" }, .seen = "d2dd", .redefined = "v2" });
	finish_next("repo", "r");
	assert_phase("acme", "project", "queued", "");
	ck_assert_str_eq(field("project", "definition"), "v2");
}
END_TEST

START_TEST(test_a_result_that_waits_to_be_kept_is_not_kept_by_a_start_that_looks_again)
{
	hold_a_result();
	start((struct wanted){ .digests = { "d2" } });
	finish_next("repo", "r");
	assert_phase("acme", "project", "queued", "");
}
END_TEST

START_TEST(test_a_result_that_waits_to_be_kept_is_not_kept_by_a_start_that_forces)
{
	hold_a_result();
	start((struct wanted){ .digests = { "d2" }, .keep = true, .force = true });
	finish_next("repo", "r");
	assert_phase("acme", "project", "queued", "");
}
END_TEST

START_TEST(test_what_a_deployment_keeps_lives_as_long_as_it)
{
	start((struct wanted){ .keep = true });
	finish_all();
	int64_t version = read_run("acme", "env").version;
	for (size_t i = 0; i < STEPS; i++)
		command(WORDS("EXPIRE", key_of("acme", ids[i]), "100"));
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
	const struct trigger trigger = { .name = { "default", "acme", "site", "repo" },
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

START_TEST(test_a_result_by_hand_before_the_first_start_holds_until_its_input_changes)
{
	ck_assert_int_eq(give("repo", "d"), ERROR_NONE);
	ck_assert_int_eq(give("repo", "d"), ERROR_RUN_CONFLICT);
	start((struct wanted){ .keep = true });
	ck_assert_str_eq(read_run("acme", "repo").reason, "given");
	finish_next("project", "p");
	finish_next("env", "e");
	assert_deployment("acme", "done");
	start((struct wanted){ .keep = true });
	ck_assert_str_eq(read_run("acme", "repo").reason, "given");
	start((struct wanted){ .digests = { "d2" }, .keep = true });
	assert_phase("acme", "repo", "queued", "");
}
END_TEST

START_TEST(test_a_result_by_hand_of_an_unknown_input_holds_for_the_first_one)
{
	ck_assert_int_eq(give("repo", SKIP_ANY_INPUT), ERROR_NONE);
	start((struct wanted){ .digests = { "d7" }, .keep = true });
	ck_assert_str_eq(read_run("acme", "repo").reason, "given");
	ck_assert_str_eq(field("repo", "digest"), "d7");
	finish_next("project", "p");
	finish_next("env", "e");
	start((struct wanted){ .digests = { "d7" }, .keep = true });
	ck_assert_str_eq(read_run("acme", "repo").reason, "given");
	start((struct wanted){ .digests = { "d8" }, .keep = true });
	assert_phase("acme", "repo", "queued", "");
}
END_TEST

START_TEST(test_a_result_by_hand_does_not_hold_against_force_or_another_definition)
{
	ck_assert_int_eq(give("repo", "d"), ERROR_NONE);
	start((struct wanted){ .keep = true, .force = true });
	assert_phase("acme", "repo", "queued", "");
	stop(NULL);
	ck_assert_int_eq(skip("repo"), ERROR_NONE);
	start((struct wanted){ .keep = true, .gives = "v2" });
	assert_phase("acme", "repo", "queued", "");
}
END_TEST

START_TEST(test_a_result_by_hand_holds_until_what_it_was_made_from_changes)
{
	/* Nobody knows yet what the first step gives: it is for what that gives first. */
	for (int known = 0; known < 2; known++) {
		command(WORDS("FLUSHALL"));
		ck_assert_int_eq(give("project", known ? "d" : SKIP_ANY_INPUT), ERROR_NONE);
		start((struct wanted){ .keep = true });
		finish_next("repo", "r");
		ck_assert_str_eq(field("project", "output"), "{\"by\":\"hand\"}");
		finish_next("env", "e");
		assert_deployment("acme", "done");
		ck_assert_str_eq(field("project", "stale"), "");
		/* The same again. */
		start((struct wanted){ .digests = { "d2" }, .keep = true });
		finish_next("repo", "r");
		assert_status("acme", "project", "done");
		/* Another one. */
		start((struct wanted){ .digests = { "d3" }, .keep = true });
		finish_next("repo", "other");
		assert_phase("acme", "project", "queued", "");
	}
}
END_TEST

START_TEST(test_a_result_by_hand_is_stale_when_another_run_of_its_need_gives_something_else)
{
	ck_assert_int_eq(give("project", "d"), ERROR_NONE);
	replace_repo(" url ");
	finish_next("repo", "r");
	ck_assert_str_eq(field("project", "stale"), "");
	replace_repo(" url ");
	finish_next("repo", "other");
	ck_assert_str_eq(field("project", "stale"), "1");
}
END_TEST

static enum trigger_outcome trigger_repo(const char *digest)
{
	const struct trigger trigger = { .name = { "default", "acme", "site", "repo" },
		.input = "{}",
		.digest = digest,
		.definition = "v1",
		.outputs = "",
		.uses = "",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	struct trigger_result result;
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	return result.outcome;
}

START_TEST(test_a_result_by_hand_is_that_of_the_first_trigger)
{
	ck_assert_int_eq(skip("repo"), ERROR_NONE);
	int64_t version = read_run("acme", "repo").version;
	ck_assert_int_eq(trigger_repo("d1"), TRIGGER_REUSED);
	ck_assert_int_gt(read_run("acme", "repo").version, version);
	ck_assert_int_eq(trigger_repo("d1"), TRIGGER_REUSED);
	ck_assert_int_eq(trigger_repo("d2"), TRIGGER_NEW);
}
END_TEST

/* Somebody triggers the second step, which may wait for the first. */
static enum trigger_outcome ask_for_project(bool force)
{
	const struct trigger trigger = { .name = { "default", "acme", "site", "project" },
		.input = "{}",
		.digest = "d",
		.definition = "v1",
		.outputs = "",
		.uses = "",
		.needs = "acme:site:repo",
		.force = force,
		.hold_ms = 60000,
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 90000 };
	struct trigger_result result;
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	return result.outcome;
}

static void trigger_project(bool force)
{
	ck_assert_int_eq(ask_for_project(force), TRIGGER_NEW);
	assert_phase("acme", "project", "blocked", "needs");
}

START_TEST(test_a_result_by_hand_is_kept_by_a_trigger_that_waits)
{
	ck_assert_int_eq(give("project", "d"), ERROR_NONE);
	trigger_project(false);
	ck_assert_int_eq(trigger_repo("d"), TRIGGER_NEW);
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	ck_assert_str_eq(field("project", "output"), "{\"by\":\"hand\"}");
}
END_TEST

START_TEST(test_a_trigger_that_waits_keeps_the_result_of_the_same)
{
	static const char *const given[] = { "r", "other", "r" };
	for (size_t i = 0; i < 3; i++) {
		bool force = i == 2;
		command(WORDS("FLUSHALL"));
		start((struct wanted){ .keep = false });
		finish_all();
		replace_repo("");
		trigger_project(force);
		finish_next("repo", given[i]);
		assert_status("acme", "project", i == 0 ? "done" : "running");
	}
}
END_TEST

/* A cancel of what has not begun undoes nothing, whoever asks next. */
START_TEST(test_a_trigger_keeps_the_result_that_a_cancelled_one_waited_for)
{
	static const char *const given[] = { "r", "other" };
	const struct run_name project = { "default", "acme", "site", "project" };
	enum cancel_outcome outcome;
	struct run run;
	for (size_t i = 0; i < 2; i++) {
		command(WORDS("FLUSHALL"));
		start((struct wanted){ .keep = false });
		finish_all();
		const char *first = read_run("acme", "project").id;
		replace_repo("");
		trigger_project(false);
		ck_assert_int_eq(run_cancel(redis, &project, NULL, &arena, &outcome, &run, &error),
			ERROR_NONE);
		ck_assert_int_eq(outcome, CANCEL_ENDED);
		trigger_project(false);
		ck_assert_int_eq(run_cancel(redis, &project, NULL, &arena, &outcome, &run, &error),
			ERROR_NONE);
		finish_next("repo", given[i]);
		ck_assert_int_eq(ask_for_project(false), i == 0 ? TRIGGER_REUSED : TRIGGER_NEW);
		run = read_run("acme", "project");
		ck_assert_str_eq(run.status, i == 0 ? "done" : "running");
		ck_assert_str_eq(run.output, i == 0 ? "{\"id\":1}" : "");
		if (i == 0)
			ck_assert_str_eq(field("project", "kept_run"), first);
		ck_assert_int_eq(ask_for_project(false), i == 0 ? TRIGGER_REUSED : TRIGGER_SAME);
	}
}
END_TEST

/* ---- what a deployment comes after is an order, not what its steps are made from ---- */

static void finish_other(const char *app)
{
	for (size_t i = 0; i < STEPS; i++) {
		struct lease lease = take(app, ids[i]);
		end(&lease, ids[i]);
	}
}

START_TEST(test_what_is_done_stays_done_while_what_it_comes_after_runs_again)
{
	const struct wanted wanted = { .after = "blog:site:_deployment",
		.seen = "dddblog:site:_deployment" };
	launch("blog", (struct wanted){ .keep = false });
	finish_other("blog");
	start(wanted);
	finish_next("repo", "r");
	fail_next("project");
	launch("blog", (struct wanted){ .keep = false });
	retry(wanted);
	assert_status("acme", "repo", "done");
	assert_phase("acme", "project", "queued", "");
	struct lease lease = take("blog", "repo");
	end_failed(&lease);
	finish_next("project", "p");
	finish_next("env", "e");
	assert_deployment("acme", "done");
	/* Nor does a start that keeps results wait, where all of them are there. */
	struct wanted keeping = wanted;
	keeping.keep = true;
	ck_assert_int_eq(start(keeping).outcome, START_NEW);
	assert_deployment("acme", "done");
	/* What runs has to come after. */
	start(wanted);
	assert_phase("acme", "repo", "blocked", "need_failed");
}
END_TEST

START_TEST(test_a_result_that_waits_to_be_kept_waits_for_no_deployment)
{
	launch("wiki", (struct wanted){ .keep = false });
	finish_other("wiki");
	start((struct wanted){ .also = "wiki:site:_deployment" });
	finish_all();
	launch("wiki", (struct wanted){ .keep = false });
	struct lease lease = take("wiki", "repo");
	retry((struct wanted){ .digests = { "d2" }, .also = "wiki:site:_deployment" });
	assert_phase("acme", "env", "blocked", "needs");
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "project").reason, "reused");
	ck_assert_str_eq(read_run("acme", "env").reason, "reused");
	end_failed(&lease);
	/* A run that was cancelled while it waited has kept it, too. */
	retry((struct wanted){
		.digests = { "d3" }, .seen = "d2dd", .also = "wiki:site:_deployment" });
	ck_assert_int_eq(stop(NULL), STOP_CANCELLED);
	assert_status("acme", "env", "error");
	retry((struct wanted){
		.digests = { "d3" }, .seen = "d3dd", .also = "wiki:site:_deployment" });
	finish_next("repo", "r");
	ck_assert_str_eq(read_run("acme", "env").reason, "reused");
	assert_deployment("acme", "done");
	/* What is to be made of something else comes after. */
	retry((struct wanted){
		.digests = { "d4" }, .seen = "d3dd", .also = "wiki:site:_deployment" });
	finish_next("repo", "r2");
	finish_next("project", "p2");
	assert_phase("acme", "env", "blocked", "need_failed");
}
END_TEST

START_TEST(test_a_result_is_stale_also_while_what_it_comes_after_runs_again)
{
	const struct wanted wanted = { .also = "blog:site:repo wiki:site:_deployment" };
	launch("wiki", (struct wanted){ .keep = false });
	finish_other("wiki");
	launch("blog", (struct wanted){ .keep = false });
	finish_other("blog");
	start(wanted);
	finish_all();
	launch("wiki", (struct wanted){ .keep = false });
	struct lease lease = take("wiki", "repo");
	end_failed(&lease);
	launch("blog", (struct wanted){ .keep = false });
	lease = take("blog", "repo");
	ck_assert_int_eq(read_run("acme", "env").stale, 0);
	end(&lease, "another");
	ck_assert_int_eq(read_run("acme", "env").stale, 1);
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

/* A field of the last entry in the list of deployments that have ended; "" where it has none. */
static const char *listed(const char *name)
{
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis,
				 WORDS("XREVRANGE", "slipway:{0}:app:default:acme:deployments", "+",
					 "-", "COUNT", "1"),
				 &reply, &error),
		ERROR_NONE);
	const struct redisReply *fields = reply_item(reply_item(reply, 0), 1);
	const char *value = "";
	for (size_t i = 0; i + 1 < reply_count(fields); i += 2)
		if (strcmp(reply_text(reply_item(fields, i)), name) == 0)
			value = arena_string(&arena, reply_text(reply_item(fields, i + 1)));
	reply_free(reply);
	return value;
}

START_TEST(test_a_stop_of_what_has_ended_in_error_is_in_the_list)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_str_eq(listed("status"), "error");
	ck_assert_str_eq(listed("reason"), "");
	command(WORDS("EXPIRE", key_of("acme", "_deployment"), "100"));
	ck_assert_int_eq(stop(NULL), STOP_CANCELLED);
	ck_assert_str_eq(deployment_of("acme").reason, "cancelled");
	ck_assert_str_eq(listed("reason"), "cancelled");
	ck_assert_str_eq(listed("version"),
		command(WORDS("HGET", key_of("acme", "_deployment"), "version")));
	ck_assert_int_eq(entries("deployments"), 1);
	ck_assert_int_gt(integer(WORDS("TTL", key_of("acme", "_deployment"))), 80000);
	/* There is nothing left to end. */
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	retry((struct wanted){ .keep = false });
	ck_assert_int_eq(entries("deployments"), 0);
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

/* A hand has deleted the deployment, and its steps would wait for ever. */
START_TEST(test_a_stop_ends_the_steps_of_a_deployment_that_is_gone)
{
	start((struct wanted){ .after = "blog:site:_deployment" });
	command(WORDS("DEL", key_of("acme", "_deployment")));
	ck_assert_int_eq(stop("another"), STOP_OTHER);
	assert_phase("acme", "repo", "blocked", "needs");
	ck_assert_int_eq(stop(NULL), STOP_CANCELLED);
	for (size_t i = 0; i < STEPS; i++)
		assert_status("acme", ids[i], "error");
	ck_assert_str_eq(deployment_of("acme").id, "");
	ck_assert_int_eq(integer(WORDS("EXISTS", key_of("acme", "_deployment"))), 0);
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	/* What somebody triggered by itself is part of none. */
	ck_assert_int_eq(trigger_repo("d2"), TRIGGER_NEW);
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
	assert_phase("acme", "repo", "queued", "");
	/* One that executes is asked to end. */
	start((struct wanted){ .digests = { "d2" } });
	struct lease lease = take("acme", "repo");
	command(WORDS("DEL", key_of("acme", "_deployment")));
	ck_assert_int_eq(stop(NULL), STOP_CANCELLING);
	end_failed(&lease);
	ck_assert_int_eq(stop(NULL), STOP_NOTHING);
}
END_TEST

/* ---- what people are shown ---- */

START_TEST(test_a_status_of_all_steps_has_the_deployment)
{
	struct run_name names[STEPS];
	struct shown shown = { .names = names, .count = STEPS, .with_deployment = true };
	for (size_t i = 0; i < STEPS; i++)
		names[i] = (struct run_name){ "default", "acme", "site", ids[i] };
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_str_eq(shown.deployment.id, "");
	struct start_result started = start((struct wanted){ .keep = false });
	ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	ck_assert_str_eq(shown.deployment.id, started.deployment.id);
	ck_assert_str_eq(shown.deployment.status, "running");
	ck_assert_str_eq(shown.runs[1].phase, "blocked");
}
END_TEST

START_TEST(test_each_end_is_in_the_history_and_a_deployment_only_while_it_has_ended)
{
	start((struct wanted){ .keep = false });
	fail_next("repo");
	ck_assert_int_eq(entries("deployments"), 1);
	retry((struct wanted){ .keep = false });
	ck_assert_int_eq(entries("deployments"), 0);
	finish_all();
	ck_assert_int_eq(ended_runs(), 4);
	ck_assert_int_eq(entries("deployments"), 1);
	start((struct wanted){ .keep = false });
	finish_all();
	ck_assert_int_eq(ended_runs(), 7);
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
		test_a_start_that_is_sent_again_does_not_replace_what_replaced_it,
		test_who_joins_a_deployment_is_known_when_it_has_ended,
		test_two_clients_that_retry_and_send_it_again_are_both_known,
		test_of_a_deployment_that_the_list_has_forgotten_only_the_id_is_known,
		test_the_last_eight_requests_are_known,
		test_a_deployment_that_is_being_cancelled_is_nobodys_same,
		test_who_comes_after_a_deployment_hears_of_it_at_once,
		test_a_blocked_step_comes_after_what_the_next_start_says,
		test_a_step_that_the_next_build_has_no_longer_ends_with_the_start,
		test_a_step_that_executes_is_asked_to_end_where_a_retry_has_it_no_longer,
		test_a_step_of_nobody_goes_on_where_the_next_build_has_it_no_longer,
		test_a_failure_holds_what_needs_it_and_a_retry_goes_on_with_all,
		test_a_retry_runs_only_what_failed_and_what_was_made_from_something_else,
		test_a_retry_of_what_is_done_changes_nothing_while_all_of_it_stands,
		test_a_retry_of_what_is_done_runs_again_what_is_stale_and_what_was_removed,
		test_a_retry_of_what_is_done_runs_again_what_has_failed_since,
		test_of_two_retries_with_other_inputs_the_second_reads_what_the_first_wrote,
		test_what_another_build_made_without_what_is_used_is_no_need_that_is_done,
		test_a_failure_of_another_app_ends_the_deployment_until_that_is_retried,
		test_a_failure_goes_on_to_the_apps_that_come_after,
		test_a_step_that_is_gone_holds_no_deployment_running,
		test_a_deployment_whose_last_live_step_is_gone_can_be_started_again,
		test_a_kept_result_of_what_was_removed_meanwhile_is_removed,
		test_what_was_removed_after_its_result_was_kept_is_marked,
		test_a_cancel_loses_no_result_that_waits_to_be_kept,
		test_a_result_that_waits_to_be_kept_is_kept_by_a_retry,
		test_a_result_that_waits_to_be_kept_is_not_kept_by_another_definition,
		test_a_result_that_waits_to_be_kept_is_not_kept_by_a_start_that_looks_again,
		test_a_result_that_waits_to_be_kept_is_not_kept_by_a_start_that_forces,
		test_what_a_deployment_keeps_lives_as_long_as_it,
		test_no_key_stays_for_ever_when_all_results_are_kept,
		test_a_result_of_an_output_that_changed_meanwhile_is_stale,
		test_a_result_by_hand_releases_what_needs_it_and_a_retry_leaves_it,
		test_a_result_by_hand_for_a_blocked_step_is_not_stale_when_its_need_is_done,
		test_a_result_by_hand_before_the_first_start_holds_until_its_input_changes,
		test_a_result_by_hand_of_an_unknown_input_holds_for_the_first_one,
		test_a_result_by_hand_does_not_hold_against_force_or_another_definition,
		test_a_result_by_hand_holds_until_what_it_was_made_from_changes,
		test_a_result_by_hand_is_stale_when_another_run_of_its_need_gives_something_else,
		test_a_result_by_hand_is_that_of_the_first_trigger,
		test_a_result_by_hand_is_kept_by_a_trigger_that_waits,
		test_a_trigger_that_waits_keeps_the_result_of_the_same,
		test_a_trigger_keeps_the_result_that_a_cancelled_one_waited_for,
		test_what_is_done_stays_done_while_what_it_comes_after_runs_again,
		test_a_result_that_waits_to_be_kept_waits_for_no_deployment,
		test_a_result_is_stale_also_while_what_it_comes_after_runs_again,
		test_a_stop_ends_what_has_not_begun_at_once_and_the_rest_with_its_worker,
		test_a_stop_of_what_has_ended_in_error_is_in_the_list,
		test_a_stop_settles_what_it_releases_in_other_apps,
		test_a_stop_ends_the_steps_of_a_deployment_that_is_gone,
		test_a_status_of_all_steps_has_the_deployment,
		test_each_end_is_in_the_history_and_a_deployment_only_while_it_has_ended,
		NULL,
	};
	return store_suite_main("deployments", tests, set_up, tear_down);
}
