/*
 * What each action that writes to a repository tells where the repository is archived: one rule of
 * GitHub's table says it for all, whatever statuses the action expects.
 *
 * covers: src/provider/github.c src/provider/refusal.c
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

#define REPO  "/github/repos/acme/docs"
#define SETUP REPO "/actions/workflows/setup.yml"
#define RULESET                                                                                    \
	"{'id':7,'name':'slipway: main','enforcement':'disabled','bypass_actors':[],'rules':[]}"
#define ARCHIVED   "{'message':'Repository was archived so is read-only.'}"
#define OFF        "{'message':'Cannot trigger a workflow_dispatch on a disabled workflow'}"
#define HEAD       "{'sha':'c1','commit':{'message':'x','tree':{'sha':'t1'}},'parents':[]}"
#define PUBLIC_KEY "{'key_id':'1','key':'9CA5H2XPWXzRPJ8xtgM0ho8JpAUGmUzKHR0rjo7pCWs='}"
#define FOUND                                                                                      \
	"{'id':42,'full_name':'acme/docs','name':'docs','owner':{'login':'acme'},"                 \
	"'default_branch':'main','private':true,'visibility':'private',"                           \
	"'html_url':'https://github.com/acme/docs'}"

/* The write, and the rows that lead to it. */
static const struct archived_case {
	const struct action_definition *action;
	const char *input;
	const char *method, *path;
	struct peer_row rows[8];
} cases[] = {
	{ &github_files,
		"{'repository':'acme/docs','branch':'main','message':'Set up',"
		"'files':[{'path':'README.md','content':'hello'}]}",
		"POST", REPO "/git/trees",
		{ { "GET", REPO "/commits/heads%2Fmain", .status = 200, .body = HEAD },
			{ "GET", REPO "/git/trees/t1", .status = 200, .body = "{'tree':[]}" } } },
	{ &github_files,
		"{'repository':'acme/docs','branch':'main','message':'Set up',"
		"'files':[{'path':'README.md','content':'hello'}]}",
		"PATCH", REPO "/git/refs/heads%2Fmain",
		{ { "GET", REPO "/commits/heads%2Fmain", .status = 200, .body = HEAD },
			{ "GET", REPO "/git/trees/t1", .status = 200, .body = "{'tree':[]}" },
			{ "GET", REPO "/commits", .status = 200, .body = "[]" },
			{ "POST", REPO "/git/trees", .status = 201, .body = "{'sha':'t2'}" },
			{ "POST", REPO "/git/commits", .status = 201, .body = "{'sha':'c2'}" } } },
	{ &github_variables,
		"{'repository':'acme/docs','variables':[{'name':'SITE','value':'docs'}]}", "POST",
		REPO "/actions/variables",
		{ { "GET", REPO "/actions/variables", .status = 200,
			.body = "{'variables':[]}" } } },
	{ &github_variables,
		"{'repository':'acme/docs','variables':[{'name':'SITE','value':'docs'}]}", "PATCH",
		REPO "/actions/variables/SITE",
		{ { "GET", REPO "/actions/variables", .status = 200,
			.body = "{'variables':[{'name':'SITE','value':'other'}]}" } } },
	{ &github_secrets, "{'repository':'acme/docs','secrets':[{'name':'KEY','value':'hush'}]}",
		"PUT", REPO "/actions/secrets/KEY",
		{ { "GET", REPO "/actions/secrets/public-key", .status = 200,
			.body = PUBLIC_KEY } } },
	{ &github_access, "{'repository':'acme/docs','user':'ann'}", "PUT",
		REPO "/collaborators/ann",
		{ { "GET", REPO "/invitations", .status = 200, .body = "[]" },
			{ "GET", REPO "/collaborators", .status = 200, .body = "[]" },
			{ "GET", "/github/orgs/acme", .status = 200,
				.body = "{'login':'acme'}" } } },
	{ &github_protection, "{'repository':'acme/docs','requiredReviews':1}", "PUT",
		REPO "/branches/main/protection",
		{ { "GET", REPO "/branches/main/protection", .status = 404,
			  .body = "{'message':'Branch not protected'}" },
			{ "GET", REPO "/rules/branches/main", .status = 200, .body = "[]" } } },
	{ &github_protection, "{'repository':'acme/docs','requiredReviews':1}", "POST",
		REPO "/rulesets",
		{ { "GET", REPO "/branches/main/protection", .status = 404,
			  .body = "{'message':'Branch not protected'}" },
			{ "GET", REPO "/rules/branches/main", .status = 200,
				.body = "[{'type':'creation'}]" },
			{ "GET", REPO "/rulesets", .status = 200, .body = "[]" } } },
	{ &github_protection, "{'repository':'acme/docs','requiredReviews':1}", "PUT",
		REPO "/rulesets/7",
		{ { "GET", REPO "/branches/main/protection", .status = 404,
			  .body = "{'message':'Branch not protected'}" },
			{ "GET", REPO "/rules/branches/main", .status = 200,
				.body = "[{'type':'creation'}]" },
			{ "GET", REPO "/rulesets", .status = 200, .body = "[" RULESET "]" },
			{ "GET", REPO "/rulesets/7", .status = 200, .body = RULESET } } },
	{ &github_workflow_run, "{'repository':'acme/docs','workflow':'setup.yml','ref':'main'}",
		"POST", SETUP "/dispatches",
		{ { "GET", REPO "/branches/main", .status = 200,
			  .body = "{'name':'main','commit':{'sha':'c1'}}" },
			{ "GET", SETUP "/runs", .status = 200, .body = "{'workflow_runs':[]}" } } },
	/* Nobody is sent to click what cannot be clicked. */
	{ &github_workflow_run, "{'repository':'acme/docs','workflow':'setup.yml','ref':'main'}",
		"PUT", SETUP "/enable",
		{ { "GET", REPO "/branches/main", .status = 200,
			  .body = "{'name':'main','commit':{'sha':'c1'}}" },
			{ "GET", SETUP "/runs", .status = 200, .body = "{'workflow_runs':[]}" },
			{ "GET", SETUP, .status = 200, .body = "{'state':'disabled_fork'}" },
			{ "GET", REPO "/actions/permissions", .status = 200,
				.body = "{'enabled':true}" },
			{ "POST", SETUP "/dispatches", .status = 422, .body = OFF } } },
	{ &github_workflow_run, "{'repository':'acme/docs','workflow':'setup.yml','ref':'main'}",
		"PUT", REPO "/actions/permissions",
		{ { "GET", REPO "/branches/main", .status = 200,
			  .body = "{'name':'main','commit':{'sha':'c1'}}" },
			{ "GET", SETUP "/runs", .status = 200, .body = "{'workflow_runs':[]}" },
			{ "GET", REPO "/actions/permissions", .status = 200,
				.body = "{'enabled':false}" },
			{ "GET", SETUP, .status = 200, .body = "{'state':'active'}" },
			{ "POST", SETUP "/dispatches", .status = 422, .body = OFF } } },
	{ &github_repository, "{'owner':'acme','name':'docs','visibility':'internal'}", "PATCH",
		REPO,
		{ { "GET", REPO, .status = 200, .body = FOUND },
			{ "GET", REPO "/branches/main", .status = 200,
				.body = "{'name':'main','commit':{'sha':'c1'}}" },
			{ "GET", REPO "/commits", .status = 200, .body = "[{'sha':'c1'}]" },
			{ "GET", "/github/orgs/acme", .status = 200,
				.body = "{'login':'acme'}" } } },
};

