/*
 * vercel.deployment against a scripted GitHub and Vercel.
 *
 * covers: workflows/actions/vercel_deployment.c workflows/actions/vercel_readiness.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT                                                                                      \
	"{'project':'prj_1','projectName':'docs','repository':'acme/docs','repositoryId':42,"      \
	"'branch':'main','after':1000}"
#define RUN    "0123456789abcdef0123456789abcdef"
#define HEAD   "GET", "/github/repos/acme/docs/branches/main"
#define LIST   "GET", "/vercel/v7/deployments"
#define CREATE "POST", "/vercel/v13/deployments"
#define POLL   "GET", "/vercel/v13/deployments/dpl_1"
#define FIND   "GET", "/vercel/v9/projects/prj_1/domains"
#define CANCEL "PATCH", "/vercel/v12/deployments/dpl_1/cancel"
#define BRANCH                                                                                     \
	{                                                                                          \
		HEAD, .status = 200, .body = "{'name':'main','commit':{'sha':'abc123'}}"           \
	}
#define NOTHING                                                                                    \
	{                                                                                          \
		LIST, .status = 200, .body = "{'deployments':[]}"                                  \
	}
#define PROJECT_ROW                                                                                \
	{                                                                                          \
		"GET", "/vercel/v9/projects/prj_1", .status = 200, .body = "{'id':'prj_1'}"        \
	}
#define DOMAINS                                                                                    \
	{ FIND, .status = 200,                                                                     \
		.body = "{'domains':[{'name':'docs-two.vercel.app'},{'name':'docs.vercel."         \
			"app'}]}" },                                                               \
		PROJECT_ROW
#define QUEUED STATE("QUEUED", "")
#define STATE(state, more)                                                                         \
	"{'id':'dpl_1','url':'docs-1.vercel.app','createdAt':2000,'target':'production','"         \
	"readyState':"                                                                             \
	"'" state "',"                                                                             \
	"'inspectorUrl':'https://vercel.com/acme/docs/1'" more "}"
#define LIVE                                                                                       \
	STATE("READY",                                                                             \
		",'aliasAssigned':true,'aliasError':null,'alias':['docs.vercel.app','docs-acme."   \
		"vercel.app',"                                                                     \
		"'docs-git-main-acme.vercel.app']")

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
	/* The peer borrows them for the attempts that follow. */
	static struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200 },
		{ CANCEL, .status = 200, .body = "{}" },
		DOMAINS,
		{ .method = NULL },
	};
	rows[3].body = body;
	trial_forget(&trial);
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
		{ POLL, .status = 200, .body = STATE("READY", ",'aliasAssigned':false"),
			.times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 9), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'id':'dpl_1','url':'https://docs-1.vercel.app','alias':'https://"
		  "docs.vercel.app',"
		  "'sha':'abc123','inspectorUrl':'https://vercel.com/acme/docs/"
		  "1','createdAt':2000}"));
	struct peer_request request = peer_last(trial.peer, CREATE);
	ck_assert_str_eq(request.uri,
		"/vercel/v13/deployments?skipAutoDetectionConfirmation=1&forceNew=1&slug=acme");
	ck_assert_str_eq(request.body,
		J("{'name':'docs','project':'prj_1','target':'production','gitSource':{'type':'"
		  "github',"
		  "'repoId':42,'ref':'main','sha':'abc123'},'meta':{'runId':'" RUN
		  "','app':'trial-app'}}"));
	ck_assert_ptr_nonnull(strstr(
		peer_last(trial.peer, LIST).uri, "projectId=prj_1&target=production&sha=abc123"));
	ck_assert_ptr_nonnull(strstr(trial_saved(&trial), "abc123"));
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:deployment:dpl_1"));
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
		DOMAINS,
		{ .method = NULL },
	};
	char input[sizeof(INPUT) + 64];
	snprintf(input, sizeof(input), "%.*s,'sha':'0123456789012345678901234567890123456789'}",
		(int)strlen(INPUT) - 1, INPUT);
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, input, 3), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CREATE).body,
		J("'sha':'0123456789012345678901234567890123456789'")));
}
END_TEST

