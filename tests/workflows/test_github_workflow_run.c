/*
 * github.workflow against a scripted GitHub.
 *
 * covers: workflows/actions/github_workflow_run.c workflows/actions/github_runs.c
 * covers: workflows/actions/github_names.h
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

#define INPUT(more)    "{'repository':'acme/docs','workflow':'setup.yml'" more "}"
#define ON_MAIN        INPUT(",'ref':'main'")
#define WORDS          ",'inputs':{'title':'Docs','theme':'dark'}"
#define COMMITS        INPUT(",'ref':'main','commitExpected':true" WORDS)
#define NOT_FOUND_BODY "{'message':'Not Found'}"
#define DETAILS        "{'workflow_run_id':77,'run_url':'x','html_url':'x'}"

#define REPOSITORY "GET", "/github/repos/acme/docs"
#define BRANCH     "GET", "/github/repos/acme/docs/branches/main"
#define RUNS       "GET", "/github/repos/acme/docs/actions/workflows/setup.yml/runs"
#define DISPATCH   "POST", "/github/repos/acme/docs/actions/workflows/setup.yml/dispatches"
#define SHOW       "GET", "/github/repos/acme/docs/actions/runs/77"

#define HEAD(sha)  "{'name':'main','commit':{'sha':'" sha "'}}"
#define LISTED(id) "{'id':" id ",'status':'queued','conclusion':null}"
#define RUN_IS(status, conclusion)                                                                 \
	"{'id':77,'status':'" status "','conclusion':" conclusion                                  \
	",'html_url':'https://github.com/acme/docs/actions/runs/77'}"
#define BEFORE                                                                                     \
	{                                                                                          \
		RUNS, .status = 200,                                                               \
		      .body = "{'total_count':2,'workflow_runs':[" LISTED("41") "," LISTED(        \
			      "40") "]}",                                                          \
		      .times = 1                                                                   \
	}
#define AFTER                                                                                      \
	{                                                                                          \
		RUNS, .status = 200,                                                               \
		      .body = "{'total_count':3,'workflow_runs':[" LISTED("78") "," LISTED(        \
			      "77") "," LISTED("41") "]}"                                          \
	}
#define SAME_HEAD                                                                                  \
	{                                                                                          \
		BRANCH, .status = 200, .body = HEAD("abc1")                                        \
	}
#define SUCCESS                                                                                    \
	{                                                                                          \
		SHOW, .status = 200, .body = RUN_IS("completed", "'success'")                      \
	}

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_workflow_run, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_starts_and_waits_for_run_and_commit)
{
	static const struct peer_row rows[] = {
		{ BRANCH, .status = 200, .body = HEAD("abc1"), .times = 2 },
		{ BRANCH, .status = 200, .body = HEAD("abc2") },
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		{ SHOW, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ SHOW, .status = 200, .body = RUN_IS("queued", "null"), .times = 1 },
		{ SHOW, .status = 200, .body = RUN_IS("in_progress", "null"), .times = 1 },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, COMMITS, 20), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'runId':77,'url':'https://github.com/acme/docs/actions/runs/77','ref':'main',"
		  "'headCommit':'abc2','committed':true}"));
	ck_assert_str_eq(peer_last(trial.peer, DISPATCH).body,
		J("{'ref':'main','inputs':{'title':'Docs','theme':'dark'},'return_run_details':"
		  "true}"));
	ck_assert_ptr_nonnull(
		strstr(peer_last(trial.peer, RUNS).uri, "event=workflow_dispatch&branch=main"));
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 1);
	/* The intent stood in the checkpoint before the dispatch. */
	ck_assert_ptr_nonnull(strstr(trial_saved(&trial), J("'newestBefore':41")));
	ck_assert_ptr_nonnull(strstr(trial_saved(&trial), J("'asked':true")));
}
END_TEST

START_TEST(test_takes_the_default_branch)
{
	static const struct peer_row rows[] = {
		{ REPOSITORY, .status = 200, .body = "{'id':1,'default_branch':'main'}" },
		SAME_HEAD,
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(""), 9), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, DISPATCH).body,
		J("{'ref':'main','return_run_details':true}"));
	ck_assert_ptr_nonnull(
		strstr(trial_output(&trial), J("'headCommit':'abc1','committed':false")));
}
END_TEST

