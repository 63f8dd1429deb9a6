/*
 * vercel.environment against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_environment.c workflows/actions/vercel_variables.c
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

#define LIST             "GET", "/vercel/v10/projects/prj_1/env"
#define WRITE            "POST", "/vercel/v10/projects/prj_1/env"
#define INPUT(variables) "{'project':'prj_1','variables':[" variables "]}"
#define PLAIN            "{'key':'SITE','value':'docs','type':'plain','targets':['production']}"
#define SECRET           "{'key':'API_KEY','value':'hush-hush'}"
#define LISTED(updated)                                                                            \
	"{'envs':[{'key':'SITE','value':'docs','type':'plain','target':['production'],"            \
	"'gitBranch':null,'updatedAt':" updated "},{'key':'OLD','type':'encrypted','value':'',"    \
	"'target':'preview','updatedAt':50}]}"

#define COUNTS(changed, created, updated, unchanged, removed)                                      \
	"'changed':" changed ",'created':" created ",'updated':" updated ",'unchanged':" unchanged \
	",'removed'"                                                                               \
	":" removed

/* One of each kind, as Vercel lists them. */
#define ENTRY(id, key, value, type, target, more)                                                  \
	"{'id':'" id "','key':'" key "','value':'" value "','type':'" type "','target':" target    \
	",'updatedAt':100" more "}"
#define ENVS(entries)    "{'envs':[" entries "]}"
#define BY_ID(id)        "/vercel/v9/projects/prj_1/env/" id
#define WRITTEN          "{'created':[],'failed':[]}"
#define EXISTS(code)     "{'error':{'code':'" code "','message':'exists','envVarKey':'SITE'}}"
#define PRODUCTION       "['production']"
#define PRUNE(variables) "{'project':'prj_1','prune':true,'variables':[" variables "]}"

static enum action_result run_with(const struct peer_row *rows, const char *input)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_environment, input, 5);
}

START_TEST(test_writes_what_differs)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("100"), .times = 1 },
		{ LIST, .status = 200, .body = LISTED("200") },
		{ WRITE, .status = 201,
			.body = "{'created':[{'key':'API_KEY','value':'x'}],'failed':[]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN "," SECRET)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'keys':['SITE','API_KEY']," COUNTS(
			"1", "1", "0", "1", "0") ",'updatedAt':200}"));
	struct peer_request request = peer_last(trial.peer, WRITE);
	ck_assert_str_eq(request.uri, "/vercel/v10/projects/prj_1/env?upsert=true&slug=acme");
	ck_assert_str_eq(request.body,
		J("[{'key':'API_KEY','value':'hush-hush','type':'encrypted',"
		  "'target':['production','preview','development']}]"));
	ck_assert_ptr_null(strstr(trial_output(&trial), "hush-hush"));
	ck_assert_ptr_null(strstr(trial_checkpoint(&trial), "hush-hush"));
	ck_assert_ptr_null(strstr(trial_log(&trial), "hush-hush"));
}
END_TEST

START_TEST(test_leaves_equal_ones_alone)
{
	static const struct peer_row rows[] = { { LIST, .status = 200, .body = LISTED("100") },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'keys':['SITE']," COUNTS("0", "0", "0", "1", "0") ",'updatedAt':100}"));
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 0);
}
END_TEST

START_TEST(test_each_difference_is_written)
{
	static const char *const inputs[] = {
		INPUT("{'key':'SITE','value':'other','type':'plain','targets':['production']}"),
		INPUT("{'key':'SITE','value':'docs','type':'plain','targets':['production','"
		      "preview']"
		      "}"),
		INPUT("{'key':'SITE','value':'docs','type':'encrypted','targets':['production']}"),
		INPUT("{'key':'SITE','value':'docs','type':'plain','targets':['preview'],"
		      "'gitBranch':'dev','comment':'of dev only'}"),
	};
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("100") },
		{ WRITE, .status = 201, .body = "{'created':[],'failed':[]}" },
		{ .method = NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i]), ACTION_DONE);
		ck_assert_msg(peer_count(trial.peer, WRITE) == 1, "%s", inputs[i]);
	}
}
END_TEST

