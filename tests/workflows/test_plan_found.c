/*
 * What actions tell a plan of what they find and would change: where that is another, the plan is
 * another, also where it would do the same.
 *
 * covers: src/action/dry_run_found.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

#define GITHUB "/github/repos/acme/docs/"
#define VERCEL "/vercel/v9/projects/prj_1/"
#define HEAD   "{'sha':'c1','commit':{'message':'x','tree':{'sha':'t1'}}}"
#define TREE(sha)                                                                                  \
	"{'sha':'t1','truncated':false,'tree':[{'path':'a.txt','mode':'100644','type':'blob',"     \
	"'sha':'" sha "'}]}"
#define ENTRY(value, updated)                                                                      \
	"{'envs':[{'id':'e1','key':'A','value':'" value "','type':'plain',"                        \
	"'target':['production'],'updatedAt':" updated "}]}"
#define OLDER(value)                                                                               \
	"{'envs':[{'id':'e1','key':'A','value':'b','type':'plain','target':['production']},"       \
	"{'id':'e2','key':'A','value':'" value "','type':'plain','target':'preview'}]}"
#define PERSON(role)                                                                               \
	"[{'login':'ann','role_name':'" role "','permissions':{'pull':true,'push':false}}]"
#define DOMAIN(redirect)                                                                           \
	"{'name':'www.acme.example','apexName':'acme.example','projectId':'prj_1',"                \
	"'redirect':'" redirect "','verified':true}"
#define REVIEWS(count)                                                                             \
	"{'required_pull_request_reviews':{'required_approving_review_count':" count "}}"

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

/* The same step in two worlds. Each would be changed by the same call, or not be changed at all. */
static const struct {
	const struct action_definition *action;
	const char *input, *change;
	const char *path; /* of what is another in the second world */
	const char *one, *other;
	const char *difference; /* the same in both */
} worlds[] = {
	{ &github_variables, "{'repository':'acme/docs','variables':[{'name':'A','value':'b'}]}",
		"update", GITHUB "actions/variables", "{'variables':[{'name':'A','value':'c'}]}",
		"{'variables':[{'name':'A','value':'d'}]}", "A: has a different value" },
	{ &vercel_environment,
		"{'project':'prj_1','variables':[{'key':'A','value':'b','type':'plain',"
		"'targets':['production']}]}",
		"update", "/vercel/v10/projects/prj_1/env", ENTRY("c", "1"), ENTRY("d", "1"),
		"A is different" },
	{ &vercel_environment,
		"{'project':'prj_1','variables':[{'key':'A','value':'b','type':'plain',"
		"'targets':['production']}]}",
		"update", "/vercel/v10/projects/prj_1/env", ENTRY("c", "1"), ENTRY("c", "2"),
		"A is different" },
	{ &vercel_environment,
		"{'project':'prj_1','variables':[{'key':'A','value':'b','type':'plain',"
		"'targets':['production','preview']}]}",
		"remove", "/vercel/v10/projects/prj_1/env", OLDER("y"), OLDER("z"),
		"A is different" },
	{ &github_files,
		"{'repository':'acme/docs','branch':'main','message':'m','files':[{'path':'a.txt',"
		"'content':'a'}]}",
		"update", GITHUB "git/trees/t1", TREE("b1"), TREE("b2"),
		"a.txt: has different content" },
	{ &github_access, "{'repository':'acme/docs','user':'ann','permission':'push'}", "update",
		GITHUB "collaborators", PERSON("read"), PERSON("triage"), "" },
	{ &github_protection, "{'repository':'acme/docs','branch':'main','requiredReviews':3}",
		"update", GITHUB "branches/main/protection", REVIEWS("1"), REVIEWS("2"), "" },
	{ &vercel_domain, "{'project':'prj_1','name':'www.acme.example','redirect':'acme.example'}",
		"update", VERCEL "domains/www.acme.example", DOMAIN("a.example"),
		DOMAIN("b.example"), "" },
};

static void look(size_t index, const char *body)
{
	const struct peer_row rows[] = {
		{ "GET", worlds[index].path, .status = 200, .body = body },
		{ "GET", GITHUB "commits/heads%2Fmain", .status = 200, .body = HEAD },
		{ "GET", GITHUB "invitations", .status = 200, .body = "[]" },
		{ "GET", GITHUB "rules/branches/main", .status = 200, .body = "[]" },
		{ "GET", "/vercel/v9/projects/prj_1", .status = 200,
			.body = "{'id':'prj_1','name':'docs'}" },
		{ .method = NULL },
	};

	peer_set(trial.peer, rows);
	trial_forget(&trial);
	(void)trial_attempt(&trial, worlds[index].action, worlds[index].input);
	ck_assert_msg(strcmp(trial_change(&trial), worlds[index].change) == 0, "%zu: %s: %s", index,
		trial_change(&trial), trial_error(&trial)->message);
	ck_assert_str_eq(trial_difference(&trial, 0), worlds[index].difference);
}

START_TEST(test_what_stands_there_is_part_of_the_plan)
{
	for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
		char one[DIGEST_SIZE], request[256];

		look(i, worlds[i].one);
		memcpy(one, trial_found(&trial), DIGEST_SIZE);
		snprintf(request, sizeof(request), "%s", trial_planned_request(&trial));
		look(i, worlds[i].one);
		ck_assert_str_eq(trial_found(&trial), one);
		look(i, worlds[i].other);
		ck_assert_str_eq(trial_planned_request(&trial), request);
		ck_assert_msg(strcmp(trial_found(&trial), one) != 0, "%zu", i);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_stands_there_is_part_of_the_plan, NULL };
	return suite_main("what a plan finds", tests, setup, teardown);
}