static void try_case(size_t index, int status)
{
	const struct archived_case *tried = &cases[index];
	struct peer_row rows[ARRAY_LEN(tried->rows) + 2];

	rows[0] =
		(struct peer_row){ tried->method, tried->path, .status = status, .body = ARCHIVED };
	memcpy(&rows[1], tried->rows, sizeof(tried->rows));
	rows[ARRAY_LEN(rows) - 1] = (struct peer_row){ .method = NULL };
	peer_set(trial.peer, rows);
	ck_assert_msg(trial_run(&trial, tried->action, tried->input, 1) == ACTION_FAILED,
		"case %zu, %d: waits for %s", index, status, trial_wait_text(&trial));
	ck_assert_msg(peer_count(trial.peer, tried->method, tried->path) == 1,
		"case %zu, %d: not sent: %s", index, status, trial_error(&trial)->message);
	ck_assert_msg(trial_error(&trial)->class == ERROR_INVALID_INPUT &&
			strstr(trial_error(&trial)->message, "archived") != NULL &&
			strstr(trial_error(&trial)->remedy, "Unarchive the repository") != NULL,
		"case %zu, %d: %s; %s", index, status, trial_error(&trial)->message,
		trial_error(&trial)->remedy);
}

/* By whatever status, and though the app made the repository a moment ago, for which 404, 409 and
 * 422 are waited for. */
START_TEST(test_an_archived_repository_is_told_at_once)
{
	static const int statuses[] = { 403, 404, 409, 422 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t j = 0; j < ARRAY_LEN(statuses); j++) {
			setup();
			trial_made(&trial, "github:repository:acme/docs", 5000);
			try_case(i, statuses[j]);
			teardown();
		}
}
END_TEST

START_TEST(test_the_member_that_names_it_is_told)
{
	setup();
	try_case(2, 403);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "repository");
	teardown();
}
END_TEST

/* ---- what a plan says before ---- */

#define SHOWN(more)                                                                                \
	"{'id':42,'full_name':'acme/docs','name':'docs','owner':{'login':'acme'},"                 \
	"'default_branch':'main','private':true,'visibility':'private'" more "}"
