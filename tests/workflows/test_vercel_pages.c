/*
 * Lists of Vercel that come in pages, and what a person is told where a deployment ends badly.
 *
 * covers: workflows/actions/vercel_pages.c workflows/actions/vercel_production.c
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
#define LIST       "GET", "/vercel/v7/deployments"
#define DOMAINS    "GET", "/vercel/v9/projects/prj_1/domains"
#define CREATE     "POST", "/vercel/v13/deployments"
#define POLL       "GET", "/vercel/v13/deployments/dpl_1"
#define NEXT(next) ",'pagination':{'count':1,'next':" next ",'prev':null}"
#define FAILED     "{'deployments':[{'uid':'dpl_0','created':5000,'state':'ERROR'}]"
#define MADE(state, more)                                                                          \
	"{'id':'dpl_1','url':'d.vercel.app','createdAt':2000,'target':'production',"               \
	"'inspectorUrl':'https://vercel.com/acme/docs/1','readyState':'" state "'" more "}"
#define COMMON                                                                                     \
	{ "GET", "/github/repos/acme/docs/branches/main", .status = 200,                           \
		.body = "{'name':'main','commit':{'sha':'abc123'}}" },                             \
	{                                                                                          \
		"GET", "/vercel/v9/projects/prj_1", .status = 200, .body = "{'id':'prj_1'}"        \
	}

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
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_deployment, INPUT, attempts_max);
}

START_TEST(test_lists_are_read_to_their_end)
{
	static const struct peer_row rows[] = {
		COMMON,
		{ LIST, .status = 200, .body = FAILED NEXT("1700000000000") "}", .times = 1 },
		{ LIST, .status = 200, .body = FAILED NEXT("1600000000000") "}", .times = 1 },
		{ LIST, .status = 200,
			.body = "{'deployments':[{'uid':'dpl_1','created':3000,'state':'READY'}"
				"]" NEXT("null") "}" },
		{ POLL, .status = 200, .body = MADE("READY", ",'aliasAssigned':true") },
		{ DOMAINS, .status = 200,
			.body = "{'domains':[{'name':'a.vercel.app'}]" NEXT("1700000000000") "}",
			.times = 1 },
		{ DOMAINS, .status = 200, .body = "{'domains':[{'name':'docs.example.org'}]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 3), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
	ck_assert_uint_eq(peer_count(trial.peer, LIST), 3);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, LIST).uri, "&until=1600000000000"));
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, DOMAINS).uri, "until=1700000000000"));
	ck_assert_ptr_nonnull(
		strstr(trial_output(&trial), J("'alias':'https://docs.example.org'")));
}
END_TEST

/* Neither a page that leads to itself, nor an empty one that leads on, is read for ever. */
START_TEST(test_a_list_that_does_not_end_is_left)
{
	static const char *const endless[] = { FAILED NEXT("1700000000000") "}",
		"{'deployments':[]" NEXT("1700000000000") "}" };
	for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
		const struct peer_row rows[] = {
			COMMON,
			{ LIST, .status = 200, .body = endless[i] },
			{ CREATE, .status = 200, .body = MADE("QUEUED", "") },
			{ POLL, .status = 200, .body = MADE("QUEUED", "") },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, 1), ACTION_WAITING);
		ck_assert_uint_le(peer_count(trial.peer, LIST), 2);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	}
}
END_TEST

START_TEST(test_a_page_that_fails_fails_the_list)
{
	static const struct peer_row rows[] = {
		COMMON,
		{ LIST, .status = 200, .body = FAILED NEXT("1700000000000") "}", .times = 1 },
		{ LIST, .status = 500, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PROVIDER_UNAVAILABLE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

/* Vercel's description has pages of variables, and no parameter to ask for them. */
START_TEST(test_a_list_of_variables_that_is_cut_is_told_of)
{
	static const struct peer_row rows[] = {
		{ "GET", "/vercel/v10/projects/prj_1/env", .status = 200,
			.body = "{'envs':[{'id':'e1','key':'A','value':'x','type':'plain','target':"
				"['production'],'updatedAt':5}]" NEXT("1700000000000") "}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_environment,
				 "{'project':'prj_1','variables':[{'key':'A','value':'x','type':"
				 "'plain','targets':['production']}]}",
				 1),
		ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "lists only 1 of"));
}
END_TEST

/* Each says what a person can do at that place: there is no build log of what somebody stopped, and
 * nothing to cancel of what is built. */
START_TEST(test_what_ends_a_deployment_says_what_to_do)
{
	static const struct {
		const char *body, *words, *never;
		int attempts;
	} cases[] = {
		{ MADE("CANCELED", ""), "Trigger the step again to deploy again", "build log", 3 },
		{ MADE("DELETED", ""), "Trigger the step again to deploy again", "build log", 3 },
		{ MADE("ERROR", ",'errorMessage':'exited with 1'"), "build log", "stopped", 3 },
		{ MADE("READY", ",'aliasAssigned':false"), "Check the domains", "cancel", 999 },
		{ MADE("READY", ",'aliasError':{'message':'no'}"), "Check the domains", "log", 3 },
		{ MADE("BLOCKED", ""), "member of the team", "log", 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			COMMON,
			{ LIST, .status = 200, .body = "{'deployments':[]}" },
			{ CREATE, .status = 200, .body = MADE("QUEUED", "") },
			{ POLL, .status = 200, .body = cases[i].body },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, cases[i].attempts), ACTION_FAILED);
		const struct error *error = trial_error(&trial);
		ck_assert_msg(strstr(error->remedy, cases[i].words) != NULL, "%s", error->remedy);
		ck_assert_msg(strstr(error->remedy, cases[i].never) == NULL, "%s", error->remedy);
		ck_assert_str_eq(error->remedy_url, "https://vercel.com/acme/docs/1");
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_lists_are_read_to_their_end,
		test_a_list_that_does_not_end_is_left, test_a_page_that_fails_fails_the_list,
		test_a_list_of_variables_that_is_cut_is_told_of,
		test_what_ends_a_deployment_says_what_to_do, NULL };
	return suite_main("pages of Vercel", tests, setup, teardown);
}