START_TEST(test_success_without_failed_is_success)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{'envs':[]}" },
		{ WRITE, .status = 200, .body = "{'envs':[{'key':'API_KEY'}]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(SECRET)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'keys':['API_KEY']," COUNTS("1", "1", "0", "0", "0") ",'updatedAt':0}"));
}
END_TEST

START_TEST(test_partial_success_is_a_failure)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{'envs':[]}" },
		{ WRITE, .status = 201,
			.body = "{'created':[{'key':'SITE'}],'failed':[{'error':{'code':'ENV_"
				"CONFLICT',"
				"'message':'exists for the branch','envVarKey':'API_KEY'}}]}" },
		{ .method = NULL },
	};
	static const struct peer_row rest[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "docs", "plain", PRODUCTION, "")) },
		{ WRITE, .status = 201, .body = WRITTEN },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN "," SECRET)), ACTION_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "API_KEY"));
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "exists for the branch"));
	ck_assert_ptr_null(strstr(trial_error(&trial)->message, "hush-hush"));
	/* Triggered again, it completes the rest. */
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rest, INPUT(PLAIN "," SECRET)), ACTION_DONE);
	ck_assert_ptr_null(strstr(peer_last(trial.peer, WRITE).body, "SITE"));
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("1", "1", "0", "1", "0"))));
}
END_TEST

START_TEST(test_sensitive_is_not_for_development)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{'envs':[]}" },
		{ WRITE, .status = 201, .body = "{'created':[],'failed':[]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows,
				 INPUT("{'key':'K','value':'v','type':'sensitive',"
				       "'targets':['production','development']}")),
		ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "variables");
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 0);
	ck_assert_int_eq(run_with(rows,
				 INPUT("{'key':'K','value':'v','type':'sensitive',"
				       "'targets':['production','preview']}")),
		ACTION_DONE);
}
END_TEST

START_TEST(test_targets_and_type_are_changed_by_id)
{
	static const char *const lists[] = {
		ENVS(ENTRY("e1", "SITE", "docs", "plain", "['production','preview']", "")),
		ENVS(ENTRY("e1", "SITE", "x", "encrypted", PRODUCTION, "")),
	};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = 200, .body = lists[i] },
			{ "PATCH", BY_ID("e1"), .status = 200, .body = "{}" },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_DONE);
		ck_assert_str_eq(peer_last(trial.peer, "PATCH", BY_ID("e1")).body,
			J("{'key':'SITE','value':'docs','type':'plain','target':['production']}"));
		ck_assert_uint_eq(peer_count(trial.peer, WRITE), 0);
		ck_assert_ptr_nonnull(
			strstr(trial_output(&trial), J(COUNTS("1", "0", "1", "0", "0"))));
	}
}
END_TEST

START_TEST(test_branch_and_comment_are_written_by_id)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "old", "encrypted", "['preview']",
				",'gitBranch':'next'")) },
		{ "PATCH", BY_ID("e1"), .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows,
			INPUT("{'key':'SITE','value':'docs','type':'plain','targets':['preview'],"
			      "'gitBranch':'next','comment':'of the site'}")),
		ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, "PATCH", BY_ID("e1")).body,
		J("{'key':'SITE','value':'docs','type':'plain','target':['preview'],'gitBranch':"
		  "'next',"
		  "'comment':'of the site'}"));
}
END_TEST

START_TEST(test_same_name_elsewhere_is_another_variable)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY(
				"e1", "SITE", "docs", "plain", "['preview']", "") "," ENTRY("e2",
				"SITE", "docs", "plain", PRODUCTION, ",'gitBranch':'dev'")) },
		{ WRITE, .status = 201, .body = WRITTEN },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("1", "1", "0", "0", "0"))));
	/* Two listings and one write: nothing else was touched. */
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 3);
}
END_TEST

/* One variable for two targets where there were two, and the target that nobody wishes stays as it
 * is. */
