/*
 * github.access against a scripted GitHub.
 *
 * covers: workflows/actions/github_access.c
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

#define PEOPLE      "GET", "/github/repos/acme/docs/collaborators"
#define INVITATIONS "GET", "/github/repos/acme/docs/invitations"
#define TEAMS       "GET", "/github/repos/acme/docs/teams"
#define PUT_USER    "PUT", "/github/repos/acme/docs/collaborators/ann"
#define PUT_TEAM    "PUT", "/github/orgs/acme/teams/writers/repos/acme/docs"

#define INPUT(more) "{'repository':'acme/docs'" more "}"
#define ANN         INPUT(",'user':'ann'")
#define WRITERS     INPUT(",'team':'writers','permission':'maintain'")

#define HAS(role, push, admin)                                                                     \
	"{'login':'Ann','slug':'writers','role_name':'" role "','permissions':{'pull':true,"       \
	"'triage':" push ",'push':" push ",'maintain':" admin ",'admin':" admin "}}"
#define OTHER "{'login':'bob','role_name':'admin','permissions':{'push':true,'admin':true}}"
#define INVITATION(login, expired)                                                                 \
	"{'id':5,'invitee':{'login':'" login "'},'permissions':'write','expired':" expired         \
	",'html_url':'https://github.com/acme/docs/invitations'}"
#define INVITED_OUTPUT                                                                             \
	"{'state':'invited','permission':'push','invitationId':5,"                                 \
	"'url':'https://github.com/acme/docs/invitations'}"
#define NOBODY                                                                                     \
	{                                                                                          \
		PEOPLE, .status = 200, .body = "[" OTHER "]"                                       \
	}
#define NONE_INVITED                                                                               \
	{                                                                                          \
		INVITATIONS, .status = 200, .body = "[]"                                           \
	}

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_access, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_invites)
{
	static const struct peer_row rows[] = { NOBODY, NONE_INVITED,
		{ PUT_USER, .status = 201, .body = INVITATION("ann", "false") },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(INVITED_OUTPUT));
	ck_assert_str_eq(peer_last(trial.peer, PUT_USER).body, J("{'permission':'push'}"));
}
END_TEST

START_TEST(test_lets_a_member_in)
{
	static const struct peer_row rows[] = {
		{ PEOPLE, .status = 200, .body = "[" HAS("read", "false", "false") "]" },
		{ PUT_USER, .status = 204 }, { .method = NULL }
	};
	ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'state':'member','permission':'push'}"));
	ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 1);
}
END_TEST

/* The same permission or a higher one: nothing is written, so nothing is lowered. */
START_TEST(test_leaves_who_has_it)
{
	static const char *const bodies[] = { "[" OTHER "," HAS("write", "true", "false") "]",
		"[" HAS("admin", "true", "true") "]" };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		const struct peer_row rows[] = { { PEOPLE, .status = 200, .body = bodies[i] },
			{ .method = NULL } };
		ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J("{'state':'member','permission':'push'}"));
		ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 0);
	}
}
END_TEST

START_TEST(test_roles_of_the_organisation)
{
	static const struct {
		const char *body;
		size_t writes;
	} cases[] = {
		{ "[" HAS("deployer", "true", "false") "]", 0 },
		{ "[" HAS("admin", "true", "true") "]", 0 },
		{ "[" HAS("write", "true", "false") "]", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { { PEOPLE, .status = 200, .body = cases[i].body },
			{ PUT_USER, .status = 204 }, { .method = NULL } };
		ck_assert_int_eq(run_with(rows, INPUT(",'user':'ann','permission':'deployer'"), 1),
			ACTION_DONE);
		ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), cases[i].writes);
	}
}
END_TEST

START_TEST(test_sends_no_second_invitation)
{
	static const struct peer_row open[] = { NOBODY,
		{ INVITATIONS, .status = 200,
			.body = "[" INVITATION("bob", "false") "," INVITATION("ANN", "false") "]" },
		{ .method = NULL } };
	static const struct peer_row expired[] = { NOBODY,
		{ INVITATIONS, .status = 200, .body = "[" INVITATION("ann", "true") "]" },
		{ PUT_USER, .status = 201, .body = INVITATION("ann", "false") },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(open, ANN, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(INVITED_OUTPUT));
	ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 0);
	ck_assert_int_eq(run_with(expired, ANN, 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 1);
}
END_TEST

/* The answer got lost, or said otherwise, after the invitation went out. */
START_TEST(test_lost_answer)
{
	static const struct peer_row sent[] = { { PUT_USER, .behaviour = PEER_DROPS },
		{ PUT_USER, .status = 502, .body = "{}" } };
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		const struct peer_row rows[] = { NOBODY,
			{ INVITATIONS, .status = 200, .body = "[]", .times = 1 },
			{ INVITATIONS, .status = 200, .body = "[" INVITATION("ann", "false") "]" },
			sent[i], { .method = NULL } };
		ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_attempt(&trial, &github_access, ANN), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(INVITED_OUTPUT));
		ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 1);
	}
}
END_TEST

