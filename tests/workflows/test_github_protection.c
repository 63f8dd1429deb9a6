/*
 * github.protection against a scripted GitHub.
 *
 * covers: workflows/actions/github_protection.c workflows/actions/github_protected.c
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

#define LOOK  "GET", "/github/repos/acme/docs/branches/main/protection"
#define PUT   "PUT", "/github/repos/acme/docs/branches/main/protection"
#define RULES "GET", "/github/repos/acme/docs/rules/branches/main"

#define INPUT(more) "{'repository':'acme/docs'" more "}"
#define ASKED       ",'requiredChecks':['build','test'],'requiredReviews':1,'enforceAdmins':true"

#define ABSENT    "{'message':'Branch not protected','status':'404'}"
#define NO_BRANCH "{'message':'Branch not found','status':'404'}"
#define NO_PLAN                                                                                    \
	"{'message':'Upgrade to GitHub Pro or make this repository public to enable this "         \
	"feature.'}"
#define EQUAL                                                                                      \
	"{'required_status_checks':{'strict':false,'contexts':['test','build'],'checks':[]},"      \
	"'required_pull_request_reviews':{'required_approving_review_count':1},"                   \
	"'enforce_admins':{'enabled':true}}"
/* What people have set besides: none of it may get lost. */
#define RICH                                                                                       \
	"{'required_status_checks':{'strict':true,'contexts':['lint'],'checks':[]},"               \
	"'required_pull_request_reviews':{'dismiss_stale_reviews':true,'require_code_owner_"       \
	"reviews':true,"                                                                           \
	"'required_approving_review_count':2,"                                                     \
	"'dismissal_restrictions':{'users':[{'login':'ann'}],'teams':[],'apps':[]}},"              \
	"'enforce_admins':{'enabled':false},"                                                      \
	"'restrictions':{'users':[],'teams':[{'id':1,'slug':'writers'}],'apps':[{'slug':'bot'}]}," \
	"'required_linear_history':{'enabled':true},'allow_force_pushes':{'enabled':false},"       \
	"'required_conversation_resolution':{'enabled':true}}"

/* A repository without rulesets. */
static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	static struct peer_row all[16];
	size_t count = 0;
	for (; rows[count].method != NULL; count++)
		all[count] = rows[count];
	all[count++] = (struct peer_row){ RULES, .status = 200, .body = "[]" };
	all[count] = (struct peer_row){ .method = NULL };
	peer_set(trial.peer, all);
	return trial_run(&trial, &github_protection, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_protects)
{
	static const struct peer_row rows[] = { { LOOK, .status = 404, .body = ABSENT },
		{ PUT, .status = 200, .body = EQUAL }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(ASKED), 1), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, PUT).body,
		J("{'required_status_checks':{'strict':false,"
		  "'checks':[{'context':'build'},{'context':'test'}]},"
		  "'enforce_admins':true,"
		  "'required_pull_request_reviews':{'dismiss_stale_reviews':false,"
		  "'require_code_owner_reviews':false,'require_last_push_approval':false,"
		  "'required_approving_review_count':1},"
		  "'restrictions':null}"));
	ck_assert_str_eq(trial_output(&trial),
		J("{'branch':'main','protected':true,'changed':true,"
		  "'url':'https://github.com/acme/docs/settings/branches'}"));
}
END_TEST

/* All four members are sent though nothing is asked but protection itself. */
START_TEST(test_protects_with_nothing_asked)
{
	static const struct peer_row rows[] = { { LOOK, .status = 404, .body = ABSENT },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(""), 1), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, PUT).body,
		J("{'required_status_checks':null,'enforce_admins':false,"
		  "'required_pull_request_reviews':null,'restrictions':null}"));
}
END_TEST

START_TEST(test_writes_nothing_where_it_is_equal)
{
	static const struct peer_row equal[] = { { LOOK, .status = 200, .body = EQUAL },
		{ .method = NULL } };
	static const struct peer_row rich[] = { { LOOK, .status = 200, .body = RICH },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(equal, INPUT(ASKED), 1), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'protected':true,'changed':false")));
	ck_assert_int_eq(run_with(rich, INPUT(",'requiredChecks':['lint']"), 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PUT), 0);
}
END_TEST

START_TEST(test_writes_where_one_thing_differs)
{
	static const char *const inputs[] = {
		INPUT(",'requiredChecks':['build','lint'],'requiredReviews':1,'enforceAdmins':"
		      "true"),
		INPUT(",'requiredReviews':2,'enforceAdmins':true"),
	};
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = EQUAL },
		{ PUT, .status = 200, .body = EQUAL }, { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i], 1), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, PUT), 1);
	}
}
END_TEST

