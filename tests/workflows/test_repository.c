/*
 * github.repository against a scripted GitHub.
 *
 * covers: workflows/actions/github_repository.c workflows/actions/github_create.c
 * covers: workflows/actions/github_head.c
 * covers: workflows/actions/github_source.c workflows/actions/github_origin.c
 */
#include <stdio.h>
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

#define FORK_INPUT "{'owner':'acme','name':'docs','fork':'upstream/starter'}"
#define TEMPLATE_INPUT                                                                             \
	"{'owner':'acme','name':'docs','template':'upstream/starter','private':true,"              \
	"'description':'Our docs'}"
#define ADOPT_INPUT "{'owner':'acme','name':'docs','adopt':true}"
#define PLAIN_INPUT "{'owner':'acme','name':'docs','private':true,'description':'Words'}"

#define REPOSITORY(id, full, name, more)                                                           \
	"{'id':" id ",'full_name':'" full "','name':'" name "','owner':{'login':'acme'},"          \
	"'default_branch':'main','html_url':'https://github.com/" full "'" more "}"
#define FORKED         ",'fork':true,'parent':{'full_name':'upstream/starter'}"
#define NO_PARENT      ",'fork':true"
#define GENERATED      ",'fork':false,'template_repository':{'full_name':'Upstream/Starter'}"
#define DOCS(more)     REPOSITORY("42", "acme/docs", "docs", more)
#define NOT_FOUND_BODY "{'message':'Not Found'}"

#define LOOK      "GET", "/github/repos/acme/docs"
#define SOURCE    "GET", "/github/repos/upstream/starter"
#define FORK      "POST", "/github/repos/upstream/starter/forks"
#define GENERATE  "POST", "/github/repos/upstream/starter/generate"
#define CREATE    "POST", "/github/orgs/acme/repos"
#define CREATE_MY "POST", "/github/user/repos"
#define TOKEN_OF  "GET", "/github/user"
#define FORK_LIST "GET", "/github/repos/upstream/starter/forks"
#define BRANCH    "GET", "/github/repos/acme/docs/branches/main"
#define COMMITS   "GET", "/github/repos/acme/docs/commits"
#define ACCOUNT(method_type)                                                                       \
	{ .method = "GET",                                                                         \
		.path = "/github/users/acme",                                                      \
		.status = 200,                                                                     \
		.body = "{'login':'acme','type':'" method_type "'}" },                             \
	{                                                                                          \
		.method = "GET", .path = "/github/orgs/acme",                                      \
		.status = sizeof(method_type) > 5 ? 200 : 404, .body = "{'login':'acme'}"          \
	}
#define READY                                                                                      \
	{ BRANCH, .status = 200, .body = "{'name':'main','commit':{'sha':'abc123'}}" },            \
	{                                                                                          \
		COMMITS, .status = 200, .body = "[{'sha':'abc123'}]"                               \
	}

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_repository, input, attempts_max);
}

static void check_output(bool created)
{
	const char *output = trial_output(&trial);
	ck_assert_msg(
		strstr(output, J("'id':42,'fullName':'acme/docs','owner':'acme','name':'docs'")) !=
			NULL,
		"%s", output);
	ck_assert_msg(strstr(output, created ? J("'created':true") : J("'created':false")) != NULL,
		"%s", output);
	ck_assert_ptr_nonnull(strstr(output, J("'headCommit':'abc123'")));
	ck_assert_ptr_nonnull(strstr(output, J("'defaultBranch':'main'")));
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "github:repository:acme/docs"));
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_forks_into_an_organisation)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 9), ACTION_DONE);
	check_output(true);
	ck_assert_int_ge(trial_saves(&trial), 1);
	ck_assert_ptr_nonnull(strstr(trial_intended(&trial), "github:repository:acme/docs "));
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 1);
	struct peer_request request = peer_last(trial.peer, FORK);
	ck_assert_ptr_nonnull(strstr(request.body, J("'organization':'acme'")));
	ck_assert_ptr_nonnull(strstr(request.body, J("'name':'docs'")));
	/* Twice in a row, for one success was seen to flap. */
	ck_assert_uint_ge(peer_count(trial.peer, BRANCH), 2);
}
END_TEST