START_TEST(test_takes_over_what_fits)
{
	static const char *const fitting[] = {
		/* our own run's, whatever its age */
		"{'uid':'dpl_1','created':1,'state':'BUILDING','meta':{'runId':'" RUN "'}}",
		"{'uid':'dpl_1','created':1000,'state':'READY'}",
		("{'uid':'dpl_0','created':5000,'state':'ERROR'},{'uid':'dpl_1','created':3000,"
		 "'state':'QUEUED'}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(fitting); i++) {
		const struct peer_row rows[] = {
			BRANCH,
			{ LIST, .status = 200,
				.body = arena_format(
					&trial.arena, J("{'deployments':[%s]}"), fitting[i]) },
			{ POLL, .status = 200, .body = LIVE },
			DOMAINS,
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_msg(run_with(rows, 3) == ACTION_DONE, "%s", fitting[i]);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
	}
}
END_TEST

START_TEST(test_makes_a_new_one_where_none_fits)
{
	static const char *const unfit[] = {
		"{'uid':'dpl_0','created':999,'state':'READY'}", /* older than the environment */
		"{'uid':'dpl_0','created':5000,'state':'ERROR'}",
		"{'uid':'dpl_0','created':5000,'state':'CANCELED','meta':{'runId':'another'}}",
		"{'uid':'dpl_0','created':5000,'readyState':'BLOCKED'}",
	};
	for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
		const struct peer_row rows[] = {
			BRANCH,
			{ LIST, .status = 200,
				.body = arena_format(
					&trial.arena, J("{'deployments':[%s]}"), unfit[i]) },
			{ CREATE, .status = 200, .body = QUEUED },
			{ POLL, .status = 200, .body = LIVE },
			DOMAINS,
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_msg(run_with(rows, 3) == ACTION_DONE, "%s", unfit[i]);
		ck_assert_msg(peer_count(trial.peer, CREATE) == 1, "%s", unfit[i]);
	}
}
END_TEST

/* The worker that sent it may be gone, and the call still take effect: Vercel has been seen to
 * answer after 45 s. */
START_TEST(test_a_lost_request_is_sent_again_when_it_can_arrive_no_more)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .behaviour = PEER_DROPS, .times = 1 },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 40), ACTION_DONE);
	ck_assert_int_ge(trial.age_ms, 90000);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 2);
}
END_TEST

START_TEST(test_a_request_that_a_limit_refused_is_not_looked_for)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 429, .headers = "Retry-After: 1", .body = "{}", .times = 1 },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 20), ACTION_DONE);
	ck_assert_int_lt(trial.age_ms, 30000);
}
END_TEST

START_TEST(test_lost_answer_looks_before_it_creates)
{
	static const struct peer_row rows[] = {
		BRANCH,
		{ LIST, .status = 200, .body = "{'deployments':[]}", .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS },
		{ LIST, .status = 200,
			.body = "{'deployments':[{'uid':'dpl_1','created':1,'meta':{'runId':'" RUN
				"'}}]}" },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 3), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 3), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_failed_builds_are_permanent)
{
	ck_assert_int_eq(
		poll_gives(STATE("ERROR", ",'errorMessage':'npm run build exited with 1'")),
		ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "npm run build exited with 1"));
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://vercel.com/acme/docs/1");
	ck_assert_int_eq(poll_gives(STATE("CANCELED", "")), ACTION_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
}
END_TEST

START_TEST(test_blocked_ends_at_once)
{
	ck_assert_int_eq(
		poll_gives(STATE("BLOCKED", ",'readyStateReason':'The author has no seat'")),
		ACTION_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "The author has no seat"));
}
END_TEST

START_TEST(test_ready_is_not_live)
{
	ck_assert_int_eq(poll_gives(STATE("READY", "")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",'aliasAssigned':false")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",'aliasAssigned':null")), ACTION_WAITING);
	ck_assert_int_eq(poll_gives(STATE("READY", ",'aliasAssigned':1795485238056")), ACTION_DONE);
	ck_assert_int_eq(poll_gives(STATE("READY",
				 ",\"aliasAssigned\":true,\"aliasError\":{\"code\":\"x\","
				 "\"message\":\"the domain is another's\"}")),
		ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "the domain is another's"));
}
END_TEST

START_TEST(test_failed_checks_are_no_success)
{
	static const char *const failed[] = {
		STATE("READY", ",'aliasAssigned':false,'checksConclusion':'failed'"),
		STATE("READY",
			",'aliasAssigned':false,'checks':{'deployment-alias':{'state':'failed'}}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(failed); i++) {
		ck_assert_msg(poll_gives(failed[i]) == ACTION_FAILED, "%s", failed[i]);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "checks"));
	}
	ck_assert_int_eq(poll_gives(STATE("READY",
				 ",'aliasAssigned':true,'checksConclusion':'succeeded','checks':{"
				 "'deployment-alias':{'state':'succeeded'}}")),
		ACTION_DONE);
}
END_TEST

