/*
 * Deployments that Vercel builds and does not show: staged ones, ones older than the change, and
 * ones that a project's own command has cancelled.
 *
 * covers: workflows/actions/vercel_readiness.c workflows/actions/vercel_deployment.c
 * covers: workflows/actions/vercel_alias.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT                                                                                      \
	"{'project':'prj_1','projectName':'docs','repository':'acme/docs','repositoryId':42,"      \
	"'branch':'main','after':1000"
#define HEAD    "GET", "/github/repos/acme/docs/branches/main"
#define LIST    "GET", "/vercel/v7/deployments"
#define CREATE  "POST", "/vercel/v13/deployments"
#define POLL    "GET", "/vercel/v13/deployments/dpl_1"
#define FIND    "GET", "/vercel/v9/projects/prj_1/domains"
#define PROJECT "GET", "/vercel/v9/projects/prj_1"
#define PROMOTE "POST", "/vercel/v10/projects/prj_1/promote/dpl_1"
#define STATE(state, created, more)                                                                \
	"{'id':'dpl_1','url':'docs-1.vercel.app','createdAt':" created ",'target':'production',"   \
	"'readyState':'" state "','inspectorUrl':'https://vercel.com/acme/docs/1'" more "}"
#define QUEUED   STATE("QUEUED", "2000", "")
#define STAGED   STATE("READY", "2000", ",'readySubstate':'STAGED','aliasAssigned':1700000000000")
#define PROMOTED STATE("READY", "2000", ",'readySubstate':'PROMOTED','aliasAssigned':1700000000000")

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

/* A new deployment that answers to polls with what the rows say before all else. */
static void play(const struct peer_row *special, size_t count)
{
	static struct peer_row rows[16];
	const struct peer_row usual[] = {
		{ HEAD, .status = 200, .body = "{'name':'main','commit':{'sha':'abc123'}}" },
		{ LIST, .status = 200, .body = "{'deployments':[]}" },
		{ CREATE, .status = 200, .body = QUEUED },
		{ FIND, .status = 200, .body = "{'domains':[{'name':'docs.vercel.app'}]}" },
		{ .method = NULL },
	};
	ck_assert_uint_le(count + ARRAY_LEN(usual), ARRAY_LEN(rows));
	memcpy(rows, special, count * sizeof(*special));
	memcpy(rows + count, usual, sizeof(usual));
	peer_set(trial.peer, rows);
	trial_forget(&trial);
}

static void assert_told_of_staging(void)
{
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "staged"));
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "rolled back"));
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "promote");
}

/* The generated addresses may count as assigned; production shows another
 * deployment all the same. */
START_TEST(test_after_a_rollback_it_is_told_at_once)
{
	static const struct peer_row rows[] = {
		{ POLL, .status = 200, .body = STAGED },
		{ PROJECT, .status = 200,
			.body = "{'id':'prj_1','autoAssignCustomDomains':false}" },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_FAILED);
	ck_assert_int_lt(trial.age_ms, 5000);
	assert_told_of_staging();
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 0);
}
END_TEST

START_TEST(test_what_is_staged_for_a_moment_is_waited_for)
{
	static const struct peer_row soon[] = {
		{ POLL, .status = 200, .body = STAGED, .times = 3 },
		{ POLL, .status = 200, .body = PROMOTED },
		{ PROJECT, .status = 200, .body = "{'id':'prj_1'}" },
	};
	static const struct peer_row never[] = {
		{ POLL, .status = 200, .body = STAGED },
		{ PROJECT, .status = 200, .body = "{'id':'prj_1','autoAssignCustomDomains':true}" },
	};
	play(soon, ARRAY_LEN(soon));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_DONE);
	play(never, ARRAY_LEN(never));
	trial.age_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 200), ACTION_FAILED);
	ck_assert_int_ge(trial.age_ms, 50000);
	ck_assert_int_lt(trial.age_ms, 120000);
	assert_told_of_staging();
}
END_TEST

