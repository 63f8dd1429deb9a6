/*
 * github.protection where rulesets govern the branch: what they ask for already, and the ruleset of
 * ours for what is missing.
 *
 * covers: workflows/actions/github_rulesets.c workflows/actions/github_ruleset.c
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

#define LOOK    "GET", "/github/repos/acme/docs/branches/main/protection"
#define CLASSIC "PUT", "/github/repos/acme/docs/branches/main/protection"
#define RULES   "GET", "/github/repos/acme/docs/rules/branches/main"
#define LIST    "GET", "/github/repos/acme/docs/rulesets"
#define CREATE  "POST", "/github/repos/acme/docs/rulesets"
#define OURS    "GET", "/github/repos/acme/docs/rulesets/7"
#define CHANGE  "PUT", "/github/repos/acme/docs/rulesets/7"
#define ROW     "github:ruleset:acme/docs/main"

#define INPUT(more) "{'repository':'acme/docs'" more "}"
#define ASKED       ",'requiredChecks':['build','test'],'requiredReviews':1"

#define ABSENT    "{'message':'Branch not protected','status':'404'}"
#define NO_BRANCH "{'message':'Branch not found','status':'404'}"
#define NO_PLAN                                                                                    \
	"{'message':'Upgrade to GitHub Pro or make this repository public to enable this "         \
	"feature.'}"

#define RULE(type, parameters) "{'type':'" type "','ruleset_id':1,'parameters':{" parameters "}}"
#define KEPT                   "{'type':'deletion'},{'type':'non_fast_forward'}"
#define TWO_REVIEWS            RULE("pull_request", "'required_approving_review_count':2")
#define CHECKED                                                                                    \
	RULE("required_status_checks",                                                             \
		"'required_status_checks':[{'context':'build','integration_id':7},{'context':'"    \
		"test'}]")
#define MESSAGES                                                                                   \
	"{'type':'commit_message_pattern','ruleset_source_type':'Organization','ruleset_id':1,"    \
	"'parameters':{'operator':'starts_with','pattern':'fix'}}"

#define REF(include, exclude)                                                                      \
	"'conditions':{'ref_name':{'include':[" include "],'exclude':[" exclude "]}}"
#define MAIN   REF("'refs/heads/main'", "")
#define ADMINS "{'actor_id':5,'actor_type':'RepositoryRole','bypass_mode':'always'}"
#define REVIEWS(more, count)                                                                       \
	"{'type':'pull_request','parameters':{'dismiss_stale_reviews_on_push':false,"              \
	"'require_code_owner_review':false,'require_last_push_approval':false,"                    \
	"'required_review_thread_resolution':false,'required_approving_review_count':" count more  \
	"}}"
#define CHECKS(list)                                                                               \
	"{'type':'required_status_checks','parameters':{'required_status_checks':[" list           \
	"],'strict_required_status_checks_policy':false}}"
#define RULESET(name, enforcement, bypass, conditions, rules)                                      \
	"{'id':7,'name':'" name "','target':'branch','enforcement':'" enforcement                  \
	"','bypass_actors':[" bypass "]," conditions ",'rules':[" rules "]}"
#define SENT(name, bypass, conditions, rules)                                                      \
	"{'name':'" name "','target':'branch','enforcement':'active','bypass_actors':[" bypass     \
	"]," conditions ",'rules':[" rules "]}"
#define ALL_ASKED KEPT "," REVIEWS("", "1") "," CHECKS("{'context':'build'},{'context':'test'}")
#define ASKED_SET RULESET("slipway: main", "active", ADMINS, MAIN, ALL_ASKED)

/* What stands: the rules of the branch, and ours as a whole (NULL: there is none). */
static enum action_result run_with(
	const char *rules, const char *ours, const struct peer_row *more, const char *input)
{
	static struct peer_row all[16];
	size_t count = 0;
	for (; more != NULL && more[count].method != NULL; count++)
		all[count] = more[count];
	const struct peer_row standing[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ RULES, .status = 200, .body = rules },
		{ LIST, .status = 200,
			.body = ours != NULL ? "[{'id':6,'name':'slipway: next'},"
					       "{'id':7,'name':'slipway: main'}]"
					     : "[{'id':6,'name':'slipway: next'}]" },
		{ OURS, .status = ours != NULL ? 200 : 404,
			.body = ours != NULL ? ours : "{'message':'Not Found'}" },
		{ CREATE, .status = 201, .body = ASKED_SET },
		{ CHANGE, .status = 200, .body = ASKED_SET },
		{ .method = NULL },
	};
	memcpy(&all[count], standing, sizeof(standing));
	peer_set(trial.peer, all);
	return trial_run(&trial, &github_protection, input, 1);
}