#define RIGHTS(admin, push, pull)                                                                  \
	SHOWN(",'permissions':{'admin':" admin ",'push':" push ",'pull':" pull "}")

static enum action_result plan_case(size_t index, int status, const char *shown)
{
	const struct archived_case *tried = &cases[index];
	static struct peer_row rows[ARRAY_LEN(cases[0].rows) + 4];

	rows[0] = (struct peer_row){ "GET", REPO, .status = status, .body = shown };
	/* What a plan of a workflow reads besides. */
	rows[1] = (struct peer_row){ "GET", REPO "/actions/permissions", .status = 200,
		.body = "{'enabled':true}" };
	rows[2] = (struct peer_row){ "GET", SETUP, .status = 200, .body = "{'state':'active'}" };
	memcpy(&rows[3], tried->rows, sizeof(tried->rows));
	rows[ARRAY_LEN(rows) - 1] = (struct peer_row){ .method = NULL };
	peer_set(trial.peer, rows);
	trial.planned = true;
	return trial_run(&trial, tried->action, tried->input, 1);
}

START_TEST(test_a_plan_tells_of_an_archived_repository)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		setup();
		trial_made(&trial, "github:repository:acme/docs", 5000);
		ck_assert_int_eq(plan_case(i, 200, SHOWN(",'archived':true")), ACTION_FAILED);
		ck_assert_str_eq(trial_change(&trial), "");
		ck_assert_msg(trial_error(&trial)->class == ERROR_INVALID_INPUT &&
				strstr(trial_error(&trial)->message, "acme/docs is archived") !=
					NULL,
			"case %zu: %s", i, trial_error(&trial)->message);
		ck_assert_str_eq(trial_error(&trial)->remedy_input,
			cases[i].action == &github_repository ? "name" : "repository");
		teardown();
	}
}
END_TEST

/* Rights of a person, as GitHub shows them with the repository; an app's token has none there. */
START_TEST(test_a_plan_tells_what_the_account_may_not)
{
	enum { FILES = 0, SECRETS = 4, ACCESS = 5, PROTECTION = 6, RULESETS = 7 };
	static const struct {
		size_t index;
		int status;
		const char *shown, *message; /* NULL: it goes on to the change */
	} rights[] = {
		{ FILES, 200, RIGHTS("false", "false", "true"), "may not write to acme/docs" },
		{ FILES, 200, RIGHTS("false", "true", "true"), NULL },
		{ SECRETS, 200, RIGHTS("false", "true", "true"), NULL },
		{ ACCESS, 200, RIGHTS("false", "true", "true"), "may not administer acme/docs" },
		{ PROTECTION, 200, RIGHTS("false", "true", "true"), "may not administer" },
		{ RULESETS, 200, RIGHTS("false", "true", "true"), "may not administer" },
		{ RULESETS, 200, RIGHTS("true", "true", "true"), NULL },
		{ FILES, 200, RIGHTS("false", "false", "false"), NULL },
		{ FILES, 200, SHOWN(""), NULL },
		{ FILES, 404, "{'message':'Not Found'}", NULL },
		{ FILES, 502, "", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		setup();
		ck_assert_int_eq(plan_case(rights[i].index, rights[i].status, rights[i].shown),
			ACTION_FAILED);
		ck_assert_msg((trial_change(&trial)[0] == '\0') == (rights[i].message != NULL),
			"row %zu: %s", i, trial_error(&trial)->message);
		if (rights[i].message != NULL) {
			ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
			ck_assert_ptr_nonnull(
				strstr(trial_error(&trial)->message, rights[i].message));
		}
		teardown();
	}
}
END_TEST

/* Nothing of the repository is changed by a fork of it. */
START_TEST(test_an_archived_repository_may_be_forked)
{
	static const struct peer_row rows[] = {
		{ "GET", REPO, .status = 404, .body = "{'message':'Not Found'}" },
		{ "GET", "/github/repos/up/stream", .status = 200,
			.body = "{'id':1,'full_name':'up/stream','name':'stream','archived':true,"
				"'owner':{'login':'up'},'visibility':'public'}" },
		{ "GET", "/github/repos/up/stream/forks", .status = 200, .body = "[]" },
		{ "GET", "/github/orgs/acme", .status = 200, .body = "{'login':'acme'}" },
		{ .method = NULL },
	};
	setup();
	trial.planned = true;
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_repository,
				 "{'owner':'acme','name':'docs','fork':'up/stream'}", 1),
		ACTION_FAILED);
	ck_assert_str_eq(trial_change(&trial), "create");
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_an_archived_repository_is_told_at_once,
		test_the_member_that_names_it_is_told, test_a_plan_tells_of_an_archived_repository,
		test_a_plan_tells_what_the_account_may_not,
		test_an_archived_repository_may_be_forked, NULL };
	return suite_main("archived repositories", tests, NULL, NULL);
}