/* How many forks were asked for. */
static size_t fork_into_user(int status, const char *account)
{
	const struct peer_row rows[] = {
		{ TOKEN_OF, .status = status, .body = account },
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("User"),
		READY,
		{ .method = NULL },
	};
	run_with(rows, FORK_INPUT, 9);
	return peer_count(trial.peer, FORK);
}

START_TEST(test_forks_into_a_user_without_organization)
{
	ck_assert_uint_eq(fork_into_user(200, J("{'login':'Acme'}")), 1);
	ck_assert_ptr_null(strstr(peer_last(trial.peer, FORK).body, "organization"));
	check_output(true);
}
END_TEST

START_TEST(test_an_installation_forks_though_it_is_told_no_account)
{
	ck_assert_uint_eq(
		fork_into_user(403, J("{'message':'Resource not accessible by integration'}")), 1);
	check_output(true);
}
END_TEST

/* GitHub would put it into the account of the token. */
START_TEST(test_forks_into_no_user_but_the_tokens_own)
{
	ck_assert_uint_eq(fork_into_user(200, J("{'login':'bot'}")), 0);
	check_failed(ERROR_SCOPE_MISSING);
	ck_assert_ptr_null(strstr(trial_intended(&trial), "github:repository:acme/docs "));
}
END_TEST

START_TEST(test_generates_from_a_template)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(GENERATED) },
		{ GENERATE, .status = 201, .body = DOCS(GENERATED) },
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 9), ACTION_DONE);
	check_output(true);
	struct peer_request request = peer_last(trial.peer, GENERATE);
	ck_assert_ptr_nonnull(strstr(request.body, J("'owner':'acme','name':'docs'")));
	ck_assert_ptr_nonnull(strstr(request.body, J("'description':'Our docs','private':true")));
}
END_TEST

START_TEST(test_adopts_what_is_ours)
{
	static const char *const bodies[] = { DOCS(FORKED), DOCS(NO_PARENT) };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200, .body = bodies[i] },
			{ FORK_LIST, .status = 200, .body = "[" DOCS(NO_PARENT) "]" },
			READY,
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows, FORK_INPUT, 9), ACTION_DONE);
		check_output(false);
		ck_assert_uint_eq(peer_count(trial.peer, FORK), 0);
	}
}
END_TEST

START_TEST(test_adopts_by_ledger_and_by_wish)
{
	static const struct peer_row plain[] = { { LOOK, .status = 200, .body = DOCS("") }, READY,
		{ .method = NULL } };
	ck_assert_int_eq(run_with(plain, ADOPT_INPUT, 9), ACTION_DONE);
	check_output(false);
	/* Now the ledger knows it by its id. */
	trial_forget(&trial);
	ck_assert_int_eq(run_with(plain, TEMPLATE_INPUT, 9), ACTION_DONE);
	check_output(false);
}
END_TEST

/* Others are made from the same template: that alone does not make it this app's. */
START_TEST(test_one_from_the_same_template_is_not_ours)
{
	static const struct peer_row others[] = { { LOOK, .status = 200, .body = DOCS(GENERATED) },
		{ .method = NULL } };
	static const struct peer_row lost[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ GENERATE, .behaviour = PEER_DROPS },
		{ LOOK, .status = 200, .body = DOCS(GENERATED) },
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(others, TEMPLATE_INPUT, 9), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "adopt");
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	/* Where this run asked for it and the answer was lost, it is. */
	trial_forget(&trial);
	ck_assert_int_eq(run_with(lost, TEMPLATE_INPUT, 9), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &github_repository, TEMPLATE_INPUT, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, GENERATE), 1);
	check_output(true);
}
END_TEST

/* People have renamed it since: GitHub still knows the old name, and the ledger the id. */
START_TEST(test_renamed_repository_is_still_ours)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = DOCS("") }, READY,
		{ .method = NULL } };
	trial_ledger_put(&trial, "github:repository:acme/before", "{'id':'42','created':true}");
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 9), ACTION_DONE);
	check_output(false);
	ck_assert_ptr_nonnull(strstr(
		trial_ledger_row(&trial, "github:repository:acme/docs"), J("'created':true")));
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
}
END_TEST

/* GitHub redirects from the old name: the new one is stored and given on, and
 * people are told once. */