static void have_row(void)
{
	trial_ledger_put(&trial, ROW, J("{'id':'7','created':true,'part':true}"));
}

static size_t writes(void)
{
	return peer_count(trial.peer, CREATE) + peer_count(trial.peer, CHANGE) +
		peer_count(trial.peer, CLASSIC);
}

START_TEST(test_what_rulesets_ask_for_is_there)
{
	static const struct {
		const char *input, *rules;
		unsigned writes;
	} cases[] = {
		{ INPUT(""), "[" KEPT "]", 0 },
		{ INPUT(",'requiredReviews':1"), "[" KEPT "," TWO_REVIEWS "]", 0 },
		{ INPUT(",'requiredReviews':1,'requiredChecks':['test']"),
			"[" KEPT "," TWO_REVIEWS "," CHECKED "]", 0 },
		{ INPUT(",'requiredReviews':3"), "[" KEPT "," TWO_REVIEWS "]", 1 },
		{ INPUT(",'requiredChecks':['test','lint']"), "[" KEPT "," CHECKED "]", 1 },
		{ INPUT(",'requiredReviews':1"), "[" TWO_REVIEWS "]", 1 },
		/* Administrators may be let past a ruleset. */
		{ INPUT(",'enforceAdmins':true"), "[" KEPT "]", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial_ledger_remove(&trial, ROW);
		ck_assert_int_eq(run_with(cases[i].rules, NULL, NULL, cases[i].input), ACTION_DONE);
		ck_assert_msg(peer_count(trial.peer, CREATE) == cases[i].writes, "case %zu", i);
		ck_assert_uint_eq(writes(), cases[i].writes);
		ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'protected':true")));
		ck_assert_ptr_nonnull(strstr(trial_output(&trial), "/settings/rules"));
		ck_assert_ptr_null(strstr(trial_output(&trial), "kept"));
	}
}
END_TEST

/* Servers that know no rulesets, and plans without them, have classic protection or none. */
START_TEST(test_where_rulesets_cannot_be_read)
{
	static const struct peer_row cases[] = {
		{ RULES, .status = 404, .body = "{'message':'Not Found'}" },
		{ RULES, .status = 403, .body = NO_PLAN },
		{ RULES, .status = 200, .body = "[]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { cases[i], { CLASSIC, .status = 200, .body = "{}" },
			{ .method = NULL } };
		ck_assert_int_eq(run_with("[]", NULL, rows, INPUT(ASKED)), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, CLASSIC), 1);
		ck_assert_uint_eq(writes(), 1);
		ck_assert_ptr_nonnull(strstr(trial_output(&trial), "/settings/branches"));
	}
}
END_TEST

