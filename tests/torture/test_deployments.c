/*
 * What is asked of deployments, while memory and connections fail at each place in turn: an error
 * with a class, a deployment that is there as a whole or not at all, and the next call works.
 *
 * covers: src/store/deployments.c src/store/shown.c
 */
#include "store/deployments.h"

#include "store/shown.h"
#include "torture/state.h"

static const struct run_name repo = { "default", "acme", "site", "repo" },
			     project = { "default", "acme", "site", "project" };

enum seed { SEED_NONE, SEED_STARTED, SEED_FAILED };

static const struct deployment_case {
	const char *name;
	enum seed seed;
	enum error_class (*call)(void);
	void (*good)(const char *what); /* after a call that went well */
} * tried;

static bool warm; /* the connection stands and knows the scripts before the fault */
static struct redis *redis;
static struct arena arena, kept;
static struct error error;
static enum error_class class_now;
static long live_before;
static int64_t version_before;

/* ---- what is asked ---- */

static struct start_result started;

/* Two steps, of which the second needs the first. */
static enum error_class start_by(struct redis *by, bool retry, struct arena *own)
{
	const struct start_step steps[] = {
		{ "repo", "{}", "d1", "v1", "", "", "", false, 600000, 3 },
		{ "project", "{}", "d2", "v1", "", "", "acme:site:repo", false, 600000, 3 },
	};
	const struct start start = { .name = { "default", "acme", "site", "" },
		.seen = retry ? "all" : NULL,
		.digest = "all",
		.definition = "w1",
		.inputs = "{}",
		.configured = "{}",
		.retry = retry,
		.retention_seconds = 90000,
		.steps = steps,
		.step_count = 2 };
	return deployment_start(by, &start, own, &started, &error);
}

static struct run run_of(const struct run_name *name)
{
	struct run run;
	struct error failed;
	ck_assert_int_eq(run_read(observer, name, &arena, &run, &failed), ERROR_NONE);
	return run;
}

static enum error_class call_start(void)
{
	return start_by(redis, false, &arena);
}

static enum error_class call_retry(void)
{
	return start_by(redis, true, &arena);
}

static void good_start(const char *what)
{
	ck_assert_msg(strcmp(started.deployment.status, "running") == 0, "%s: it is %s", what,
		started.deployment.status);
	ck_assert_msg(strcmp(run_of(&repo).phase, "queued") == 0, "%s: not queued", what);
	ck_assert_msg(strcmp(run_of(&project).reason, "needs") == 0, "%s: not blocked", what);
	ck_assert_str_eq(run_of(&project).deployment, started.deployment.id);
}

static enum stop_outcome stopped;
static struct deployment deployment_now;

static enum error_class call_stop(void)
{
	return deployment_stop(redis, &repo, NULL, &arena, &stopped, &deployment_now, &error);
}

static void good_stop(const char *what)
{
	ck_assert_msg(
		stopped == STOP_CANCELLED || stopped == STOP_NOTHING, "%s: %d", what, (int)stopped);
	ck_assert_str_eq(deployment_now.status, "error");
	ck_assert_str_eq(deployment_now.reason, "cancelled");
	ck_assert_msg(!run_is_live(&(struct run){ .status = run_of(&project).status }), "%s", what);
}

/* Where it has taken effect, the step is done: it says so. */
static enum error_class call_skip(void)
{
	struct run run;
	const struct skip skip = { .name = repo,
		.output = "{\"id\":7}",
		.gives = "g",
		.needs = "",
		.run_ms = 600000,
		.attempts = 3,
		.retention_seconds = 90000 };
	enum error_class class = run_skip(redis, &skip, &arena, &run, &error);
	return class == ERROR_RUN_CONFLICT && strcmp(run.reason, "given") == 0 ? ERROR_NONE : class;
}

static void good_skip(const char *what)
{
	ck_assert_msg(strcmp(run_of(&repo).reason, "given") == 0, "%s: not given", what);
	ck_assert_msg(strcmp(run_of(&project).phase, "queued") == 0, "%s: not released", what);
}

static enum error_class call_read(void)
{
	return deployment_read(redis, &repo, &arena, &deployment_now, &error);
}

static void good_read(const char *what)
{
	ck_assert_msg(strcmp(deployment_now.steps, "repo project") == 0, "%s: %s", what,
		deployment_now.steps);
	ck_assert_str_eq(deployment_now.digest, "all");
}