START_TEST(test_stores_the_new_name)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 301, .body = "{}",
			.headers = "Location: /github/repositories/42" },
		{ "GET", "/github/repositories/42", .status = 200,
			.body = REPOSITORY("42", "acme/manual", "manual", "") },
		{ "GET", "/github/repos/acme/manual/branches/main", .status = 301,
			.headers = "Location: /github/repositories/42/branches/main" },
		{ "GET", "/github/repositories/42/branches/main", .status = 200,
			.body = "{'name':'main','commit':{'sha':'abc123'}}" },
		{ "GET", "/github/repos/acme/manual/commits", .status = 200,
			.body = "[{'sha':'abc123'}]" },
		{ .method = NULL },
	};
	static const char told[] = "GitHub redirects /repos/{owner}/{repo} of acme/docs";
	trial_made(&trial, "github:repository:acme/docs", 3600000);
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 1), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'fullName':'acme/manual'")));
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "github:repository:acme/manual"));
	ck_assert_msg(strstr(trial_log(&trial), told) != NULL, "%s", trial_log(&trial));
	ck_assert_ptr_null(strstr(strstr(trial_log(&trial), told) + strlen(told), "redirects"));
}
END_TEST

START_TEST(test_refuses_what_is_foreign)
{
	static const struct peer_row rows[] = {
		{
			LOOK,
			.status = 200,
			.body = DOCS(",'fork':true"),
		},
		{ FORK_LIST, .status = 200, .body = "[]" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "adopt");
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_uint_eq(peer_count(trial.peer, GENERATE), 0);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* A ledger entry of another id is another repository of the same name. */
START_TEST(test_refuses_what_was_replaced)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = DOCS("") },
		{ .method = NULL } };
	trial_ledger_put(&trial, "github:repository:acme/docs", "{'id':'41','created':true}");
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
}
END_TEST

START_TEST(test_looks_after_a_lost_answer)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .behaviour = PEER_DROPS },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_NETWORK);
	ck_assert_ptr_nonnull(strstr(trial_intended(&trial), "github:repository:acme/docs "));
	ck_assert_int_eq(trial_run(&trial, &github_repository, FORK_INPUT, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 1);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "github:repository:acme/docs"));
}
END_TEST

START_TEST(test_name_taken_between_look_and_create)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS("") },
		{ GENERATE, .status = 422,
			.body = "{'message':'Could not clone: Name already exists on this "
				"account'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 5), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_uint_eq(peer_count(trial.peer, GENERATE), 1);
}
END_TEST

/* Another's that the token cannot see. */
START_TEST(test_name_taken_by_what_stays_invisible)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ GENERATE, .status = 422,
			.body = "{'message':'Could not clone: Name already exists on this "
				"account'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 99), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "name");
	ck_assert_int_eq(trial_error(&trial)->http_status, 422);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "give the token access"));
	ck_assert_uint_eq(peer_count(trial.peer, GENERATE), 2);
	ck_assert_int_ge(trial.age_ms, 50000);
}
END_TEST

START_TEST(test_refusal_to_create_keeps_its_class)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ GENERATE, .status = 422,
			.body = "{\"message\":\"Visibility can't be private. Please upgrade your "
				"subscription to "
				"create "
				"a new private repository.\"}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_PLAN_LIMIT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "");
}
END_TEST

START_TEST(test_another_name_handed_back_is_left_alone)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ FORK, .status = 202, .body = REPOSITORY("7", "acme/docs-1", "docs-1", FORKED) },
		ACCOUNT("Organization"),
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 3), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "acme/docs-1"));
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "name");
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", "/github/repos/acme/docs-1"), 0);
	ck_assert_uint_eq(peer_count(trial.peer, "PATCH", "/github/repos/acme/docs-1"), 0);
}
END_TEST