/* A server that gives no id: the run is the oldest that is newer than what stood there. */
START_TEST(test_finds_the_run_without_its_id)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		BEFORE,
		{ RUNS, .status = 200, .body = "{'workflow_runs':[" LISTED("41") "]}", .times = 2 },
		AFTER,
		{ DISPATCH, .status = 422,
			.body = "{\"message\":\"\\\"return_run_details\\\" is not permitted\"}",
			.times = 1 },
		{ DISPATCH, .status = 204 },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ON_MAIN, 9), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'runId':77")));
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 2);
	ck_assert_str_eq(peer_last(trial.peer, DISPATCH).body, J("{'ref':'main'}"));
}
END_TEST

/* GitHub took it, and the answer was lost or said otherwise: its run is found, and nothing is
 * started twice. */
START_TEST(test_lost_answer)
{
	static const struct peer_row refused[] = { { DISPATCH, .behaviour = PEER_DROPS },
		{ DISPATCH, .status = 502, .body = "{'message':'Server Error'}" } };
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct peer_row rows[] = {
			SAME_HEAD,
			BEFORE,
			{ RUNS, .status = 200, .body = "{'workflow_runs':[" LISTED("41") "]}",
				.times = 3 },
			AFTER,
			refused[i],
			SUCCESS,
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows, ON_MAIN, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_run(&trial, &github_workflow_run, ON_MAIN, 20), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 1);
	}
}
END_TEST

START_TEST(test_sends_again_what_never_arrived)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		{ RUNS, .status = 200, .body = "{'workflow_runs':[]}" },
		{ DISPATCH, .behaviour = PEER_DROPS, .times = 1 },
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ON_MAIN, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, ON_MAIN, 10), ACTION_WAITING);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 1);
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, ON_MAIN, 40), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 2);
	/* As long as a call and a lease may last. */
	ck_assert_int_ge(trial.age_ms, 90000);
}
END_TEST

START_TEST(test_a_dispatch_that_a_limit_refused_is_not_looked_for)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		{ RUNS, .status = 200, .body = "{'workflow_runs':[]}" },
		{ DISPATCH, .status = 429, .headers = "Retry-After: 1", .body = "{}", .times = 1 },
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ON_MAIN, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, ON_MAIN, 20), ACTION_DONE);
	ck_assert_int_lt(trial.age_ms, 30000);
}
END_TEST

START_TEST(test_taken_but_never_seen)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		{ RUNS, .status = 200, .body = "{'workflow_runs':[]}" },
		{ DISPATCH, .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ON_MAIN, 400), ACTION_FAILED);
	check_failed(ERROR_TIMEOUT);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 1);
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://github.com/acme/docs/actions");
}
END_TEST

START_TEST(test_says_how_the_run_ended)
{
	static const struct {
		const char *body;
		enum error_class class;
		const char *says;
	} cases[] = {
		{ RUN_IS("completed", "'failure'"), ERROR_BUILD_FAILED, "failed" },
		{ RUN_IS("completed", "'timed_out'"), ERROR_BUILD_FAILED, "exceeded a time limit" },
		{ RUN_IS("completed", "'cancelled'"), ERROR_CANCELLED, "cancelled at GitHub" },
		{ RUN_IS("completed", "'exploded'"), ERROR_BUILD_FAILED, "(exploded)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			SAME_HEAD,
			BEFORE,
			{ DISPATCH, .status = 200, .body = DETAILS },
			{ SHOW, .status = 200, .body = cases[i].body },
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows, ON_MAIN, 9), ACTION_FAILED);
		check_failed(cases[i].class);
		ck_assert_msg(strstr(trial_error(&trial)->message, cases[i].says) != NULL, "%s",
			trial_error(&trial)->message);
		ck_assert_str_eq(trial_error(&trial)->remedy_url,
			"https://github.com/acme/docs/actions/runs/77");
	}
}
END_TEST

START_TEST(test_waits_for_a_person)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		{ SHOW, .status = 200, .body = RUN_IS("waiting", "null"), .times = 1 },
		{ SHOW, .status = 200, .body = RUN_IS("completed", "'action_required'"),
			.times = 1 },
		SUCCESS,
		{ .method = NULL },
	};
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(i == 0 ? run_with(rows, ON_MAIN, 9)
					: trial_run(&trial, &github_workflow_run, ON_MAIN, 1),
			ACTION_WAITING);
		ck_assert(trial_waits_for_person(&trial));
		ck_assert_ptr_nonnull(strstr(
			trial_wait_text(&trial), "https://github.com/acme/docs/actions/runs/77"));
	}
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, ON_MAIN, 1), ACTION_DONE);
}
END_TEST