START_TEST(test_it_is_promoted_where_that_is_wished)
{
	static const struct peer_row rows[] = {
		{ POLL, .status = 200, .body = STAGED, .times = 3 },
		{ POLL, .status = 200, .body = PROMOTED },
		{ PROJECT, .status = 200,
			.body = "{'id':'prj_1','autoAssignCustomDomains':false}" },
		{ PROMOTE, .status = 409, .body = "{'error':{'code':'conflict'}}", .times = 1 },
		{ PROMOTE, .status = 201, .body = "{}" },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(
		trial_run(&trial, &vercel_deployment, INPUT ",'promote':true}", 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 2);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'alias':'https://docs.vercel.app'")));
}
END_TEST

/* Minutes in which another promotion was in progress are not those of this one. */
START_TEST(test_its_time_to_be_live_begins_with_the_promotion)
{
	static const struct peer_row rows[] = {
		{ POLL, .status = 200, .body = STAGED, .times = 76 },
		{ POLL, .status = 200, .body = PROMOTED },
		{ PROJECT, .status = 200,
			.body = "{'id':'prj_1','autoAssignCustomDomains':false}" },
		{ PROMOTE, .status = 409, .body = "{'error':{'code':'conflict'}}", .times = 55 },
		{ PROMOTE, .status = 201, .body = "{}" },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(
		trial_run(&trial, &vercel_deployment, INPUT ",'promote':true}", 99), ACTION_DONE);
	ck_assert_int_gt(trial.age_ms, 1200000);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 56);
}
END_TEST

START_TEST(test_one_that_is_older_than_the_change_is_not_taken_for_the_new_one)
{
	static const struct peer_row rows[] = {
		{ CREATE, .status = 200, .body = STATE("READY", "999", "") },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "older than the last change"));
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CREATE).uri, "forceNew=1"));
}
END_TEST

START_TEST(test_what_a_command_of_the_project_cancels_has_no_build_to_look_at)
{
	static const struct peer_row rows[] = {
		{ POLL, .status = 200,
			.body = STATE("CANCELED", "2000",
				",'errorLink':'https://vercel.com/docs/platform/"
				"projects#ignored-build-step',"
				"'errorMessage':'The Deployment has been canceled'") },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "Ignored Build Step"));
}
END_TEST

/* Nothing is built to find that out. */
START_TEST(test_a_plan_says_that_production_is_pinned)
{
	static const struct peer_row pinned[] = {
		{ PROJECT, .status = 200,
			.body = "{'id':'prj_1','autoAssignCustomDomains':false}" },
	};
	trial.planned = true;
	play(pinned, ARRAY_LEN(pinned));
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT "}"), ACTION_FAILED);
	assert_told_of_staging();
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "would be built"));
	ck_assert_str_eq(trial_change(&trial), "");

	trial_attempt(&trial, &vercel_deployment, INPUT ",'promote':true}");
	ck_assert_str_eq(trial_change(&trial), "create");
	trial_forget(&trial);
	trial_attempt(&trial, &vercel_deployment, INPUT ",'target':'preview'}");
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