/* GitHub answers 202 for a fork that stood there already, which the token may not see. */
START_TEST(test_an_old_fork_is_left_alone)
{
	static const char date[] = "Date: Thu, 26 Nov 2026 10:00:00 GMT";
	static const struct {
		const char *created;
		bool old;
	} cases[] = {
		{ ",'created_at':'2026-11-20T10:00:00Z'" FORKED, true },
		{ ",'created_at':'2026-11-26T09:30:00Z'" FORKED, true },
		/* Within the run, which is ten minutes old. */
		{ ",'created_at':'2026-11-26T09:51:00Z'" FORKED, false },
		{ ",'created_at':'2026-11-26T10:00:00Z'" FORKED, false },
		{ FORKED, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[512];
		snprintf(body, sizeof(body),
			J("{'id':42,'full_name':'acme/"
			  "docs','name':'docs','owner':{'login':'acme'}%s}"),
			cases[i].created);
		const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
			{ FORK, .status = 202, .body = body, .headers = date },
			ACCOUNT("Organization"),
			{ .method = NULL },
		};
		trial_forget(&trial);
		trial.age_ms = 600000;
		ck_assert_int_eq(run_with(rows, FORK_INPUT, 1),
			cases[i].old ? ACTION_FAILED : ACTION_WAITING);
		if (!cases[i].old)
			continue;
		check_failed(ERROR_CONFLICT_FOREIGN);
		ck_assert_ptr_nonnull(
			strstr(trial_error(&trial)->message, "the existing repository acme/docs"));
		/* What is not in the ledger is never deleted. */
		ck_assert_int_eq(trial_ledger_size(&trial), 0);
	}
}
END_TEST

START_TEST(test_waits_until_it_is_usable)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 2 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		{ BRANCH, .status = 404, .body = NOT_FOUND_BODY, .times = 2 },
		{ COMMITS, .status = 409, .body = "{'message':'Git Repository is empty.'}",
			.times = 1 },
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 20), ACTION_DONE);
	check_output(true);
	ck_assert_int_ge(trial_attempts(&trial), 5);
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 1);
}
END_TEST

/* It neither waits five minutes for it nor makes it again behind the removal. */
START_TEST(test_what_a_teardown_has_removed_meanwhile_is_not_made_again)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &github_repository, FORK_INPUT), ACTION_WAITING);
	ck_assert_int_eq(trial_attempt(&trial, &github_repository, FORK_INPUT), ACTION_WAITING);
	trial_ledger_remove(&trial, "github:repository:acme/docs");
	ck_assert_int_eq(trial_attempt(&trial, &github_repository, FORK_INPUT), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "removed by a teardown"));
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 1);
}
END_TEST

START_TEST(test_gives_up_after_five_minutes)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ BRANCH, .status = 404, .body = NOT_FOUND_BODY },
		{ COMMITS, .status = 409, .body = "{'message':'Git Repository is empty.'}" },
		{ .method = NULL },
	};
	trial.age_ms = 250000;
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 50), ACTION_FAILED);
	check_failed(ERROR_TIMEOUT);
	ck_assert_int_gt(trial.age_ms, 290000);
}
END_TEST

START_TEST(test_two_sources_or_a_lost_lease_make_nothing)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows, "{'owner':'acme','name':'docs','fork':'a/b','template':'a/b'}", 2),
		ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows, TEMPLATE_INPUT, 2), ACTION_FAILED);
	check_failed(ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, GENERATE), 0);
}
END_TEST

/* GitHub's 404 to the request means one of several things. */
START_TEST(test_why_nothing_is_made_of_a_source)
{
	static const struct {
		const char *input;
		struct peer_row source;
		enum error_class class;
		const char *message, *remedy_input, *url;
	} cases[] = {
		{ TEMPLATE_INPUT, { SOURCE, .status = 404, .body = NOT_FOUND_BODY },
			ERROR_NOT_FOUND, "shows no repository upstream/starter", "template", "" },
		{ FORK_INPUT, { SOURCE, .status = 404, .body = NOT_FOUND_BODY }, ERROR_NOT_FOUND,
			"shows no repository upstream/starter", "fork", "" },
		{ TEMPLATE_INPUT,
			{ SOURCE, .status = 200,
				.body = "{'is_template':false,'html_url':'https://github.com/"
					"upstream/"
					"starter'}" },
			ERROR_INVALID_INPUT, "upstream/starter is not a template repository",
			"template", "https://github.com/upstream/starter/settings" },
		{ TEMPLATE_INPUT, { SOURCE, .status = 200, .body = "{'is_template':true}" },
			ERROR_SCOPE_MISSING, "use upstream/starter to create a repository for acme",
			"", "" },
		{ FORK_INPUT, { SOURCE, .status = 200, .body = "{'is_template':false}" },
			ERROR_SCOPE_MISSING, "use upstream/starter to create a repository for acme",
			"", "" },
		{ FORK_INPUT, { SOURCE, .status = 500, .body = "{}" }, ERROR_PROVIDER_UNAVAILABLE,
			"500", "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			cases[i].source,
			{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
			{ GENERATE, .status = 404, .body = NOT_FOUND_BODY },
			{ FORK, .status = 404, .body = NOT_FOUND_BODY },
			ACCOUNT("Organization"),
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows, cases[i].input, 1), ACTION_FAILED);
		check_failed(cases[i].class);
		ck_assert_msg(strstr(trial_error(&trial)->message, cases[i].message) != NULL, "%s",
			trial_error(&trial)->message);
		ck_assert_str_eq(trial_error(&trial)->remedy_input, cases[i].remedy_input);
		ck_assert_str_eq(trial_error(&trial)->remedy_url, cases[i].url);
	}
}
END_TEST