START_TEST(test_what_is_missing_is_a_ruleset_of_ours)
{
	static const struct {
		const char *rules, *input, *sent;
	} cases[] = {
		{ "[" MESSAGES "]", INPUT(ASKED), SENT("slipway: main", ADMINS, MAIN, ALL_ASKED) },
		{ "[" KEPT "," TWO_REVIEWS "," CHECKED "]",
			INPUT(",'requiredChecks':['test','lint'],'requiredReviews':1"),
			SENT("slipway: main", ADMINS, MAIN, CHECKS("{'context':'lint'}")) },
		/* What binds administrators too has to be all in ours. */
		{ "[" KEPT "," TWO_REVIEWS "," CHECKED "]", INPUT(ASKED ",'enforceAdmins':true"),
			SENT("slipway: main", "", MAIN, ALL_ASKED) },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial_ledger_remove(&trial, ROW);
		ck_assert_int_eq(run_with(cases[i].rules, NULL, NULL, cases[i].input), ACTION_DONE);
		ck_assert_str_eq(peer_last(trial.peer, CREATE).body, J(cases[i].sent));
		ck_assert_uint_eq(writes(), 1);
		ck_assert_str_eq(trial_output(&trial),
			J("{'branch':'main','protected':true,'changed':true,"
			  "'url':'https://github.com/acme/docs/settings/rules'}"));
		ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, ROW), J("'id':'7'")));
		ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, ROW), J("'created':true")));
	}
}
END_TEST

/* The same again finds it, and only what differs is written; the name is people's to change. */
START_TEST(test_ours_is_found_again)
{
	static const char renamed[] = RULESET("Ours", "active", ADMINS, MAIN, ALL_ASKED);
	have_row();
	ck_assert_int_eq(run_with("[" MESSAGES "]", renamed, NULL, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(writes(), 0);
	ck_assert_uint_eq(peer_count(trial.peer, LIST), 0);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'changed':false")));
	ck_assert_int_eq(run_with("[" MESSAGES "]", renamed, NULL, INPUT(",'requiredReviews':3")),
		ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CHANGE), 1);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CHANGE).body, J("{'name':'Ours'")));
	ck_assert_ptr_nonnull(strstr(
		peer_last(trial.peer, CHANGE).body, J("'required_approving_review_count':3")));
	/* People have deleted it. */
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, NULL, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

#define DEPLOY_KEY "{'actor_id':null,'actor_type':'DeployKey','bypass_mode':'always'}"
#define SIGNED     "{'type':'required_signatures'}"
#define FILES                                                                                      \
	"{'type':'max_file_size','parameters':{'max_file_size':10,'unknown':{'deep':[1,null]}}}"
#define PINNED "{'context':'build','integration_id':15368}"

/* People have added to it: none of it is lost, and nothing is lowered. */
START_TEST(test_what_people_have_added_to_ours_stays)
{
	static const char ours[] = RULESET("slipway: main", "active", DEPLOY_KEY "," ADMINS,
		REF("'refs/heads/main','refs/heads/next'", "'refs/heads/old'"),
		SIGNED "," FILES
		       "," REVIEWS(",'allowed_merge_methods':['squash']", "2") "," CHECKS(PINNED));
	static const char sent[] = SENT("slipway: main", DEPLOY_KEY "," ADMINS,
		REF("'refs/heads/next','refs/heads/main'", "'refs/heads/old'"),
		SIGNED "," FILES "," REVIEWS(",'allowed_merge_methods':['squash']", "2") "," CHECKS(
			PINNED ",{'context':'test'}") "," KEPT);
	have_row();
	ck_assert_int_eq(run_with("[" MESSAGES "]", ours, NULL, INPUT(ASKED)), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, CHANGE).body, J(sent));
	ck_assert_int_eq(
		run_with("[" MESSAGES "]", ours, NULL, INPUT(",'requiredReviews':4")), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CHANGE).body,
		J("'required_approving_review_count':4,'allowed_merge_methods':['squash']")));
}
END_TEST

START_TEST(test_administrators_lose_their_bypass_and_nobody_else)
{
	static const struct {
		const char *bypass, *sent;
	} cases[] = {
		{ ADMINS, "'bypass_actors':[]" },
		{ ADMINS ",{'actor_id':1,'actor_type':'OrganizationAdmin','bypass_mode':'always'},"
			 "{'actor_id':9,'actor_type':'Team','bypass_mode':'pull_request'}",
			"'bypass_actors':[{'actor_id':9,'actor_type':'Team','bypass_mode':"
			"'pull_request'}]" },
		{ "", NULL },
		{ DEPLOY_KEY, NULL },
	};
	have_row();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char ours[2048];
		snprintf(ours, sizeof(ours),
			RULESET("slipway: main", "active", "%s", MAIN, ALL_ASKED), cases[i].bypass);
		ck_assert_int_eq(run_with("[" MESSAGES "]", ours, NULL,
					 INPUT(ASKED ",'enforceAdmins':true")),
			ACTION_DONE);
		ck_assert_uint_eq(writes(), cases[i].sent != NULL ? 1 : 0);
		if (cases[i].sent != NULL)
			ck_assert_ptr_nonnull(
				strstr(peer_last(trial.peer, CHANGE).body, J(cases[i].sent)));
	}
}
END_TEST