START_TEST(test_a_plan_of_a_redeployment_says_it_as_well)
{
	static const struct peer_row pinned[] = {
		{ LIST, .status = 200, .body = "{'deployments':[" PROMOTED "]}" },
		{ PROJECT, .status = 200,
			.body = "{'id':'prj_1','autoAssignCustomDomains':false}" },
	};
	trial.planned = true;
	play(pinned, ARRAY_LEN(pinned));
	ck_assert_int_eq(
		trial_attempt(&trial, &vercel_redeploy, "{'project':'prj_1'}"), ACTION_FAILED);
	assert_told_of_staging();
	trial_attempt(&trial, &vercel_redeploy, "{'project':'prj_1','promote':true}");
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

START_TEST(test_a_plan_says_that_the_newest_deployment_is_staged)
{
	static const struct peer_row staged[] = {
		{ LIST, .times = 1, .status = 200, .body = "{'deployments':[]}" },
		{ LIST, .status = 200, .body = "{'deployments':[" STAGED "]}" },
		{ PROJECT, .status = 200, .body = "{'id':'prj_1'}" },
	};
	trial.planned = true;
	play(staged, ARRAY_LEN(staged));
	trial_attempt(&trial, &vercel_deployment, INPUT "}");
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_ptr_nonnull(strstr(trial_difference(&trial, 0), "dpl_1, is staged"));
}
END_TEST

#define CHECKING                                                                                   \
	STATE("READY", "2000",                                                                     \
		",'readySubstate':'STAGED','aliasAssigned':false,'checksState':'running'")

/* Checks may take minutes, and nobody gets past them by "promote". */
START_TEST(test_running_checks_are_no_rollback)
{
	static const struct peer_row rows[] = {
		{ POLL, .status = 200, .body = CHECKING, .times = 30 },
		{ POLL, .status = 200, .body = PROMOTED },
		{ PROJECT, .status = 200, .body = "{'id':'prj_1'}" },
		{ PROMOTE, .status = 201, .body = "{}" },
	};
	play(rows, ARRAY_LEN(rows));
	ck_assert_int_eq(
		trial_run(&trial, &vercel_deployment, INPUT ",'promote':true}", 60), ACTION_DONE);
	ck_assert_int_gt(trial.age_ms, 60000);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 0);
}
END_TEST

#define FOUND                                                                                      \
	{                                                                                          \
		LIST, .status = 200,                                                               \
		      .body = "{'deployments':[{'uid':'dpl_1','created':2000,'state':'READY'}]}"   \
	}
#define SHOWS(id, at)                                                                              \
	{                                                                                          \
		PROJECT, .status = 200,                                                            \
			 .body = "{'id':'prj_1','targets':{'production':{'id':'" id                \
				 "','createdAt':" at "}}}"                                         \
	}

/* One of the commit was live once, and says so for ever. */
START_TEST(test_what_was_rolled_back_is_not_done)
{
	static const struct peer_row older[] = { { POLL, .status = 200, .body = PROMOTED }, FOUND,
		SHOWS("dpl_0", "1000"), { PROMOTE, .status = 201, .body = "{}" } };
	static const struct peer_row same[] = { { POLL, .status = 200, .body = PROMOTED }, FOUND,
		SHOWS("dpl_1", "2000") };
	static const struct peer_row younger[] = { { POLL, .status = 200, .body = PROMOTED }, FOUND,
		SHOWS("dpl_2", "3000") };
	play(older, ARRAY_LEN(older));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_FAILED);
	assert_told_of_staging();
	trial_forget(&trial);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_deployment, INPUT ",'promote':true}"),
		ACTION_WAITING);
	ck_assert_uint_eq(peer_count(trial.peer, PROMOTE), 1);
	play(same, ARRAY_LEN(same));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_DONE);
	play(younger, ARRAY_LEN(younger));
	ck_assert_int_eq(trial_run(&trial, &vercel_deployment, INPUT "}", 9), ACTION_DONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_plan_says_that_production_is_pinned,
		test_a_plan_of_a_redeployment_says_it_as_well,
		test_a_plan_says_that_the_newest_deployment_is_staged,
		test_after_a_rollback_it_is_told_at_once,
		test_what_is_staged_for_a_moment_is_waited_for,
		test_it_is_promoted_where_that_is_wished,
		test_its_time_to_be_live_begins_with_the_promotion,
		test_one_that_is_older_than_the_change_is_not_taken_for_the_new_one,
		test_what_a_command_of_the_project_cancels_has_no_build_to_look_at,
		test_running_checks_are_no_rollback, test_what_was_rolled_back_is_not_done, NULL };
	return suite_main("staged", tests, setup, teardown);
}
