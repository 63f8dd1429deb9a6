/*
 * What actions promise in a plan, and how they are planned behind a step that has yet to make what
 * they work on: nothing is asked of what is not there.
 *
 * covers: src/action/dry_run_call.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

/* What stands in an input for a value that is yet to be given: by the step that makes the thing, or
 * by one that may only change it. */
#define NEW(step, output)  "'\\u001a+" step "." output "\\u001a'"
#define OPEN(step, output) "'\\u001a?" step "." output "\\u001a'"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
	trial.planned = true;
}

static void teardown(void)
{
	trial_end(&trial);
}

/* Of the repository acme/docs, which the step 'repo' has yet to make, or the project of 'project'.
 */
static const struct {
	const struct action_definition *action;
	const char *input;
	const char *change; /* "": it is not decided */
	const char *request, *difference;
} behind[] = {
	{ &github_variables, "{'repository':'acme/docs','variables':[{'name':'A','value':'b'}]}",
		"create", "POST /repos/acme/docs/actions/variables of GitHub",
		"A: does not exist" },
	{ &github_secrets, "{'repository':'Acme/Docs','secrets':[{'name':'KEY','value':'x'}]}",
		"update", "PUT /repos/Acme/Docs/actions/secrets/KEY of GitHub",
		"KEY will be written" },
	{ &github_access, "{'repository':'acme/docs','user':'octocat'}", "update",
		"PUT /repos/acme/docs/collaborators/octocat of GitHub", "" },
	{ &github_protection,
		"{'repository':'acme/docs','branch':" NEW("repo", "defaultBranch") "}", "update",
		"PUT /repos/acme/docs/branches/(defaultBranch of 'repo')/protection of GitHub",
		"" },
	{ &github_files,
		"{'repository':'acme/docs','branch':'main','message':'m','files':[{'path':'a.txt',"
		"'content':'a'}]}",
		"", "", "a.txt: decided when acme/docs has its content" },
	{ &vercel_environment,
		"{'project':" NEW("project", "id") ",'variables':[{'key':'A','value':'b',"
						   "'type':'plain'}]}",
		"update", "POST /v10/projects/(id of 'project')/env of Vercel",
		"A does not exist" },
	{ &vercel_deployment,
		"{'project':" NEW("project",
			"id") ",'projectName':'docs','repository':'acme/docs',"
			      "'repositoryId':" NEW("repo", "id") ",'branch':'main','after':" OPEN(
				      "env", "updatedAt") "}",
		"create", "POST /v13/deployments of Vercel", "" },
	{ &github_workflow_run,
		"{'repository':'acme/docs','ref':" NEW(
			"repo", "defaultBranch") ",'workflow':'ci.yml'}",
		"create", "POST /repos/acme/docs/actions/workflows/ci.yml/dispatches of GitHub",
		"" },
	{ &vercel_domain, "{'project':" NEW("project", "id") ",'name':'Docs.example.org'}",
		"create", "POST /v10/projects/(id of 'project')/domains of Vercel", "" },
	/* What only an earlier step can say, of a project that may be there. */
	{ &vercel_environment,
		"{'project':" OPEN("project", "id") ",'variables':[{'key':'A','value':'b',"
						    "'type':'plain'}]}",
		"", "", "" },
	{ &vercel_domain, "{'project':" OPEN("project", "id") ",'name':'docs.example.org'}", "", "",
		"" },
	{ &github_variables, "{'repository':'acme/docs','variables':" NEW("other", "list") "}", "",
		"", "" },
	/* Behind a repository that is in conflict, nothing of it is known, not even its name. */
	{ &github_variables,
		"{'repository':" OPEN(
			"repo", "fullName") ",'variables':[{'name':'A','value':'b'}]}",
		"", "", "" },
	{ &github_secrets,
		"{'repository':" OPEN(
			"repo", "fullName") ",'secrets':[{'name':'KEY','value':'x'}]}",
		"", "", "KEY will be written" },
	{ &github_access, "{'repository':" OPEN("repo", "fullName") ",'user':'octocat'}", "", "",
		"" },
	{ &github_protection,
		"{'repository':" OPEN("repo", "fullName") ",'branch':" OPEN(
			"repo", "defaultBranch") "}",
		"", "", "" },
	{ &github_files,
		"{'repository':" OPEN("repo", "fullName") ",'branch':'main','message':'m','files':["
							  "{'path':'a.txt','content':'a'}]}",
		"", "", "" },
	{ &github_workflow_run,
		"{'repository':" OPEN("repo", "fullName") ",'ref':'main','workflow':'ci.yml'}", "",
		"", "" },
	{ &vercel_deployment,
		"{'project':'prj_1','projectName':'docs','repository':" OPEN("repo",
			"fullName") ",'repositoryId':" OPEN("repo", "id") ",'branch':'main'}",
		"", "", "" },
};

START_TEST(test_nothing_is_asked_of_what_is_not_there)
{
	static const struct planned_resource repository = { "github", "repository", "acme/docs",
		"repo" };

	trial.planned_resource = &repository;
	for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
		ck_assert_int_eq(
			trial_attempt(&trial, behind[i].action, behind[i].input), ACTION_FAILED);
		ck_assert_msg(strcmp(trial_change(&trial), behind[i].change) == 0,
			"row %zu: %s, %s", i, trial_change(&trial), trial_error(&trial)->message);
		ck_assert_str_eq(trial_planned_request(&trial), behind[i].request);
		ck_assert_str_eq(trial_difference(&trial, 0), behind[i].difference);
		if (behind[i].change[0] == '\0')
			ck_assert_msg(provider_is_to_be_made(trial_context(&trial)) ||
					trial_error(&trial)->class == ERROR_NEEDS_NOT_DONE,
				"row %zu: %s", i, trial_error(&trial)->message);
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
}
END_TEST