/* All green, and nobody sees it: a preview, or what another push has brought. */
START_TEST(test_it_is_what_was_asked_for)
{
	static const struct {
		const char *body, *told;
	} others[] = {
		{ "{'id':'dpl_1','readyState':'READY','aliasAssigned':true,'target':null}",
			"to preview, but production" },
		{ STATE("BUILDING", ",'gitSource':{'type':'github','repoId':42,'sha':'def456'}"),
			"def456, but abc123" },
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		ck_assert_msg(poll_gives(others[i].body) == ACTION_FAILED, "%s", others[i].body);
		ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, others[i].told));
	}
	ck_assert_int_eq(poll_gives(STATE("READY",
				 ",'aliasAssigned':true,'gitSource':{'type':'github','repoId':'42',"
				 "'sha':'abc123'}")),
		ACTION_DONE);
}
END_TEST

static const char *alias_with(const char *domains, const char *aliases)
{
	const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200,
			.body = arena_format(&trial.arena,
				J(STATE("READY", ",'aliasAssigned':true,'alias':[%s]")), aliases) },
		{ FIND, .status = domains != NULL ? 200 : 404,
			.body = domains != NULL
				? arena_format(&trial.arena, J("{'domains':[%s]}"), domains)
				: "{}" },
		PROJECT_ROW,
		{ .method = NULL },
	};
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rows, 2), ACTION_DONE);
	cJSON *output = cJSON_Parse(trial_output(&trial));
	const char *alias = arena_string(&trial.arena, json_member_string(output, "alias"));
	cJSON_Delete(output);
	return alias;
}

/* Vercel's own addresses of the deployment, the branch and the team may be behind a login. */
START_TEST(test_alias_is_what_people_see)
{
	static const char made[] =
		"'docs-git-main-acme.vercel.app','docs.vercel.app','docs-acme.vercel.app'";
	ck_assert_str_eq(alias_with(J("{'name':'docs-xi-seven.vercel.app'}"), made),
		"https://docs-xi-seven.vercel.app");
	ck_assert_str_eq(peer_last(trial.peer, FIND).uri,
		"/vercel/v9/projects/prj_1/"
		"domains?production=true&redirects=false&verified=true&limit=100&slug=acme");
	ck_assert_str_eq(alias_with(J("{'name':'www.docs.example'},{'name':'d.vercel.app'},{'name':"
				      "'docs.example'}"),
				 made),
		"https://docs.example");
	ck_assert_str_eq(alias_with("", made), "https://docs.vercel.app");
	ck_assert_str_eq(alias_with(NULL, made), "https://docs.vercel.app");
	ck_assert_str_eq(alias_with("", ""), "https://docs-1.vercel.app");
}
END_TEST

START_TEST(test_polls_slower)
{
	static const struct {
		int64_t age_ms, wait_ms;
	} cases[] = { { 0, 1000 }, { 20000, 5000 }, { 70000, 15000 }, { 400000, 30000 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial.age_ms = cases[i].age_ms;
		ck_assert_int_eq(poll_gives(STATE("BUILDING", "")), ACTION_WAITING);
		ck_assert_int_eq(trial_wait_ms(&trial), cases[i].wait_ms);
	}
}
END_TEST

#define OURS ",'meta':{'runId':'" RUN "'}"

/* Each state has its own time, and what this run began does not stand in the way
 * of the next one. */
START_TEST(test_gives_up_what_hangs)
{
	static const struct {
		const char *body;
		int64_t minutes;
		size_t cancelled;
	} cases[] = {
		{ STATE("QUEUED", OURS), 60, 1 }, { STATE("INITIALIZING", OURS), 60, 1 },
		{ STATE("BUILDING", OURS), 50, 1 }, { STATE("SOMETHING_NEW", OURS), 50, 1 },
		{ STATE("READY", ",'aliasAssigned':false" OURS), 15, 0 },
		{ STATE("BUILDING", ""), 50, 0 }, /* a push's */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial.age_ms = 3600000;
		ck_assert_int_eq(poll_gives(cases[i].body), ACTION_WAITING);
		trial.age_ms += cases[i].minutes * 60000 - 30000;
		ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_WAITING);
		trial.age_ms += 60000;
		ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_FAILED);
		ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_msg(
			peer_count(trial.peer, CANCEL) == cases[i].cancelled, "%s", cases[i].body);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "minutes"));
		ck_assert_str_ne(trial_error(&trial)->remedy, "");
	}
}
END_TEST

