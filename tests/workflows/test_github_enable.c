/*
 * github.workflow where GitHub Actions are off: what is switched on, and for what a person is
 * waited for.
 *
 * covers: workflows/actions/github_enable.c workflows/actions/github_workflow_run.c
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

#define INPUT(name) "{'repository':'acme/docs','workflow':'" name "','ref':'main'}"
#define BASE        "/github/repos/acme/docs/actions"
#define RUNS        "GET", BASE "/workflows/setup.yml/runs"
#define DISPATCH    "POST", BASE "/workflows/setup.yml/dispatches"
#define SHOW        "GET", BASE "/workflows/setup.yml"
#define ENABLE      "PUT", BASE "/workflows/setup.yml/enable"
#define ALLOWED     "GET", BASE "/permissions"
#define ALLOW       "PUT", BASE "/permissions"
#define WORKFLOW    "GET", "/github/repos/acme/docs/contents/.github%2Fworkflows%2Fsetup.yml"
#define PAGE        "https://github.com/acme/docs/actions"

#define MESSAGE(text)  "{'message':\"" text "\"}"
#define NOT_FOUND      MESSAGE("Not Found")
#define OFF            MESSAGE("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
#define FORBIDDEN      MESSAGE("Resource not accessible by personal access token")
#define IN_STATE(name) "{'id':5,'state':'" name "'}"
#define HEAD                                                                                       \
	{                                                                                          \
		"GET", "/github/repos/acme/docs/branches/main",                                    \
			.status = 200, .body = "{'name':'main','commit':{'sha':'abc1'}}"           \
	}
#define NO_RUNS                                                                                    \
	{                                                                                          \
		RUNS, .status = 200, .body = "{'workflow_runs':[]}"                                \
	}
#define STARTS                                                                                     \
	{ DISPATCH, .status = 200,                                                                 \
		.body = "{'workflow_run_id':77,'run_url':'x','html_url':'x'}" },                   \
	{                                                                                          \
		"GET", BASE "/runs/77",                                                            \
			.status = 200,                                                             \
			.body = "{'id':77,'status':'completed','conclusion':'success'}"            \
	}

static enum action_result run_with(const struct peer_row *rows, int attempts_max)
{
	trial_forget(&trial);
	trial.age_ms = 0;
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_workflow_run, INPUT("setup.yml"), attempts_max);
}

/* Looks again and again while it waits for a person. */
static enum action_result go_on(int looks)
{
	enum action_result result = ACTION_WAITING;
	while (result == ACTION_WAITING && looks-- > 0)
		result = trial_run(&trial, &github_workflow_run, INPUT("setup.yml"), 9);
	return result;
}

START_TEST(test_switches_on_what_a_fork_has_off)
{
	static const struct peer_row rows[] = {
		HEAD,
		NO_RUNS,
		{ DISPATCH, .status = 422, .body = OFF, .times = 1 },
		{ ALLOWED, .status = 200, .body = "{'enabled':false}" },
		{ ALLOW, .status = 204 },
		{ SHOW, .status = 200, .body = IN_STATE("disabled_fork") },
		{ ENABLE, .status = 204 },
		STARTS,
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, 9), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, ALLOW).body, J("{'enabled':true}"));
	ck_assert_uint_eq(peer_count(trial.peer, ENABLE), 1);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 2);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "allowed setup.yml of acme/docs to run"));
}
END_TEST

