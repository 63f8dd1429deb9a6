/*
 * vercel.promote against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_promote.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT   "{'project':'prj_1','deployment':'dpl_2'}"
#define LOOK    "GET", "/vercel/v9/projects/prj_1"
#define GET     "GET", "/vercel/v13/deployments/dpl_2"
#define PROMOTE "POST", "/vercel/v10/projects/prj_1/promote/dpl_2"
#define PROJECT(production, more)                                                                  \
	"{'id':'prj_1','name':'docs','targets':{'production':{'id':'" production "'}}" more "}"
#define ASKED(status, at)                                                                          \
	",'lastAliasRequest':{'fromDeploymentId':'dpl_1','toDeploymentId':'dpl_2','jobStatus':"    \
	"'" status "','requestedAt':" at ",'type':'promote'}"
#define DEPLOYMENT(project, target, state)                                                         \
	"{'id':'dpl_2','projectId':'" project "','target':" target ",'readyState':'" state "'}"
#define BUILT                                                                                      \
	{                                                                                          \
		GET, .status = 200, .body = DEPLOYMENT("prj_1", "'production'", "READY")           \
	}
#define CONFLICT "{'error':{'code':'conflict','message':'another one is under way'}}"

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
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_promote, INPUT, 300);
}

START_TEST(test_promotes_and_waits)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ""), .times = 1 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ASKED("in-progress", "5.5")),
			.times = 1 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", ASKED("succeeded", "5.5")) },
		BUILT,
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'deployment':'dpl_2','previous':'dpl_1'}"));
	ck_assert_int_eq(trial_attempts(&trial), 3);
	ck_assert_int_eq(trial_saves(&trial), 1);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 1);
	ck_assert_str_eq(peer_last(trial.peer, PROMOTE).uri,
		"/vercel/v10/projects/prj_1/promote/dpl_2?slug=acme");
}
END_TEST

START_TEST(test_is_production_already)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'deployment':'dpl_2'}"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
}
END_TEST

START_TEST(test_refuses_what_cannot_be_promoted)
{
	static const struct {
		const char *deployment;
		enum error_class class;
	} cases[] = {
		{ DEPLOYMENT("prj_2", "'production'", "READY"), ERROR_INVALID_INPUT },
		{ DEPLOYMENT("prj_1", "null", "READY"), ERROR_INVALID_INPUT },
		{ DEPLOYMENT("prj_1", "'staging'", "READY"), ERROR_INVALID_INPUT },
		{ DEPLOYMENT("prj_1", "'production'", "ERROR"), ERROR_BUILD_FAILED },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200, .body = PROJECT("dpl_1", "") },
			{ GET, .status = 200, .body = cases[i].deployment },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_str_ne(trial_error(&trial)->remedy, "");
		ck_assert_str_eq(trial_error(&trial)->remedy_input,
			cases[i].class == ERROR_INVALID_INPUT ? "deployment" : "");
		ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 0);
	}
}
END_TEST

START_TEST(test_waits_for_the_build)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ""), .times = 2 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		{ GET, .status = 200, .body = DEPLOYMENT("prj_1", "'production'", "BUILDING"),
			.times = 1 },
		BUILT,
		{ PROMOTE, .status = 201 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 1);
}
END_TEST

START_TEST(test_lost_answer)
{
	static const struct peer_row arrived[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ""), .times = 1 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		BUILT,
		{ PROMOTE, .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	static const struct peer_row lost[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ASKED("succeeded", "1")),
			.times = 40 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		BUILT,
		{ PROMOTE, .status = 500, .times = 1 },
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(arrived), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_promote, INPUT, 5), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 1);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'previous':'dpl_1'")));
	ck_assert_int_eq(run_with(lost), ACTION_FAILED);
	int64_t sent = trial.age_ms;
	ck_assert_int_eq(trial_run(&trial, &vercel_promote, INPUT, 60), ACTION_DONE);
	/* As long as a call and a lease may last. */
	ck_assert_int_ge(trial.age_ms - sent, 90000);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 2);
}
END_TEST

/* The failure that stood there before is not that of this request. */
START_TEST(test_only_its_own_failure_counts)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ASKED("failed", "1")), .times = 2 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ASKED("failed", "2")) },
		BUILT,
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_attempts(&trial), 3);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
}
END_TEST

START_TEST(test_another_promotion_is_waited_for)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ""), .times = 2 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		BUILT,
		{ PROMOTE, .status = 409, .body = CONFLICT, .times = 1 },
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", "") },
		BUILT,
		{ PROMOTE, .status = 409, .body = CONFLICT },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 2);
	trial.age_ms = 599000;
	ck_assert_int_eq(run_with(never), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "another one is under way"));
}
END_TEST

/* The ten minutes are of the promotion: the run may have waited for its build before that, or for a
 * rate limit. */
START_TEST(test_ten_minutes_begin_with_the_request)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", ""), .times = 5 },
		{ LOOK, .status = 200, .body = PROJECT("dpl_2", "") },
		BUILT,
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ LOOK, .status = 200, .body = PROJECT("dpl_1", "") },
		BUILT,
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	trial.age_ms = 3000000;
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	int64_t began = trial.age_ms;
	ck_assert_int_eq(run_with(never), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
	ck_assert_int_ge(trial.age_ms - began, 590000);
	ck_assert_int_lt(trial.age_ms - began, 620000);
}
END_TEST

/* Minutes of another promotion, or of a rate limit, are not those of this one. */
START_TEST(test_ten_minutes_begin_again_when_it_is_accepted)
{
	static const struct peer_row first[] = {
		{ PROMOTE, .status = 409, .body = CONFLICT, .times = 190 },
		{ PROMOTE, .status = 429, .body = "{}", .times = 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		const struct peer_row rows[] = {
			first[i],
			{ PROMOTE, .status = 202 },
			{ LOOK, .status = 200, .body = PROJECT("dpl_1", "") },
			BUILT,
			{ .method = NULL },
		};
		trial_forget(&trial);
		peer_set(trial.peer, rows);
		trial_run(&trial, &vercel_promote, INPUT, first[i].times);
		trial.age_ms += first[i].status == 429 ? 3000000 : 0;
		trial.closed_ms = 0;
		int64_t accepted = trial.age_ms;
		ck_assert_int_eq(trial_run(&trial, &vercel_promote, INPUT, 300), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
		ck_assert_int_ge(trial.age_ms - accepted, 590000);
		ck_assert_int_lt(trial.age_ms - accepted, 620000);
	}
}
END_TEST

/* Where the project does not say what production is, the end of our own request does. */
START_TEST(test_the_requests_own_success_counts)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200,
			.body = "{'id':'prj_1','name':'docs'" ASKED("succeeded", "1") "}",
			.times = 2 },
		{ LOOK, .status = 200,
			.body = "{'id':'prj_1','name':'docs'" ASKED("succeeded", "2") "}" },
		BUILT,
		{ PROMOTE, .status = 202 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'deployment':'dpl_2'}"));
	ck_assert_int_eq(trial_attempts(&trial), 3);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_promotes_and_waits, test_is_production_already,
		test_refuses_what_cannot_be_promoted, test_waits_for_the_build, test_lost_answer,
		test_only_its_own_failure_counts, test_another_promotion_is_waited_for,
		test_ten_minutes_begin_with_the_request,
		test_ten_minutes_begin_again_when_it_is_accepted,
		test_the_requests_own_success_counts, NULL };
	return suite_main("vercel.promote", tests, setup, teardown);
}