/* Whether GitHub got the request is not known, and it may show what it made a minute later. */
START_TEST(test_probes_for_a_minute_before_it_asks_again)
{
	static const struct peer_row late[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 20 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .behaviour = PEER_DROPS },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 40 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .behaviour = PEER_DROPS, .times = 1 },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(late, FORK_INPUT, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &github_repository, FORK_INPUT, 40), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 1);
	trial_forget(&trial);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, FORK_INPUT, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &github_repository, FORK_INPUT, 60), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 2);
	ck_assert_int_ge(trial.age_ms, 50000);
}
END_TEST

/* What a limit refuses was not made, whether GitHub says so or we know it: no need
 * to look for it. */
START_TEST(test_asks_again_at_once_after_a_limit)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 3 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .status = 403,
			.body = "{'message':'You have exceeded a secondary rate limit.'}",
			.times = 1 },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 1), ACTION_FAILED);
	check_failed(ERROR_RATE_LIMITED);
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_run(&trial, &github_repository, FORK_INPUT, 1), ACTION_WAITING);
	ck_assert_uint_eq(peer_count(trial.peer, FORK), 2);
	ck_assert_int_eq(trial_run(&trial, &github_repository, FORK_INPUT, 9), ACTION_DONE);
}
END_TEST

/* The run may have waited for a limit for an hour: what it has made still has five minutes to be
 * ready. */
START_TEST(test_five_minutes_begin_with_the_request)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(FORKED) },
		{ FORK, .status = 202, .body = DOCS(FORKED) },
		ACCOUNT("Organization"),
		{ BRANCH, .status = 404, .body = NOT_FOUND_BODY, .times = 100 },
		READY,
		{ .method = NULL },
	};
	trial.age_ms = 3000000;
	ck_assert_int_eq(run_with(rows, FORK_INPUT, 120), ACTION_DONE);
	ck_assert_int_gt(trial.age_ms, 3180000);
}
END_TEST

#define PLAIN_BODY "{'name':'docs','description':'Words','private':true,'auto_init':true}"

START_TEST(test_makes_one_of_its_own)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS("") },
		{ CREATE, .status = 201, .body = DOCS("") },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 9), ACTION_DONE);
	check_output(true);
	ck_assert_str_eq(peer_last(trial.peer, CREATE).body, J(PLAIN_BODY));
	ck_assert_ptr_nonnull(strstr(trial_intended(&trial), "github:repository:acme/docs "));
	/* A new run finds it in the ledger. */
	trial_forget(&trial);
	ck_assert_int_eq(trial_run(&trial, &github_repository, PLAIN_INPUT, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_makes_one_of_the_tokens_own_account)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS("") },
		{ CREATE_MY, .status = 201, .body = DOCS("") },
		{ TOKEN_OF, .status = 200, .body = "{'login':'Acme'}" },
		ACCOUNT("User"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 9), ACTION_DONE);
	check_output(true);
	ck_assert_str_eq(peer_last(trial.peer, CREATE_MY).body, J(PLAIN_BODY));
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

/* It would be made under the token's own account. */
START_TEST(test_makes_none_of_another_person)
{
	static const struct peer_row tokens[] = {
		{ TOKEN_OF, .status = 200, .body = "{'login':'bob'}" },
		{ TOKEN_OF, .status = 403,
			.body = "{'message':'Resource not accessible by integration'}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
			tokens[i],
			ACCOUNT("User"),
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 2), ACTION_FAILED);
		check_failed(ERROR_SCOPE_MISSING);
		ck_assert_ptr_nonnull(
			strstr(trial_error(&trial)->remedy, "a personal access token of acme"));
		ck_assert_uint_eq(peer_count(trial.peer, CREATE_MY), 0);
		ck_assert_int_eq(trial_saves(&trial), 0);
	}
}
END_TEST

