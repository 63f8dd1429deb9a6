/*
 * vercel.redeploy against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_redeploy.c workflows/actions/vercel_readiness.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT     "{'project':'prj_1'}"
#define RUN       "0123456789abcdef0123456789abcdef"
#define LIST      "GET", "/vercel/v7/deployments"
#define CREATE    "POST", "/vercel/v13/deployments"
#define POLL      "GET", "/vercel/v13/deployments/dpl_9"
#define LISTED(l) "{'deployments':[" l "]}"
#define OLD(id, created, state, more)                                                              \
	"{'uid':'" id "','name':'docs','created':" created ",'state':'" state "'" more "}"
#define PAST                                                                                       \
	OLD("dpl_4", "400", "READY", ",'readySubstate':'STAGED'")                                  \
	"," OLD("dpl_3", "300", "ERROR", "") "," OLD("dpl_2", "200", "READY",                      \
		",'readySubstate':'PROMOTED'") "," OLD("dpl_1", "100", "READY", "")
#define OURS OLD("dpl_9", "900", "QUEUED", ",'meta':{'runId':'" RUN "'}")
#define PROJECT_ROW                                                                                \
	{                                                                                          \
		"GET", "/vercel/v9/projects/prj_1", .status = 200, .body = "{'id':'prj_1'}"        \
	}
#define DOMAINS                                                                                    \
	{ "GET", "/vercel/v9/projects/prj_1/domains", .status = 200,                               \
		.body = "{'domains':[{'name':'docs.example'}]}" },                                 \
		PROJECT_ROW
#define QUEUED                                                                                     \
	"{'id':'dpl_9','readyState':'QUEUED','target':'production','url':'docs-9.vercel.app',"     \
	"'createdAt':900}"
#define READY(assigned)                                                                            \
	"{'id':'dpl_9','readyState':'READY','target':'production','url':'docs-9.vercel.app',"      \
	"'createdAt':900,"                                                                         \
	"'aliasAssigned':" assigned                                                                \
	",'alias':['docs.vercel.app'],'inspectorUrl':'https://vercel.com/x'}"

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_redeploy, INPUT, 20);
}

START_TEST(test_builds_the_last_one_again)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = QUEUED, .times = 1 },
		{ POLL, .status = 200, .body = READY("false"), .times = 1 },
		{ POLL, .status = 200, .body = READY("true") },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 3);
	ck_assert_str_eq(trial_output(&trial),
		J("{'id':'dpl_9','source':'dpl_2','url':'https://docs-9.vercel.app',"
		  "'alias':'https://docs.example','inspectorUrl':'https://vercel.com/"
		  "x','createdAt':900}"));
	ck_assert_str_eq(peer_last(trial.peer, LIST).uri,
		"/vercel/v7/"
		"deployments?projectId=prj_1&target=production&state=READY&limit=20&slug=acme");
	struct peer_request request = peer_last(trial.peer, CREATE);
	ck_assert_str_eq(request.uri, "/vercel/v13/deployments?forceNew=1&slug=acme");
	ck_assert_str_eq(request.body,
		J("{'name':'docs','project':'prj_1','deploymentId':'dpl_2','target':'production',"
		  "'meta':{'runId':'" RUN "','app':'trial-app'}}"));
	ck_assert_int_eq(trial_saves(&trial), 1);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:deployment:dpl_9"));
}
END_TEST

START_TEST(test_a_lost_answer_makes_no_second_one)
{
	static const struct {
		enum peer_behaviour behaviour;
		int status;
	} cases[] = { { PEER_DROPS, 0 }, { PEER_ANSWERS, 502 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = 200, .body = LISTED(PAST), .times = 2 },
			{ LIST, .status = 200, .body = LISTED(OURS "," PAST) },
			{ CREATE, .status = cases[i].status, .behaviour = cases[i].behaviour },
			{ POLL, .status = 200, .body = READY("true") },
			DOMAINS,
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_run(&trial, &vercel_redeploy, INPUT, 20), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
		ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'source':'dpl_2'")));
	}
}
END_TEST

START_TEST(test_a_lost_request_is_sent_again)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ CREATE, .behaviour = PEER_DROPS, .times = 1 },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = READY("true") },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &vercel_redeploy, INPUT, 40), ACTION_DONE);
	/* As long as a call and a lease may last. */
	ck_assert_int_ge(trial.age_ms, 90000);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 2);
}
END_TEST

START_TEST(test_a_request_that_a_limit_refused_is_not_looked_for)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ CREATE, .status = 429, .headers = "Retry-After: 1", .body = "{}", .times = 1 },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = READY("true") },
		DOMAINS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &vercel_redeploy, INPUT, 20), ACTION_DONE);
	ck_assert_int_lt(trial.age_ms, 30000);
}
END_TEST

/* After a rollback, the last one that was live is not what people see. */
START_TEST(test_what_production_shows_is_built_again)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ "GET", "/vercel/v9/projects/prj_1", .status = 200,
			.body = "{'id':'prj_1','targets':{'production':{'id':'dpl_1','createdAt':"
				"100}}}" },
		{ "GET", "/vercel/v13/deployments/dpl_1", .status = 200,
			.body = "{'id':'dpl_1','name':'docs','readyState':'READY','createdAt':"
				"100}" },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200, .body = QUEUED },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_redeploy, INPUT), ACTION_WAITING);
	ck_assert_ptr_nonnull(
		strstr(peer_last(trial.peer, CREATE).body, J("'deploymentId':'dpl_1'")));
}
END_TEST

START_TEST(test_nothing_to_build_again)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED(OLD("dpl_3", "300", "ERROR", "")) },
		PROJECT_ROW,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NOT_FOUND);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

START_TEST(test_failures)
{
	static const struct peer_row refused[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ CREATE, .status = 403, .body = "{'error':{'code':'forbidden','message':'no'}}" },
		PROJECT_ROW,
		{ .method = NULL },
	};
	static const struct peer_row broken[] = {
		{ LIST, .status = 200, .body = LISTED(PAST) },
		{ CREATE, .status = 200, .body = QUEUED },
		{ POLL, .status = 200,
			.body = "{'id':'dpl_9','target':'production','readyState':'ERROR','"
				"errorMessage':"
				"'it does not build'}" },
		PROJECT_ROW,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(refused), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
	trial_forget(&trial);
	ck_assert_int_eq(run_with(broken), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "it does not build"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_builds_the_last_one_again,
		test_a_lost_answer_makes_no_second_one, test_a_lost_request_is_sent_again,
		test_a_request_that_a_limit_refused_is_not_looked_for,
		test_what_production_shows_is_built_again, test_nothing_to_build_again,
		test_failures, NULL };
	return suite_main("vercel.redeploy", tests, setup, teardown);
}