/* It asks less often the longer the run takes, and gives up at its own deadline. */
START_TEST(test_deadline)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		{ SHOW, .status = 200, .body = RUN_IS("in_progress", "null") },
		{ .method = NULL },
	};
	const char *input = J(INPUT(",'ref':'main','timeoutMinutes':10"));
	ck_assert_int_eq(run_with(rows, input, 2), ACTION_WAITING);
	ck_assert_int_eq(trial_wait_ms(&trial), 5000);
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, input, 20), ACTION_WAITING);
	ck_assert_int_eq(trial_wait_ms(&trial), 30000);
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, input, 30), ACTION_FAILED);
	check_failed(ERROR_TIMEOUT);
	ck_assert_int_ge(trial.age_ms, 590000);
	ck_assert_int_le(trial.age_ms, 640000);
}
END_TEST

START_TEST(test_success_without_the_commit)
{
	static const struct peer_row rows[] = {
		SAME_HEAD,
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, COMMITS, 200), ACTION_FAILED);
	check_failed(ERROR_CHECK_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "commitExpected"));
	ck_assert_int_ge(trial.age_ms, 110000);
}
END_TEST

/* The workflows of a fresh repository appear a little after it. */
START_TEST(test_unknown_workflow)
{
	static const struct peer_row late[] = {
		SAME_HEAD,
		{ RUNS, .status = 404, .body = NOT_FOUND_BODY, .times = 2 },
		BEFORE,
		{ DISPATCH, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ RUNS, .status = 200, .body = "{'workflow_runs':[]}" },
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	static const struct peer_row never[] = { SAME_HEAD,
		{ RUNS, .status = 404, .body = NOT_FOUND_BODY },
		{ "GET", "/github/repos/acme/docs/contents/.github%2Fworkflows%2Fsetup.yml",
			.status = 404, .body = NOT_FOUND_BODY },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(late, ON_MAIN, 9), ACTION_DONE);
	trial_forget(&trial);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, ON_MAIN, 90), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "Actions"));
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 0);
}
END_TEST

START_TEST(test_waits_for_a_fresh_repository)
{
	static const struct peer_row rows[] = {
		{ REPOSITORY, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ REPOSITORY, .status = 200, .body = "{'default_branch':'main'}" },
		{ BRANCH, .status = 404, .body = NOT_FOUND_BODY, .times = 2 },
		SAME_HEAD,
		BEFORE,
		{ DISPATCH, .status = 200, .body = DETAILS },
		SUCCESS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(""), 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "repository");
	trial_forget(&trial);
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, INPUT(""), 9), ACTION_DONE);
}
END_TEST

START_TEST(test_refusals)
{
	static const struct peer_row bad_input[] = { SAME_HEAD, BEFORE,
		{ DISPATCH, .status = 422,
			.body = "{\"message\":\"Unexpected inputs provided: [\\\"x\\\"]\"}" },
		{ .method = NULL } };
	static const struct peer_row forbidden[] = { SAME_HEAD, BEFORE,
		{ DISPATCH, .status = 403,
			.body = "{'message':'Resource not accessible by personal access token'}",
			.headers = "X-Accepted-GitHub-Permissions: actions=write" },
		{ .method = NULL } };
	static const struct peer_row no_branch[] = {
		{ BRANCH, .status = 404, .body = NOT_FOUND_BODY }, { .method = NULL }
	};
	ck_assert_int_eq(run_with(bad_input, ON_MAIN, 9), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "inputs");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "Unexpected inputs"));
	trial_forget(&trial);
	ck_assert_int_eq(run_with(forbidden, ON_MAIN, 9), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "actions=write"));
	trial_forget(&trial);
	ck_assert_int_eq(run_with(no_branch, ON_MAIN, 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "ref");
	trial_forget(&trial);
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(bad_input, ON_MAIN, 9), ACTION_FAILED);
	check_failed(ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_starts_and_waits_for_run_and_commit,
		test_takes_the_default_branch, test_finds_the_run_without_its_id, test_lost_answer,
		test_sends_again_what_never_arrived,
		test_a_dispatch_that_a_limit_refused_is_not_looked_for, test_taken_but_never_seen,
		test_says_how_the_run_ended, test_waits_for_a_person, test_deadline,
		test_success_without_the_commit, test_unknown_workflow,
		test_waits_for_a_fresh_repository, test_refusals, NULL };
	return suite_main("github.workflow", tests, setup, teardown);
}
