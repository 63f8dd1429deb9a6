/*
 * vercel.deployment against a scripted GitHub and Vercel.
 *
 * covers: workflows/actions/vercel_deployment.c workflows/actions/vercel_readiness.c
 */
#include <string.h>

#include "actions.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT                                                                                                          \
	"{\"project\":\"prj_1\",\"projectName\":\"docs\",\"repository\":\"acme/docs\",\"repositoryId\":42,"            \
	"\"branch\":\"main\",\"after\":1000}"
#define RUN    "0123456789abcdef0123456789abcdef"
#define HEAD   "GET", "/github/repos/acme/docs/branches/main"
#define LIST   "GET", "/vercel/v7/deployments"
#define CREATE "POST", "/vercel/v13/deployments"
#define POLL   "GET", "/vercel/v13/deployments/dpl_1"
#define BRANCH                                                                                                         \
	{                                                                                                              \
		HEAD, .status = 200, .body = "{\"name\":\"main\",\"commit\":{\"sha\":\"abc123\"}}"                     \
	}
#define NOTHING                                                                                                        \
	{                                                                                                              \
		LIST, .status = 200, .body = "{\"deployments\":[]}"                                                    \
	}
#define QUEUED "{\"id\":\"dpl_1\",\"readyState\":\"QUEUED\",\"url\":\"docs-1.vercel.app\",\"createdAt\":2000}"
#define STATE(state, more)                                                                                             \
	"{\"id\":\"dpl_1\",\"url\":\"docs-1.vercel.app\",\"createdAt\":2000,\"readyState\":\"" state "\","             \
	"\"inspectorUrl\":\"https://vercel.com/acme/docs/1\"" more "}"
#define LIVE STATE("READY", ",\"aliasAssigned\":true,\"aliasError\":null,\"alias\":[\"docs.vercel.app\"]")

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static enum action_result run_with(const struct peer_row *rows, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_deployment, INPUT, attempts_max);
}

/* What becomes of a deployment that is in this state at its first poll. */
static enum action_result poll_gives(const char *body)
{
	const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = body },
		{ .method = NULL },
	};
	trial.checkpoint[0] = '\0';
	peer_set(trial.peer, rows);
	return trial_attempt(&trial, &vercel_deployment, INPUT);
}

START_TEST(test_deploys_the_head_and_waits)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = QUEUED, .times = 1 },
		{ POLL, .status = 200, .body = STATE("BUILDING", ""), .times = 1 },
		{ POLL, .status = 200, .body = STATE("SOMETHING_NEW", ""), .times = 1 },
		{ POLL, .status = 200, .body = STATE("READY", ",\"aliasAssigned\":false"), .times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 9), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		"{\"id\":\"dpl_1\",\"url\":\"https://docs-1.vercel.app\",\"alias\":\"https://docs.vercel.app\","
		"\"sha\":\"abc123\",\"inspectorUrl\":\"https://vercel.com/acme/docs/1\",\"createdAt\":2000}");
	struct peer_request request = peer_last(trial.peer, CREATE);
	ck_assert_str_eq(request.uri, "/vercel/v13/deployments?skipAutoDetectionConfirmation=1&slug=acme");
	ck_assert_str_eq(request.body,
		"{\"name\":\"docs\",\"project\":\"prj_1\",\"target\":\"production\",\"gitSource\":{\"type\":\"github\","
		"\"repoId\":42,\"ref\":\"main\",\"sha\":\"abc123\"},\"meta\":{\"runId\":\"" RUN
		"\",\"app\":\"trial-app\"}}");
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, LIST).uri, "projectId=prj_1&target=production&sha=abc123"));
	ck_assert_ptr_nonnull(strstr(trial.saved, "abc123"));
	ck_assert_ptr_nonnull(json_member_string(trial.ledger, "vercel:deployment:dpl_1"));
	ck_assert_int_ge(trial.age_ms, 4000);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