/* Made long ago with Actions on: people have switched them off since. */
START_TEST(test_what_is_older_is_left_off)
{
	static const struct peer_row rows[] = {
		HEAD,
		NO_RUNS,
		{ DISPATCH, .status = 422, .body = OFF },
		{ ALLOWED, .status = 200, .body = "{'enabled':false}" },
		{ ALLOW, .status = 204 },
		{ SHOW, .status = 200, .body = IN_STATE("disabled_manually") },
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 2 * 3600000);
	ck_assert_int_eq(run_with(rows, 9), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_uint_eq(peer_count(trial.peer, ALLOW), 0);
}
END_TEST

/* Where it is not the app's own, people have their reasons for having all of Actions off. */
START_TEST(test_the_whole_of_a_repository_of_others_is_left_off)
{
	static const struct peer_row rows[] = {
		HEAD,
		NO_RUNS,
		{ DISPATCH, .status = 422, .body = OFF, .times = 1 },
		{ SHOW, .status = 200, .body = IN_STATE("disabled_inactivity") },
		{ ENABLE, .status = 204 },
		STARTS,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, ALLOWED), 0);
	ck_assert_uint_eq(peer_count(trial.peer, ENABLE), 1);
}
END_TEST

/* It says where to click, and goes on by itself once somebody did. */
START_TEST(test_waits_for_a_person_where_it_may_not)
{
	static const struct {
		struct peer_row show, enable;
		unsigned enables;
	} cases[] = {
		{ { SHOW, .status = 404, .body = NOT_FOUND },
			{ ENABLE, .status = 403, .body = FORBIDDEN }, 1 },
		{ { SHOW, .status = 200, .body = IN_STATE("disabled_fork") },
			{ ENABLE, .status = 404, .body = NOT_FOUND }, 1 },
		/* Somebody has switched it off, and knows why. */
		{ { SHOW, .status = 200, .body = IN_STATE("disabled_manually") },
			{ ENABLE, .status = 204 }, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			HEAD,
			NO_RUNS,
			{ DISPATCH, .status = 422, .body = OFF, .times = 3 },
			{ ALLOWED, .status = 403, .body = FORBIDDEN },
			cases[i].show,
			cases[i].enable,
			STARTS,
			{ .method = NULL },
		};
		trial_made(&trial, "github:repository:acme/docs", 5000);
		ck_assert_int_eq(run_with(rows, 1), ACTION_WAITING);
		ck_assert(trial_waits_for_person(&trial));
		ck_assert_msg(strstr(trial_wait_text(&trial), PAGE) != NULL, "%s",
			trial_wait_text(&trial));
		ck_assert_int_eq(go_on(5), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, ENABLE), cases[i].enables);
		ck_assert_uint_eq(peer_count(trial.peer, ALLOWED), 1);
		ck_assert_uint_eq(peer_count(trial.peer, ALLOW), 0);
	}
}
END_TEST