START_TEST(test_looks_on_all_pages)
{
	static char page[8192];
	size_t length = (size_t)snprintf(page, sizeof(page), "[");
	for (int i = 0; i < 100; i++)
		length += (size_t)snprintf(page + length, sizeof(page) - length,
			"%s{\"login\":\"user%d\"}", i > 0 ? "," : "", i);
	snprintf(page + length, sizeof(page) - length, "]");
	const struct peer_row rows[] = {
		{ "GET", "/github/repos/acme/docs/collaborators?per_page=100&page=1", .status = 200,
			.body = page },
		{ "GET", "/github/repos/acme/docs/collaborators?per_page=100&page=2", .status = 200,
			.body = "[" HAS("write", "true", "false") "]" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PEOPLE), 2);
}
END_TEST

START_TEST(test_team)
{
	static const struct peer_row absent[] = { { TEAMS, .status = 200, .body = "[]" },
		{ PUT_TEAM, .status = 204 }, { .method = NULL } };
	static const struct peer_row there[] = { { TEAMS, .status = 200,
							 .body = "[" HAS("", "true", "true") "]" },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(absent, WRITERS, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'state':'member','permission':'maintain'}"));
	ck_assert_str_eq(peer_last(trial.peer, PUT_TEAM).body, J("{'permission':'maintain'}"));
	ck_assert_int_eq(run_with(there, WRITERS, 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, PUT_TEAM), 0);
}
END_TEST

START_TEST(test_refusals)
{
	static const struct {
		int status;
		const char *body;
		enum error_class class;
		const char *input;
	} cases[] = {
		{ 422, "{'message':'Validation Failed','errors':[{'code':'no_seat'}]}",
			ERROR_PLAN_LIMIT, "" },
		{ 422, "{'message':'You have exceeded the limit of invitations'}", ERROR_PLAN_LIMIT,
			"" },
		{ 422, "{'message':'Invalid permission'}", ERROR_INVALID_INPUT, "permission" },
		/* Which right was asked for has nothing to do with it. */
		{ 422, "{'message':'Outside collaborators are not allowed here'}",
			ERROR_INVALID_INPUT, "user" },
		{ 403, "{'message':'Must have admin rights to Repository.'}", ERROR_SCOPE_MISSING,
			"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { NOBODY, NONE_INVITED,
			{ PUT_USER, .status = cases[i].status, .body = cases[i].body },
			{ .method = NULL } };
		ck_assert_int_eq(run_with(rows, ANN, 1), ACTION_FAILED);
		check_failed(cases[i].class);
		ck_assert_str_eq(trial_error(&trial)->remedy_input, cases[i].input);
		ck_assert_uint_eq(peer_count(trial.peer, PUT_USER), 1);
	}
}
END_TEST

START_TEST(test_waits_for_what_is_not_visible)
{
	static const struct peer_row late[] = { { PEOPLE, .status = 404, .body = "{}" },
		{ INVITATIONS, .status = 404, .body = "{}" },
		{ PUT_USER, .status = 404, .body = "{}", .times = 2 }, { PUT_USER, .status = 204 },
		{ .method = NULL } };
	static const struct peer_row never[] = { NOBODY, NONE_INVITED,
		{ PUT_USER, .status = 404, .body = "{}" }, { .method = NULL } };
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(late, ANN, 9), ACTION_DONE);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, ANN, 90), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "user ann"));
	/* The app did not make the repository: what GitHub says is final. */
	trial_ledger_remove(&trial, "github:repository:acme/docs");
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(late, ANN, 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
}
END_TEST

START_TEST(test_either_user_or_team)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(""), 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "user");
	ck_assert_int_eq(run_with(rows, INPUT(",'user':'ann','team':'writers'"), 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_invites, test_lets_a_member_in, test_leaves_who_has_it,
		test_roles_of_the_organisation, test_sends_no_second_invitation, test_lost_answer,
		test_looks_on_all_pages, test_team, test_refusals,
		test_waits_for_what_is_not_visible, test_either_user_or_team, NULL };
	return suite_main("github.access", tests, setup, teardown);
}