/* It is there, but it does not govern the branch. */
START_TEST(test_ours_is_put_in_force_again)
{
	static const struct {
		const char *ours, *sent;
	} cases[] = {
		{ RULESET("slipway: main", "disabled", ADMINS, MAIN, ALL_ASKED),
			"'enforcement':'active'" },
		{ RULESET("slipway: main", "active", ADMINS, REF("'refs/heads/next'", ""),
			  ALL_ASKED),
			REF("'refs/heads/next','refs/heads/main'", "") },
		{ RULESET("slipway: main", "active", ADMINS,
			  REF("'refs/heads/main'", "'refs/heads/main','refs/heads/x'"), ALL_ASKED),
			REF("'refs/heads/main'", "'refs/heads/x'") },
	};
	have_row();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(
			run_with("[" MESSAGES "]", cases[i].ours, NULL, INPUT(ASKED)), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, CHANGE), 1);
		ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CHANGE).body, J(cases[i].sent)));
	}
}
END_TEST

START_TEST(test_lost_answer)
{
	const struct peer_row rows[] = { { LIST, .status = 200, .body = "[]", .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS }, { .method = NULL } };
	ck_assert_int_eq(run_with("[" MESSAGES "]", ASKED_SET, rows, INPUT(ASKED)), ACTION_FAILED);
	ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_int_eq(trial_attempt(&trial, &github_protection, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(writes(), 1);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, ROW), J("'id':'7'")));
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, ROW), J("'created':true")));
}
END_TEST

/* Another app, or a person, has one of that name: it is added to, and not said to be the app's. */
START_TEST(test_one_of_that_name_is_taken_over)
{
	static const char ours[] = RULESET("slipway: main", "active", "", MAIN, SIGNED);
	ck_assert_int_eq(run_with("[" MESSAGES "]", ours, NULL, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CHANGE), 1);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CHANGE).body, J(SIGNED)));
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, CHANGE).body, J("'bypass_actors':[]")));
	ck_assert_ptr_null(strstr(trial_ledger_row(&trial, ROW), J("'created':true")));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "takes over the ruleset"));
}
END_TEST

/* Somebody made one in between: the next attempt finds it. */
START_TEST(test_a_race_for_the_name_is_one)
{
	const struct peer_row rows[] = { { LIST, .status = 200, .body = "[]", .times = 1 },
		{ CREATE, .status = 422,
			.body = "{'message':'Validation Failed','errors':['Name must be "
				"unique']}" },
		{ .method = NULL } };
	ck_assert_int_eq(run_with("[" MESSAGES "]", ASKED_SET, rows, INPUT(ASKED)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_OURS);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	ck_assert_int_eq(trial_attempt(&trial, &github_protection, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(writes(), 1);
}
END_TEST

START_TEST(test_plan_without_rulesets)
{
	const struct peer_row rows[] = { { CREATE, .status = 403, .body = NO_PLAN },
		{ .method = NULL } };
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, rows, INPUT(ASKED)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PLAN_LIMIT);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	ck_assert_int_eq(
		run_with("[" MESSAGES "]", NULL, rows, INPUT(ASKED ",'onUnsupported':'warn'")),
		ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'protected':false")));
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* A classic protection that stands is gone on with, and so is a ruleset of ours. */
START_TEST(test_no_second_place)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = "{'enforce_admins':{'enabled':false}}" },
		{ CLASSIC, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, rows, INPUT(ASKED)), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CLASSIC), 1);
	ck_assert_uint_eq(writes(), 1);
	have_row();
	ck_assert_int_eq(run_with("[" MESSAGES "]", ASKED_SET, rows, INPUT(",'requiredReviews':2")),
		ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CHANGE), 1);
	ck_assert_uint_eq(writes(), 1);
}
END_TEST