START_TEST(test_makes_room)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "a", "plain", PRODUCTION, "") "," ENTRY(
				"e2", "SITE", "b", "plain", "['preview','development']",
				"") "," ENTRY("e3", "OTHER", "b", "plain", "['preview']", "")) },
		{ "PATCH", BY_ID("e2"), .status = 200, .body = "{}" },
		{ "PATCH", BY_ID("e1"), .status = 200, .body = "{}" },
		{ "DELETE", BY_ID("e2"), .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows,
				 INPUT("{'key':'SITE','value':'docs','type':'plain',"
				       "'targets':['production','preview']}")),
		ACTION_DONE);
	ck_assert_str_eq(
		peer_last(trial.peer, "PATCH", BY_ID("e2")).body, J("{'target':['development']}"));
	ck_assert_uint_eq(peer_count(trial.peer, "PATCH", BY_ID("e1")), 1);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", BY_ID("e2")), 0);
	ck_assert_int_eq(
		run_with(rows, INPUT("{'key':'SITE','value':'docs','type':'plain'}")), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", BY_ID("e2")), 1);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("1", "0", "1", "0", "1"))));
}
END_TEST

START_TEST(test_what_gives_targets_goes_first)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY(
				"e1", "SITE", "a", "plain", "['development']", "") "," ENTRY("e2",
				"SITE", "b", "plain", "['production','preview']", "")) },
		{ "PATCH", BY_ID("e1"), .status = 400, .body = EXISTS("ENV_CONFLICT"), .times = 1 },
		{ .method = NULL },
	};
	static const struct peer_row good[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY(
				"e1", "SITE", "a", "plain", "['development']", "") "," ENTRY("e2",
				"SITE", "b", "plain", "['production','preview']", "")) },
		{ "PATCH", BY_ID("e2"), .status = 200, .body = "{}" },
		{ "PATCH", BY_ID("e1"), .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	static const char input[] = INPUT("{'key':'SITE','value':'a','type':'plain','targets':["
					  "'development','preview']}," PLAIN);
	/* The one that grows is asked for second: where the first is refused, it is not reached. */
	ck_assert_int_eq(run_with(rows, input), ACTION_FAILED);
	ck_assert_uint_eq(peer_count(trial.peer, "PATCH", BY_ID("e1")), 0);
	ck_assert_int_eq(run_with(good, input), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("2", "0", "2", "0", "0"))));
}
END_TEST

START_TEST(test_prunes_only_on_request)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "docs", "plain", PRODUCTION, "") "," ENTRY(
				"e2", "SITE", "docs", "plain", "['preview']", "") "," ENTRY("e3",
				"OLD", "", "sensitive", PRODUCTION,
				"") "," ENTRY("e4", "VERCEL_ENV", "", "system", PRODUCTION,
				"") "," ENTRY("e5", "DATABASE", "", "encrypted", PRODUCTION,
				",'configurationId':'icfg_1'") "," ENTRY("e6", "STAGING", "",
				"encrypted", "[]", ",'customEnvironmentIds':['env_1']")) },
		{ "DELETE", BY_ID("e2"), .status = 200, .body = "{}" },
		{ "DELETE", BY_ID("e3"), .status = 404, .body = EXISTS("not_found") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
	trial_ledger_put(&trial, "vercel:variable:prj_1/OLD/e3", "{'id':'0123','created':true}");
	ck_assert_int_eq(run_with(rows, PRUNE(PLAIN)), ACTION_DONE);
	ck_assert_ptr_null(trial_ledger_row(&trial, "vercel:variable:prj_1/OLD/e3"));
	/* Two listings and two removals. */
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 4);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("0", "0", "0", "1", "2"))));
	/* Deployments from before the removal are out of date. */
	ck_assert_ptr_null(strstr(trial_output(&trial), J("'updatedAt':100")));
	ck_assert_ptr_null(strstr(trial_log(&trial), "VERCEL_ENV"));
}
END_TEST