/* The answer was lost, or was an error after it was done: it is the one that we asked for. */
START_TEST(test_finds_its_own_after_a_lost_answer)
{
	static const struct peer_row ends[] = {
		{ CREATE, .behaviour = PEER_DROPS },
		{ CREATE, .status = 502, .body = "{'message':'Server Error'}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
			{ LOOK, .status = 200, .body = DOCS("") },
			ends[i],
			ACCOUNT("Organization"),
			READY,
			{ .method = NULL },
		};
		trial_forget(&trial);
		trial_ledger_remove(&trial, "github:repository:acme/docs");
		ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(
			trial_run(&trial, &github_repository, PLAIN_INPUT, 9), ACTION_DONE);
		check_output(true);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	}
}
END_TEST

#define TAKEN                                                                                      \
	"{'message':'Repository creation failed.','errors':[{'message':'name already exists on "   \
	"this "                                                                                    \
	"account'}]}"

/* The answer was lost and the repository is invisible for a while: that the name is taken says that
 * it was made. */
START_TEST(test_its_own_name_is_taken_by_itself)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 40 },
		{ LOOK, .status = 200, .body = DOCS("") },
		{ CREATE, .behaviour = PEER_DROPS, .times = 1 },
		{ CREATE, .status = 422, .body = TAKEN },
		ACCOUNT("Organization"),
		READY,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_run(&trial, &github_repository, PLAIN_INPUT, 60), ACTION_DONE);
	check_output(true);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 2);
}
END_TEST

/* Made by somebody else between the look and the request: not ours, though we asked for one like
 * it. */
START_TEST(test_a_plain_name_taken_by_another)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS("") },
		{ CREATE, .status = 422, .body = TAKEN },
		ACCOUNT("Organization"),
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 9), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	/* And what stood there from the beginning. */
	trial_forget(&trial);
	ck_assert_int_eq(trial_run(&trial, &github_repository, PLAIN_INPUT, 9), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_FOREIGN);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_a_plain_one_that_may_not_be_made)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND_BODY },
		{ CREATE, .status = 403,
			.body = "{'message':'You need admin access to the organization before "
				"adding a repository "
				"to it.'}" },
		ACCOUNT("Organization"),
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 2), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
	trial.lease_lost = true;
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rows, PLAIN_INPUT, 2), ACTION_FAILED);
	check_failed(ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_why_nothing_is_made_of_a_source,
		test_probes_for_a_minute_before_it_asks_again,
		test_asks_again_at_once_after_a_limit, test_five_minutes_begin_with_the_request,
		test_forks_into_an_organisation, test_forks_into_a_user_without_organization,
		test_an_installation_forks_though_it_is_told_no_account,
		test_forks_into_no_user_but_the_tokens_own, test_generates_from_a_template,
		test_adopts_what_is_ours, test_adopts_by_ledger_and_by_wish,
		test_one_from_the_same_template_is_not_ours, test_renamed_repository_is_still_ours,
		test_stores_the_new_name, test_refuses_what_is_foreign,
		test_refuses_what_was_replaced, test_name_taken_by_what_stays_invisible,
		test_refusal_to_create_keeps_its_class, test_looks_after_a_lost_answer,
		test_name_taken_between_look_and_create,
		test_another_name_handed_back_is_left_alone, test_an_old_fork_is_left_alone,
		test_waits_until_it_is_usable,
		test_what_a_teardown_has_removed_meanwhile_is_not_made_again,
		test_gives_up_after_five_minutes, test_two_sources_or_a_lost_lease_make_nothing,
		test_makes_one_of_its_own, test_makes_one_of_the_tokens_own_account,
		test_makes_none_of_another_person, test_finds_its_own_after_a_lost_answer,
		test_its_own_name_is_taken_by_itself, test_a_plain_name_taken_by_another,
		test_a_plain_one_that_may_not_be_made, NULL };
	return suite_main("github.repository", tests, setup, teardown);
}