START_TEST(test_another_state_has_its_own_time)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = QUEUED, .times = 1 },
		{ POLL, .status = 200, .body = STATE("BUILDING", ""), .times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		PROJECT_ROW,
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	for (int i = 0; i < 2; i++, trial.age_ms += 55 * 60000)
		ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_WAITING);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_DONE);
}
END_TEST

/* No answer says nothing of the deployment: an outage is the engine's to wait for, and its time is
 * not the deployment's. A page instead of JSON uses up no attempt either. */
START_TEST(test_failed_polls_are_waited_out)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 502, .times = 2 },
		{ POLL, .behaviour = PEER_DROPS, .times = 2 },
		{ POLL, .status = 503, .headers = "Retry-After: 40", .times = 1 },
		{ POLL, .status = 200, .body = "<html>", .times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	enum action_result result = ACTION_WAITING;
	int outages = 0, waits = 0;
	peer_set(trial.peer, rows);
	for (int i = 0; i < 9 && result != ACTION_DONE; i++) {
		result = trial_attempt(&trial, &vercel_deployment, INPUT);
		waits += result == ACTION_WAITING ? 1 : 0;
		outages += result == ACTION_FAILED &&
				(trial_error(&trial)->http_status >= 500 ||
					trial_error(&trial)->class == ERROR_NETWORK)
			? 1
			: 0;
	}

	ck_assert_int_eq(result, ACTION_DONE);
	ck_assert_int_ge(outages, 3);
	ck_assert_int_ge(waits, 1);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	trial_forget(&trial);
	ck_assert_int_eq(poll_gives(NULL), ACTION_WAITING);
	trial.age_ms += 51 * 60000;
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_FAILED);
	ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
}
END_TEST

START_TEST(test_unseen_commit_is_waited_for_then_access)
{
	static const struct peer_row rows[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 400,
			.body = "{'error':{'code':'incorrect_git_source_info','message':'no such "
				"commit'}}" },
		{ .method = NULL },
	};
	/* The run had waited for a rate limit before it asked. */
	const int64_t before = 3000000;
	trial.age_ms = before;
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT), ACTION_WAITING);
	ck_assert_int_eq(trial_wait_ms(&trial), 5000);
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 20), ACTION_FAILED);
	ck_assert_int_ge(trial.age_ms - before, 180000);
	ck_assert_int_lt(trial.age_ms - before, 230000);
	ck_assert_int_lt(trial_attempts(&trial), 18);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
}
END_TEST

START_TEST(test_refusals)
{
	static const struct peer_row no_branch[] = { { HEAD, .status = 404, .body = "{}" },
		{ .method = NULL } };
	static const struct peer_row quota[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 402,
			.body = "{'error':{'code':'api-deployments-free-per-day','message':'x'}}" },
		{ .method = NULL },
	};
	static const struct peer_row limited[] = {
		BRANCH,
		NOTHING,
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 429, .headers = "Retry-After: 8", .body = "{}", .times = 1 },
		{ POLL, .status = 200, .body = LIVE },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(no_branch, 2), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NOT_FOUND);
	ck_assert_int_eq(run_with(quota, 2), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PLAN_LIMIT);
	trial_forget(&trial);
	ck_assert_int_eq(run_with(limited, 2), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	/* A limit while polling is no failure of the deployment. */
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT, 2), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_deploys_the_head_and_waits,
		test_deploys_the_commit_that_is_named, test_takes_over_what_fits,
		test_makes_a_new_one_where_none_fits, test_lost_answer_looks_before_it_creates,
		test_a_lost_request_is_sent_again_when_it_can_arrive_no_more,
		test_a_request_that_a_limit_refused_is_not_looked_for,
		test_failed_builds_are_permanent, test_blocked_ends_at_once, test_ready_is_not_live,
		test_failed_checks_are_no_success, test_it_is_what_was_asked_for,
		test_alias_is_what_people_see, test_polls_slower, test_gives_up_what_hangs,
		test_another_state_has_its_own_time, test_failed_polls_are_waited_out,
		test_unseen_commit_is_waited_for_then_access, test_refusals, NULL };
	return suite_main("vercel.deployment", tests, setup, teardown);
}