START_TEST(test_keeps_what_people_have_set)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = RICH },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(",'requiredReviews':3"), 1), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, PUT).body,
		J("{'required_status_checks':{'strict':true,'checks':[{'context':'lint'}]},'"
		  "enforce_admins':"
		  "false,"
		  "'required_pull_request_reviews':{'dismiss_stale_reviews':true,'require_code_"
		  "owner_reviews':true,"
		  "'require_last_push_approval':false,'required_approving_review_count':3,"
		  "'dismissal_restrictions':{'users':['ann'],'teams':[],'apps':[]}},"
		  "'restrictions':{'users':[],'teams':['writers'],'apps':['bot']},"
		  "'required_linear_history':true,'required_conversation_resolution':true}"));
}
END_TEST

/* What stands is stricter: it stays, whatever else is written, and the person is told where. */
START_TEST(test_what_people_have_raised_is_not_lowered)
{
	static const struct {
		const char *input, *kept;
		const char *sent; /* NULL: nothing is written */
	} cases[] = {
		{ INPUT(",'requiredReviews':1"),
			"'kept':['required approvals: 2, where 1 are asked for']", NULL },
		{ INPUT(",'requiredReviews':0,'requiredChecks':['lint']"),
			"'kept':['required approvals: 2, where 0 are asked for']", NULL },
		{ INPUT(",'requiredReviews':1,'requiredChecks':['build']"),
			"'kept':['required approvals: 2, where 1 are asked for','required checks "
			"that are not asked for: lint']",
			"'strict':true,'checks':[{'context':'lint'},{'context':'build'}]" },
		{ INPUT(",'requiredReviews':1,'enforceAdmins':true"),
			"'kept':['required approvals: 2, where 1 are asked for']",
			"'required_approving_review_count':2" },
	};
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = RICH },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(run_with(rows, cases[i].input, 1), ACTION_DONE);
		ck_assert_msg(strstr(trial_output(&trial), J(cases[i].kept)) != NULL, "%s",
			trial_output(&trial));
		ck_assert_uint_eq(peer_count(trial.peer, PUT), cases[i].sent != NULL ? 1 : 0);
		if (cases[i].sent != NULL)
			ck_assert_ptr_nonnull(
				strstr(peer_last(trial.peer, PUT).body, J(cases[i].sent)));
		ck_assert_ptr_nonnull(strstr(trial_log(&trial),
			"a person can lower that by hand at "
			"https://github.com/acme/docs/settings/branches"));
	}
}
END_TEST

/* What is not asked about is kept as well, and nobody need hear of it. */
START_TEST(test_nothing_is_told_where_nothing_would_be_lowered)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = RICH },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	static const char *const inputs[] = { INPUT(""), INPUT(",'requiredReviews':2"),
		INPUT(",'requiredChecks':['lint']"), INPUT(",'requiredReviews':6") };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i], 1), ACTION_DONE);
		ck_assert_ptr_null(strstr(trial_output(&trial), "kept"));
	}
}
END_TEST

START_TEST(test_a_plan_says_what_is_kept)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = RICH },
		{ .method = NULL } };
	trial.planned = true;
	ck_assert_int_eq(run_with(rows, INPUT(",'requiredReviews':1"), 1), ACTION_DONE);
	ck_assert_str_eq(trial_change(&trial), "");
	ck_assert_str_eq(
		trial_difference(&trial, 0), "keeps required approvals: 2, where 1 are asked for");
}
END_TEST