/* A commit that is named is deployed whatever the branch's head is by now. */
START_TEST(test_deploys_the_commit_that_is_named)
{
	static const struct peer_row rows[] = {
		NOTHING,
		{ CREATE, .status = 200, .body = LIVE },
		{ POLL, .status = 200, .body = LIVE },
		{ .method = NULL },
	};
	char input[sizeof(INPUT) + 64];
	snprintf(input, sizeof(input), "%.*s,\"sha\":\"0123456789012345678901234567890123456789\"}",
		(int)strlen(INPUT) - 1, INPUT);
	trial.checkpoint[0] = '\0';
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, input, 3), ACTION_DONE);
	ck_assert_ptr_nonnull(
		strstr(peer_last(trial.peer, CREATE).body, "\"sha\":\"0123456789012345678901234567890123456789\""));
}
END_TEST

START_TEST(test_takes_over_what_fits)
{
	static const char *const fitting[] = {
		/* our own run's, whatever its age */
		"{\"uid\":\"dpl_1\",\"created\":1,\"state\":\"BUILDING\",\"meta\":{\"runId\":\"" RUN "\"}}",
		"{\"uid\":\"dpl_1\",\"created\":1000,\"state\":\"READY\"}",
		("{\"uid\":\"dpl_0\",\"created\":5000,\"state\":\"ERROR\"},{\"uid\":\"dpl_1\",\"created\":3000,"
		 "\"state\":\"QUEUED\"}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(fitting); i++) {
		const struct peer_row rows[] = {
			BRANCH,
			{ LIST, .status = 200,
				.body = arena_format(&trial.arena, "{\"deployments\":[%s]}", fitting[i]) },
			{ POLL, .status = 200, .body = LIVE },
			{ .method = NULL },
		};
		trial.checkpoint[0] = '\0';
		ck_assert_msg(run_with(rows, 3) == ACTION_DONE, "%s", fitting[i]);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
	}
}
END_TEST

START_TEST(test_makes_a_new_one_where_none_fits)
{
	static const char *const unfit[] = {
		"{\"uid\":\"dpl_0\",\"created\":999,\"state\":\"READY\"}", /* older than the environment */
		"{\"uid\":\"dpl_0\",\"created\":5000,\"state\":\"ERROR\"}",
		"{\"uid\":\"dpl_0\",\"created\":5000,\"state\":\"CANCELED\",\"meta\":{\"runId\":\"another\"}}",
		"{\"uid\":\"dpl_0\",\"created\":5000,\"readyState\":\"BLOCKED\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
		const struct peer_row rows[] = {
			BRANCH,
			{ LIST, .status = 200, .body = arena_format(&trial.arena, "{\"deployments\":[%s]}", unfit[i]) },
			{ CREATE, .status = 200, .body = QUEUED },
			{ POLL, .status = 200, .body = LIVE },
			{ .method = NULL },
		};
		trial.checkpoint[0] = '\0';
		ck_assert_msg(run_with(rows, 3) == ACTION_DONE, "%s", unfit[i]);
		ck_assert_msg(peer_count(trial.peer, CREATE) == 1, "%s", unfit[i]);
	}
}
END_TEST

START_TEST(test_lost_answer_looks_before_it_creates)
{
	static const struct peer_row rows[] = {
		BRANCH,
		{ LIST, .status = 200, .body = "{\"deployments\":[]}", .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS },
		{ LIST, .status = 200,
			.body = "{\"deployments\":[{\"uid\":\"dpl_1\",\"created\":1,\"meta\":{\"runId\":\"" RUN
				"\"}}]}" },
		{ POLL, .status = 200, .body = LIVE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 3), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 3), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_failed_builds_are_permanent)
{
	ck_assert_int_eq(
		poll_gives(STATE("ERROR", ",\"errorMessage\":\"npm run build exited with 1\"")), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_BUILD_FAILED);
	ck_assert(!error_class_facts(trial.context.error.class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial.context.error.message, "npm run build exited with 1"));
	ck_assert_str_eq(trial.context.error.remedy_url, "https://vercel.com/acme/docs/1");
	ck_assert_int_eq(poll_gives(STATE("CANCELED", "")), ACTION_FAILED);
	ck_assert(!error_class_facts(trial.context.error.class)->retryable);
}
END_TEST

START_TEST(test_blocked_ends_at_once)
{
	ck_assert_int_eq(
		poll_gives(STATE("BLOCKED", ",\"readyStateReason\":\"The author has no seat\"")), ACTION_FAILED);
	ck_assert(!error_class_facts(trial.context.error.class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial.context.error.message, "The author has no seat"));
}
END_TEST

START_TEST(test_ready_is_not_live)
{
	ck_assert_int_eq(poll_gives(STATE("READY", "")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",\"aliasAssigned\":false")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",\"aliasAssigned\":null")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",\"aliasAssigned\":1795485238056")), ACTION_DONE);
	ck_assert_int_eq(poll_gives(STATE("READY",
				 ",\"aliasAssigned\":true,\"aliasError\":{\"code\":\"x\","
				 "\"message\":\"the domain is another's\"}")),
		ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial.context.error.message, "the domain is another's"));
}
END_TEST