/* GitHub does not show a workflow of a fork until it may run; its file is there. */
START_TEST(test_a_workflow_that_is_not_shown_is_off)
{
	static const struct peer_row rows[] = {
		HEAD,
		{ RUNS, .status = 404, .body = NOT_FOUND, .times = 40 },
		{ WORKFLOW, .status = 200, .body = "{'type':'file'}" },
		{ SHOW, .status = 404, .body = NOT_FOUND },
		{ ENABLE, .status = 404, .body = NOT_FOUND },
		NO_RUNS,
		STARTS,
		{ .method = NULL },
	};
	static const struct peer_row limited[] = {
		HEAD,
		NO_RUNS,
		{ DISPATCH, .status = 403,
			.body = MESSAGE("Actions has been disabled for this repository.") },
		{ SHOW, .status = 200, .body = IN_STATE("active") },
		{ ENABLE, .status = 403,
			.body = MESSAGE("You have exceeded a secondary rate limit.") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, 36), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_int_eq(go_on(30), ACTION_DONE);
	ck_assert_int_eq(run_with(limited, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
}
END_TEST

/* People copy the path as they see it. */
START_TEST(test_takes_the_path_of_the_file)
{
	static const struct peer_row rows[] = { HEAD, NO_RUNS, STARTS, { .method = NULL } };
	peer_set(trial.peer, rows);
	ck_assert_int_eq(
		trial_run(&trial, &github_workflow_run, INPUT(".github/workflows/setup.yml"), 9),
		ACTION_DONE);
	ck_assert_int_eq(trial_run(&trial, &github_workflow_run, INPUT("workflows/setup.yml"), 9),
		ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_refusals_lead_to_the_member)
{
	static const struct {
		const char *message, *member;
	} cases[] = {
		{ MESSAGE("No ref found for: main"), "ref" },
		{ MESSAGE("Workflow does not have 'workflow_dispatch' trigger"), "workflow" },
		{ MESSAGE("Required input 'x' not provided"), "inputs" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { HEAD, NO_RUNS,
			{ DISPATCH, .status = 422, .body = cases[i].message }, { .method = NULL } };
		ck_assert_int_eq(run_with(rows, 1), ACTION_FAILED);
		ck_assert_str_eq(trial_error(&trial)->remedy_input, cases[i].member);
	}
}
END_TEST

/* Actions know a branch and its workflows a little later than the rest of GitHub does. */
START_TEST(test_a_fresh_repository_may_only_be_late)
{
	static const struct peer_row rows[] = {
		HEAD,
		NO_RUNS,
		{ DISPATCH, .status = 422, .body = MESSAGE("No ref found for: main"), .times = 1 },
		{ DISPATCH, .status = 422,
			.body = MESSAGE("Workflow does not have 'workflow_dispatch' trigger"),
			.times = 1 },
		STARTS,
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH), 3);
}
END_TEST

static enum action_result plan_with(struct peer_row allowed, struct peer_row show)
{
	const struct peer_row rows[] = { HEAD, NO_RUNS, allowed, show, { .method = NULL } };

	trial_forget(&trial);
	trial.planned = true;
	peer_set(trial.peer, rows);
	return trial_attempt(&trial, &github_workflow_run, INPUT("setup.yml"));
}

/* A plan reads what a run is told by the refusal of its dispatch. */
START_TEST(test_a_plan_says_what_is_off)
{
	const struct peer_row off = { ALLOWED, .status = 200, .body = "{\"enabled\":false}" };
	const struct peer_row on = { ALLOWED, .status = 200, .body = "{\"enabled\":true}" };
	const struct peer_row untold = { ALLOWED, .status = 403, .body = FORBIDDEN };
	const struct peer_row active = { SHOW, .status = 200, .body = IN_STATE("active") };
	const struct peer_row fork = { SHOW, .status = 200, .body = IN_STATE("disabled_fork") };
	const struct peer_row manually = { SHOW, .status = 200,
		.body = IN_STATE("disabled_manually") };

	ck_assert_int_eq(plan_with(off, active), ACTION_WAITING);
	ck_assert_ptr_nonnull(strstr(trial_wait_text(&trial), PAGE));
	ck_assert_int_eq(plan_with(untold, manually), ACTION_WAITING);
	ck_assert_str_eq(trial_change(&trial), "");

	plan_with(on, active);
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_str_eq(trial_difference(&trial, 0), "");
	plan_with(untold, fork);
	ck_assert_str_eq(trial_difference(&trial, 0),
		"workflow setup.yml is off (disabled_fork), and would be enabled");

	trial_made(&trial, "github:repository:acme/docs", 5000);
	plan_with(off, active);
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_str_eq(trial_difference(&trial, 0),
		"GitHub Actions are off in acme/docs, and would be allowed");
	ck_assert_uint_eq(peer_count(trial.peer, DISPATCH) + peer_count(trial.peer, ALLOW) +
			peer_count(trial.peer, ENABLE),
		0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_plan_says_what_is_off,
		test_switches_on_what_a_fork_has_off, test_what_is_older_is_left_off,
		test_the_whole_of_a_repository_of_others_is_left_off,
		test_waits_for_a_person_where_it_may_not, test_a_workflow_that_is_not_shown_is_off,
		test_takes_the_path_of_the_file, test_refusals_lead_to_the_member,
		test_a_fresh_repository_may_only_be_late, NULL };
	return suite_main("github.workflow: Actions that are off", tests, setup, teardown);
}