/* Who does not ask for it takes nothing away: a member that is absent reads as false. */
START_TEST(test_administrators_are_not_let_off)
{
	static const char *const inputs[] = { INPUT(",'requiredReviews':2"),
		INPUT(",'requiredReviews':2,'enforceAdmins':false") };
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = EQUAL },
		{ PUT, .status = 200, .body = EQUAL }, { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i], 1), ACTION_DONE);
		ck_assert_ptr_nonnull(
			strstr(peer_last(trial.peer, PUT).body, J("'enforce_admins':true")));
	}
	ck_assert_int_eq(run_with(rows, INPUT(",'requiredReviews':1"), 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PUT), 0);
}
END_TEST

/* Each switch that people have turned on goes back as it was. */
START_TEST(test_keeps_every_switch)
{
	static const char *const switches[] = { "required_linear_history", "allow_force_pushes",
		"allow_deletions", "block_creations", "required_conversation_resolution",
		"lock_branch", "allow_fork_syncing" };
	char body[1024] = "{'enforce_admins':{'enabled':false}";
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		snprintf(body + strlen(body), sizeof(body) - strlen(body),
			J(",'%s':{'enabled':true}"), switches[i]);
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "}");
	const struct peer_row rows[] = { { LOOK, .status = 200, .body = body },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(",'requiredReviews':3"), 1), ACTION_DONE);
	struct peer_request sent = peer_last(trial.peer, PUT);
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		char member[64];
		snprintf(member, sizeof(member), J("'%s':true"), switches[i]);
		ck_assert_msg(strstr(sent.body, member) != NULL, "%s: %s", switches[i], sent.body);
	}
}
END_TEST

#define PINNED                                                                                     \
	"{'required_status_checks':{'strict':true,'contexts':['build','scan','lint'],'checks':["   \
	"{'context':'build','app_id':15368},{'context':'scan','app_id':7},{'context':'lint','app_" \
	"id':"                                                                                     \
	"null}]},'enforce_admins':{'enabled':false}}"

/* A check of that name by another app would do otherwise. */
START_TEST(test_checks_stay_pinned_to_their_apps)
{
	static const struct {
		const char *input, *sent;
	} cases[] = {
		{ INPUT(",'requiredReviews':1"),
			"{'strict':true,'checks':[{'context':'build','app_id':15368},{'context':'"
			"scan',"
			"'app_id':7},{'context':'lint','app_id':-1}]}" },
		{ INPUT(",'requiredChecks':['build','test']"),
			"{'strict':true,'checks':[{'context':'build','app_id':15368},{'context':'"
			"scan','app_id':7},{'context':'lint','app_id':-1},{'context':'test'}]}" },
	};
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = PINNED },
		{ PUT, .status = 200, .body = "{}" }, { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(run_with(rows, cases[i].input, 1), ACTION_DONE);
		const char *body = peer_last(trial.peer, PUT).body;
		ck_assert_msg(strstr(body, J(cases[i].sent)) != NULL, "%s", body);
	}
	ck_assert_int_eq(
		run_with(rows, INPUT(",'requiredChecks':['scan','lint','build']"), 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PUT), 0);
}
END_TEST

START_TEST(test_lost_answer)
{
	static const struct peer_row written[] = { { PUT, .behaviour = PEER_DROPS },
		{ PUT, .status = 502, .body = "{}" } };
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		const struct peer_row rows[] = { { LOOK, .status = 404, .body = ABSENT,
							 .times = 1 },
			{ LOOK, .status = 200, .body = EQUAL }, written[i], { .method = NULL } };
		ck_assert_int_eq(run_with(rows, INPUT(ASKED), 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(
			trial_attempt(&trial, &github_protection, INPUT(ASKED)), ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, PUT), 1);
	}
}
END_TEST

START_TEST(test_plan_without_protection)
{
	static const struct peer_row at_look[] = { { LOOK, .status = 403, .body = NO_PLAN },
		{ .method = NULL } };
	static const struct peer_row at_put[] = { { LOOK, .status = 404, .body = ABSENT },
		{ PUT, .status = 403, .body = NO_PLAN }, { .method = NULL } };
	const struct peer_row *const both[] = { at_look, at_put };
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		ck_assert_int_eq(run_with(both[i], INPUT(ASKED), 1), ACTION_FAILED);
		check_failed(ERROR_PLAN_LIMIT);
		ck_assert_str_ne(trial_error(&trial)->remedy, "");
		ck_assert_int_eq(
			run_with(both[i], INPUT(ASKED ",'onUnsupported':'warn'"), 1), ACTION_DONE);
		ck_assert_ptr_nonnull(
			strstr(trial_output(&trial), J("'protected':false,'changed':false")));
		ck_assert_ptr_nonnull(
			strstr(trial_output(&trial), J("'warning':'branch main is not protected")));
		ck_assert_ptr_nonnull(strstr(trial_log(&trial), "remains unprotected"));
	}
}
END_TEST