/* What stands beside it is asked as ever. */
START_TEST(test_what_has_another_name_is_asked_of)
{
	static const struct planned_resource repository = { "github", "repository", "acme/docs",
		"repo" };
	static const struct peer_row rows[] = {
		{ "GET", "/github/repos/acme/docs2/actions/variables?per_page=30&page=1",
			.status = 200, .body = "{'variables':[{'name':'A','value':'b'}]}" },
		{ .method = NULL },
	};

	peer_set(trial.peer, rows);
	trial.planned_resource = &repository;
	ck_assert_int_eq(
		trial_attempt(&trial, &github_variables,
			"{'repository':'acme/docs2','variables':[{'name':'A','value':'b'}]}"),
		ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
}
END_TEST

START_TEST(test_a_repository_promises_its_names)
{
	static const struct peer_row rows[] = {
		{ "GET", "/github/repos/acme/docs", .status = 404,
			.body = "{'message':'Not Found'}" },
		{ "GET", "/github/orgs/acme", .status = 200, .body = "{'login':'acme'}" },
		{ .method = NULL },
	};

	peer_set(trial.peer, rows);
	trial_attempt(&trial, &github_repository, "{'owner':'acme','name':'docs'}");
	ck_assert_str_eq(trial_change(&trial), "create");
	const char *output = trial_output(&trial);
	ck_assert_ptr_nonnull(
		strstr(output, J("'fullName':'acme/docs','owner':'acme','name':'docs'")));
	ck_assert_ptr_nonnull(strstr(output, J("'visibility':'private','created':true")));
	ck_assert_ptr_null(strstr(output, "defaultBranch"));
	trial_attempt(&trial, &github_repository,
		"{'owner':'acme','name':'docs','fork':'upstream/starter'}");
	ck_assert_ptr_null(strstr(trial_output(&trial), "visibility"));
}
END_TEST

START_TEST(test_a_project_promises_its_name_and_not_whose_repository_it_has)
{
	const char *input =
		"{'name':'docs','repository':'acme/docs','repositoryId':" NEW("repo", "id") "}";
	static const struct peer_row free_name[] = {
		{ "GET", "/vercel/v9/projects/docs", .status = 404, .body = "{'error':{}}" },
		{ "GET", "/vercel/v1/integrations/git-namespaces", .status = 200,
			.body = "[{'slug':'acme'}]" },
		{ .method = NULL },
	};
	/* It has the name of the repository, and the id of one that is gone. */
	static const struct peer_row linked[] = {
		{ "GET", "/vercel/v9/projects/docs", .status = 200,
			.body = "{'id':'prj_1','name':'docs','link':{'org':'acme','repo':'docs',"
				"'repoId':7}}" },
		{ .method = NULL },
	};

	peer_set(trial.peer, free_name);
	trial_attempt(&trial, &vercel_project, input);
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'name':'docs'")));
	ck_assert_ptr_null(strstr(trial_output(&trial), J("'id':")));
	peer_set(trial.peer, linked);
	trial_attempt(&trial, &vercel_project, input);
	ck_assert_str_eq(trial_change(&trial), "");
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
}
END_TEST

START_TEST(test_other_actions_promise_what_they_know)
{
	trial_attempt(&trial, &vercel_domain,
		"{'project':" NEW("project", "id") ",'name':'Docs.example.org'}");
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("'name':'docs.example.org','url':'https://docs.example.org'")));
	trial_attempt(&trial, &http_check, "{'url':" NEW("deployment", "alias") ",'path':'/up'}");
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), "alias"));
	trial_attempt(&trial, &vercel_deployment,
		"{'project':" NEW(
			"project", "id") ",'projectName':'docs','repository':'acme/docs',"
					 "'repositoryId':1,'branch':'main',"
					 "'sha':'0123456789012345678901234567890123456789'}");
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_ptr_nonnull(strstr(
		trial_output(&trial), J("'sha':'0123456789012345678901234567890123456789'")));
}
END_TEST

/* In a run, a text of that form is one like any other. */
START_TEST(test_a_run_knows_nothing_of_it)
{
	static const struct peer_row rows[] = {
		{ "GET", "/github/repos/acme/docs/actions/variables?per_page=30&page=1",
			.status = 200, .body = "{'variables':[{'name':'A','value':'b'}]}" },
		{ .method = NULL },
	};

	trial.planned = false;
	peer_set(trial.peer, rows);
	ck_assert_int_eq(
		trial_attempt(&trial, &github_variables,
			"{'repository':'acme/docs','variables':[{'name':'A','value':'b'}]}"),
		ACTION_DONE);
	ck_assert(!provider_is_to_be_made(trial_context(&trial)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_nothing_is_asked_of_what_is_not_there,
		test_what_has_another_name_is_asked_of, test_a_repository_promises_its_names,
		test_a_project_promises_its_name_and_not_whose_repository_it_has,
		test_other_actions_promise_what_they_know, test_a_run_knows_nothing_of_it, NULL };
	return suite_main("plan_behind", tests, setup, teardown);
}