static struct shown shown_now;

static enum error_class call_shown(void)
{
	static struct run_name names[2];
	names[0] = repo;
	names[1] = project;
	shown_now = (struct shown){ .names = names, .count = 2, .with_deployment = true };
	return shown_read(redis, &arena, &shown_now, &error);
}

static void good_shown(const char *what)
{
	ck_assert_msg(strcmp(shown_now.deployment.status, "running") == 0, "%s: %s", what,
		shown_now.deployment.status);
	ck_assert_str_eq(shown_now.runs[1].phase, "blocked");
}

static const struct deployment_case cases[] = {
	{ "start", SEED_NONE, call_start, good_start },
	{ "start the same", SEED_STARTED, call_start, good_start },
	{ "retry", SEED_FAILED, call_retry, good_start },
	{ "stop", SEED_STARTED, call_stop, good_stop },
	{ "skip", SEED_FAILED, call_skip, good_skip },
	{ "read a deployment", SEED_STARTED, call_read, good_read },
	{ "read a status", SEED_STARTED, call_shown, good_shown },
};

/* ---- how it is tried ---- */

static int64_t version_now(void)
{
	const struct run_name deployment = { "default", repo.app, repo.workflow,
		DEPLOYMENT_STEP_ID };
	return state_version(&repo) + state_version(&project) + state_version(&deployment);
}

static void seed(void)
{
	struct lease lease;
	state_wipe();
	if (tried->seed == SEED_NONE)
		return;
	ck_assert_int_eq(start_by(observer, false, &kept), ERROR_NONE);
	if (tried->seed != SEED_FAILED)
		return;
	state_claim(&kept, &lease);
	const struct run_write write = {
		.kind = RUN_FINISH, .status = "error", .output = "{}", .error = "{}"
	};
	ck_assert_int_eq(run_write(observer, &lease, &write, &error), ERROR_NONE);
}

static void call(void)
{
	arena_init(&arena, 0);
	class_now = tried->call();
}

static void prepare(void)
{
	arena_release(&kept);
	arena_init(&kept, 0);
	seed();
	live_before = faults.live;
	redis = state_connect();
	if (warm) {
		call();
		arena_release(&arena);
		/* What the seeds keep is no part of what is tried. */
		long live_now = faults.live;
		seed();
		live_before += faults.live - live_now;
	}
	version_before = version_now();
}

static void check(bool faulted, const char *what)
{
	enum error_class first = class_now;
	if (first != ERROR_NONE) {
		ck_assert_msg(faulted, "%s: %s", what, error.message);
		ck_assert_msg(error.class == first && error.message[0] != '\0',
			"%s: no error was set", what);
		ck_assert_msg(first == ERROR_OUT_OF_MEMORY || first == ERROR_STORE_UNAVAILABLE ||
				first == ERROR_OUTCOME_UNKNOWN,
			"%s: %s: %s", what, error_class_facts(first)->name, error.message);
		if (first == ERROR_STORE_UNAVAILABLE)
			ck_assert_msg(version_now() == version_before, "%s: it was changed", what);
	} else {
		tried->good(what);
	}
	arena_release(&arena);
	/* The one that may be on the queue then. */
	state_check(tried->call == call_skip ? &project : &repo, what);
	/* The next one on the same connection. */
	call();
	ck_assert_msg(class_now == ERROR_NONE, "%s: then %s: %s", what,
		error_class_facts(class_now)->name, error.message);
	tried->good(what);
	arena_release(&arena);
	redis_free(redis);
	torture_check_live(live_before, what);
}

static void torture_calls(void)
{
	state_begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tried = &cases[i];
		torture_all(&(struct torture){ tried->name, prepare, call, check }, FAULT_MALLOC);
	}
	arena_release(&kept);
	state_end();
}

START_TEST(test_calls_on_a_new_connection)
{
	torture_calls();
}
END_TEST

START_TEST(test_calls_on_a_kept_connection)
{
	warm = true;
	torture_calls();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_calls_on_a_new_connection,
		test_calls_on_a_kept_connection, NULL };
	torture_begin();
	int status = suite_main("deployments under faults", tests, NULL, NULL);
	torture_end();
	return status;
}