/* Only the plan is forgiven, not a missing permission. */
START_TEST(test_permission_missing)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 403,
			.body = "{'message':'Resource not accessible by integration'}",
			.headers = "X-Accepted-GitHub-Permissions: administration=read" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(",'onUnsupported':'warn'"), 1), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "administration=read"));
}
END_TEST

/* GitHub answers 301 to a GET by the old name of a repository, and 307 to a write. */
START_TEST(test_follows_a_rename)
{
	static const char moved[] = "Location: /github/repositories/42/branches/main/protection";
	static const struct peer_row rows[] = {
		{ LOOK, .status = 301, .body = "{}", .headers = moved },
		{ PUT, .status = 307, .body = "{}", .headers = moved },
		{ "GET", "/github/repositories/42/branches/main/protection", .status = 404,
			.body = NO_BRANCH },
		{ "PUT", "/github/repositories/42/branches/main/protection", .status = 200,
			.body = EQUAL },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(ASKED), 1), ACTION_DONE);
	struct peer_request sent =
		peer_last(trial.peer, "PUT", "/github/repositories/42/branches/main/protection");
	ck_assert_str_eq(sent.body, peer_last(trial.peer, PUT).body);
	ck_assert_str_eq(sent.authorization, "Bearer " TRIAL_TOKEN);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "redirects"));
}
END_TEST

START_TEST(test_branch_appears_later_or_never)
{
	static const struct peer_row late[] = { { LOOK, .status = 404, .body = NO_BRANCH },
		{ PUT, .status = 404, .body = NO_BRANCH, .times = 2 },
		{ PUT, .status = 200, .body = EQUAL }, { .method = NULL } };
	static const struct peer_row never[] = { { LOOK, .status = 404, .body = NO_BRANCH },
		{ PUT, .status = 404, .body = NO_BRANCH }, { .method = NULL } };
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(late, INPUT(ASKED), 9), ACTION_DONE);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, INPUT(ASKED), 90), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_int_ge(trial.age_ms, 50000);
	/* The app did not make the repository: what GitHub says is final. */
	trial_ledger_remove(&trial, "github:repository:acme/docs");
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(late, INPUT(ASKED), 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
}
END_TEST

START_TEST(test_bounds)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(",'requiredReviews':7"), 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_int_eq(run_with(rows, INPUT(",'onUnsupported':'ignore'"), 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_a_plan_says_what_the_account_has_not_paid_for)
{
	static const struct peer_row rows[] = { { LOOK, .status = 403, .body = NO_PLAN },
		{ .method = NULL } };
	trial.planned = true;
	ck_assert_int_eq(run_with(rows, INPUT(ASKED), 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PLAN_LIMIT);
	ck_assert_int_eq(run_with(rows, INPUT(",'onUnsupported':'warn'"), 1), ACTION_DONE);
	ck_assert_str_eq(trial_change(&trial), "");
	ck_assert_ptr_nonnull(
		strstr(trial_difference(&trial, 0), "the account's plan has no branch protection"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_plan_says_what_the_account_has_not_paid_for,
		test_protects, test_protects_with_nothing_asked,
		test_what_people_have_raised_is_not_lowered,
		test_nothing_is_told_where_nothing_would_be_lowered, test_a_plan_says_what_is_kept,
		test_checks_stay_pinned_to_their_apps, test_writes_nothing_where_it_is_equal,
		test_writes_where_one_thing_differs, test_keeps_what_people_have_set,
		test_administrators_are_not_let_off, test_keeps_every_switch, test_lost_answer,
		test_plan_without_protection, test_permission_missing,
		test_branch_appears_later_or_never, test_follows_a_rename, test_bounds, NULL };
	return suite_main("github.protection", tests, setup, teardown);
}