START_TEST(test_prune_counts_what_an_attempt_before_removed)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "docs", "plain", PRODUCTION, "") "," ENTRY(
				"e2", "A", "", "plain", PRODUCTION, "") "," ENTRY("e3", "B", "",
				"plain", PRODUCTION, "")),
			.times = 1 },
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "docs", "plain", PRODUCTION, "") "," ENTRY(
				"e3", "B", "", "plain", PRODUCTION, "")) },
		{ "DELETE", BY_ID("e2"), .status = 200, .body = "{}" },
		{ "DELETE", BY_ID("e3"), .behaviour = PEER_DROPS, .times = 1 },
		{ "DELETE", BY_ID("e3"), .status = 404, .body = EXISTS("not_found") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PRUNE(PLAIN)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_environment, PRUNE(PLAIN), 1), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J(COUNTS("0", "0", "0", "1", "2"))));
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", BY_ID("e2")), 1);
}
END_TEST

START_TEST(test_conflicts_are_resolved_by_id)
{
	static const struct {
		int status;
		const char *body;
	} cases[] = { { 400, EXISTS("ENV_CONFLICT") }, { 403, EXISTS("ENV_ALREADY_EXISTS") },
		{ 201, "{'created':[],'failed':[" EXISTS("ENV_CONFLICT") "]}" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = 200, .body = ENVS(""), .times = 1 },
			{ LIST, .status = 200,
				.body = ENVS(ENTRY("e1", "SITE", "x", "plain", PRODUCTION, "")) },
			{ WRITE, .status = cases[i].status, .body = cases[i].body, .times = 1 },
			{ WRITE, .status = 201, .body = WRITTEN },
			{ "PATCH", BY_ID("e1"), .status = 200, .body = "{}" },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, INPUT(PLAIN "," SECRET)), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, "PATCH", BY_ID("e1")), 1);
		ck_assert_uint_eq(peer_count(trial.peer, WRITE), 2);
		ck_assert_ptr_null(strstr(peer_last(trial.peer, WRITE).body, "SITE"));
	}
}
END_TEST

START_TEST(test_conflict_without_a_match_fails)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = ENVS("") },
		{ WRITE, .status = 201,
			.body = "{'created':[],'failed':[" EXISTS("ENV_CONFLICT") "]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "variables");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "SITE"));
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 2);
}
END_TEST

START_TEST(test_lost_answer_is_written_again)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = ENVS(""), .times = 1 },
		{ LIST, .status = 200,
			.body = ENVS(ENTRY("e1", "SITE", "docs", "plain", PRODUCTION, "")) },
		{ WRITE, .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_FAILED);
	ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_int_eq(trial_run(&trial, &vercel_environment, INPUT(PLAIN), 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 1);
}
END_TEST

START_TEST(test_twice_for_one_target_is_refused)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	ck_assert_int_eq(
		run_with(rows, INPUT(PLAIN ",{'key':'SITE','value':'other'}")), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "variables");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "SITE is given twice"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_no_variables_and_bad_ones)
{
	static const struct peer_row rows[] = { { LIST, .status = 200, .body = "{'envs':[]}" },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, "{'project':'prj_1'}"), ACTION_DONE);
	ck_assert_str_eq(
		trial_output(&trial), J("{" COUNTS("0", "0", "0", "0", "0") ",'updatedAt':0}"));
	ck_assert_int_eq(run_with(rows, INPUT("{'key':'1K','value':'v'}")), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/variables/0/key");
	ck_assert_int_eq(
		run_with(rows, INPUT("{'key':'K','value':'v','type':'secret'}")), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/variables/0/type");
	ck_assert_int_eq(
		run_with(rows, INPUT("{'key':'K','value':'v','targets':[]}")), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/variables/0/targets");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_writes_what_differs, test_leaves_equal_ones_alone,
		test_each_difference_is_written, test_success_without_failed_is_success,
		test_partial_success_is_a_failure, test_sensitive_is_not_for_development,
		test_targets_and_type_are_changed_by_id, test_branch_and_comment_are_written_by_id,
		test_same_name_elsewhere_is_another_variable, test_makes_room,
		test_what_gives_targets_goes_first, test_prunes_only_on_request,
		test_prune_counts_what_an_attempt_before_removed, test_conflicts_are_resolved_by_id,
		test_conflict_without_a_match_fails, test_lost_answer_is_written_again,
		test_twice_for_one_target_is_refused, test_no_variables_and_bad_ones, NULL };
	return suite_main("vercel.environment", tests, setup, teardown);
}