/* GitHub takes a ruleset for any branch: a mistake in the name would protect nothing. */
START_TEST(test_no_ruleset_for_a_branch_that_is_not_there)
{
	static const struct peer_row never[] = { { LOOK, .status = 404, .body = NO_BRANCH },
		{ .method = NULL } };
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, never, INPUT(ASKED)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NOT_FOUND);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "branch");
	ck_assert_uint_eq(writes(), 0);
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, never, INPUT(ASKED)), ACTION_WAITING);
	ck_assert_uint_eq(writes(), 0);
}
END_TEST

/* Of ours it is told, for people may lower it there; of the organisation's it is theirs to know. */
START_TEST(test_what_is_kept_in_ours_is_told)
{
#define THREE "'parameters':{'required_approving_review_count':3}}"
	static const char ours[] = "[" KEPT ",{'type':'pull_request','ruleset_id':7," THREE "]";
	static const char theirs[] = "[" KEPT ",{'type':'pull_request','ruleset_id':1," THREE "]";
	have_row();
	ck_assert_int_eq(run_with(ours, NULL, NULL, INPUT(",'requiredReviews':1")), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("'kept':['required approvals: 3, where 1 are asked for']")));
	ck_assert_ptr_nonnull(strstr(
		trial_log(&trial), "by hand at https://github.com/acme/docs/settings/rules"));
	ck_assert_int_eq(run_with(theirs, NULL, NULL, INPUT(",'requiredReviews':1")), ACTION_DONE);
	ck_assert_ptr_null(strstr(trial_output(&trial), "kept"));
	ck_assert_uint_eq(writes(), 0);
}
END_TEST

START_TEST(test_a_plan_names_the_ruleset)
{
	trial.planned = true;
	ck_assert_int_eq(run_with("[" MESSAGES "]", NULL, NULL, INPUT(ASKED)), ACTION_FAILED);
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_uint_eq(writes(), 0);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* An app's token for a plan reads alone. */
START_TEST(test_a_plan_that_is_not_shown_who_bypasses_says_so)
{
#define HIDDEN                                                                                     \
	"{'id':7,'name':'slipway: main','target':'branch','enforcement':'active'," MAIN            \
	",'rules':[" ALL_ASKED "]}"
	static const char input[] = INPUT(ASKED ",'enforceAdmins':true");
	trial.planned = true;
	have_row();
	ck_assert_int_eq(run_with("[" MESSAGES "]", HIDDEN, NULL, input), ACTION_DONE);
	ck_assert_str_eq(trial_change(&trial), "");
	ck_assert_ptr_nonnull(
		strstr(trial_difference(&trial, 0), "administrators will not bypass it"));
	ck_assert_int_eq(
		run_with("[" MESSAGES "]", RULESET("slipway: main", "active", "", MAIN, ALL_ASKED),
			NULL, input),
		ACTION_DONE);
	ck_assert_str_eq(trial_difference(&trial, 0), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_rulesets_ask_for_is_there,
		test_where_rulesets_cannot_be_read, test_what_is_missing_is_a_ruleset_of_ours,
		test_ours_is_found_again, test_what_people_have_added_to_ours_stays,
		test_administrators_lose_their_bypass_and_nobody_else,
		test_ours_is_put_in_force_again, test_lost_answer,
		test_one_of_that_name_is_taken_over, test_a_race_for_the_name_is_one,
		test_plan_without_rulesets, test_no_second_place,
		test_no_ruleset_for_a_branch_that_is_not_there, test_what_is_kept_in_ours_is_told,
		test_a_plan_names_the_ruleset, test_a_plan_that_is_not_shown_who_bypasses_says_so,
		NULL };
	return suite_main("rulesets", tests, setup, teardown);
}