START_TEST(test_polls_slower_and_gives_up)
{
	static const struct {
		int64_t age_ms, wait_ms;
	} cases[] = { { 0, 1000 }, { 20000, 5000 }, { 70000, 15000 }, { 400000, 30000 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial.age_ms = cases[i].age_ms;
		ck_assert_int_eq(poll_gives(STATE("BUILDING", "")), ACTION_WAITING);
		ck_assert_int_eq(trial.context.wait_ms, cases[i].wait_ms);
	}
	trial.age_ms = 46 * 60000;
	ck_assert_int_eq(poll_gives(STATE("BUILDING", "")), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_TIMEOUT);
}
END_TEST

START_TEST(test_unseen_commit_is_waited_for_then_access)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 400,
			.body = "{\"error\":{\"code\":\"incorrect_git_source_info\",\"message\":\"no such commit\"}}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_WAITING);
	ck_assert_int_eq(trial.context.wait_ms, 5000);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 20), ACTION_FAILED);
	ck_assert_int_ge(trial.age_ms, 180000);
	ck_assert_int_lt(trial.attempts, 14);
	ck_assert(!error_class_facts(trial.context.error.class)->retryable);
	ck_assert_str_ne(trial.context.error.remedy, "");
}
END_TEST

START_TEST(test_refusals)
{
	static const struct peer_row no_branch[] = { { HEAD, .status = 404, .body = "{}" }, { .method = NULL } };
	static const struct peer_row quota[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 402,
			.body = "{\"error\":{\"code\":\"api-deployments-free-per-day\",\"message\":\"x\"}}" },
		{ .method = NULL },
	};
	static const struct peer_row limited[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 429, .headers = "Retry-After: 8", .body = "{}", .times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(no_branch, 2), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_NOT_FOUND);
	ck_assert_int_eq(run_with(quota, 2), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_PLAN_LIMIT);
	trial.checkpoint[0] = '\0';
	ck_assert_int_eq(run_with(limited, 2), ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_RATE_LIMITED);
	/* A limit while polling is no failure of the deployment. */
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 2), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_deploys_the_head_and_waits, test_deploys_the_commit_that_is_named,
		test_takes_over_what_fits, test_makes_a_new_one_where_none_fits,
		test_lost_answer_looks_before_it_creates, test_failed_builds_are_permanent, test_blocked_ends_at_once,
		test_ready_is_not_live, test_polls_slower_and_gives_up, test_unseen_commit_is_waited_for_then_access,
		test_refusals, NULL };
	return suite_main("vercel.deployment", tests, setup, teardown);
}
