/*
 * github.repository-delete against a scripted GitHub.
 *
 * covers: workflows/actions/github_repository_delete.c workflows/actions/removal.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define DOCS  "github:repository:acme/docs"
#define API   "github:repository:acme/api"
#define THEME "github:repository:acme/theme"
#define RULES "github:ruleset:acme/docs/main"

/* Two that the app made, and one that it adopted. */
static void setup(void)
{
	trial_begin(&trial);
	trial_ledger_put(
		&trial, DOCS, "{'id':'42','created':true,'at':'2026-01-02T00:00:00.000Z'}");
	trial_ledger_put(&trial, API, "{'id':'43','created':true,'at':'2026-01-03T00:00:00.000Z'}");
	trial_ledger_put(
		&trial, THEME, "{'id':'9','created':false,'at':'2026-01-01T00:00:00.000Z'}");
	trial_ledger_put(&trial, RULES, "{'id':'7','created':true,'part':true}");
	trial_ledger_put(&trial, "vercel:project:docs", "{'id':'prj_1','created':true}");
}

static void teardown(void)
{
	trial_end(&trial);
}

#define CONFIRMED "{'confirm':'trial-app'}"

#define LOOK_DOCS    "GET", "/github/repos/acme/docs"
#define LOOK_API     "GET", "/github/repos/acme/api"
#define DELETE_DOCS  "DELETE", "/github/repos/acme/docs"
#define DELETE_API   "DELETE", "/github/repos/acme/api"
#define DELETE_THEME "DELETE", "/github/repos/acme/theme"

#define SHOWN(id, full_name)                                                                       \
	"{'id':" id ",'full_name':'" full_name "','name':'docs','owner':{'login':'acme'}}"
#define ABSENT "{'message':'Not Found'}"
#define DOCS_THERE                                                                                 \
	{                                                                                          \
		LOOK_DOCS, .status = 200, .body = SHOWN("42", "acme/docs")                         \
	}
#define API_THERE                                                                                  \
	{                                                                                          \
		LOOK_API, .status = 200, .body = SHOWN("43", "acme/api")                           \
	}

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_repository_delete, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

static bool has(const char *key)
{
	return trial_ledger_row(&trial, key) != NULL;
}

START_TEST(test_removes_what_the_app_made)
{
	static const struct peer_row rows[] = { DOCS_THERE, API_THERE,
		{ DELETE_DOCS, .status = 204 }, { DELETE_API, .status = 204 }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_DOCS), 1);
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_API), 1);
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_THEME), 0);
	ck_assert(!has(DOCS) && !has(API) && !has(THEME) && !has(RULES));
	ck_assert(has("vercel:project:docs"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "kept the repository acme/theme"));
	/* Once more: there is nothing left to do. */
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':0}"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_wants_the_name_of_the_app)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	ck_assert_int_eq(run_with(rows, "{'confirm':'another-app'}", 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "confirm");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "'trial-app'"));
	ck_assert_int_eq(run_with(rows, "{}", 1), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	ck_assert(has(DOCS) && has(API) && has(THEME));
}
END_TEST

START_TEST(test_leaves_another_under_the_name)
{
	static const struct peer_row rows[] = { { LOOK_DOCS, .status = 200,
							.body = SHOWN("99", "acme/docs") },
		API_THERE, { DELETE_API, .status = 204 }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':1,'left':2}"));
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_DOCS), 0);
	ck_assert(!has(DOCS));
	ck_assert_ptr_nonnull(strstr(
		trial_log(&trial), "acme/docs: it is a different repository with the same name"));
}
END_TEST

START_TEST(test_follows_a_rename)
{
	static const struct peer_row rows[] = {
		{ LOOK_DOCS, .status = 301, .body = "{}",
			.headers = "Location: /github/repositories/42" },
		{ "GET", "/github/repositories/42", .status = 200,
			.body = SHOWN("42", "acme/manual") },
		{ "DELETE", "/github/repos/acme/manual", .status = 204 },
		{ LOOK_API, .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", "/github/repos/acme/manual"), 1);
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_DOCS), 0);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "deleted repository acme/manual"));
	ck_assert(!has(DOCS));
}
END_TEST

START_TEST(test_already_gone)
{
	static const struct peer_row rows[] = { { LOOK_DOCS, .status = 404, .body = ABSENT },
		API_THERE, { DELETE_API, .status = 404, .body = ABSENT }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert(!has(DOCS) && !has(API));
	ck_assert_ptr_nonnull(
		strstr(trial_log(&trial), "acme/docs is already gone, or the token cannot see it"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "deleted repository acme/api"));
}
END_TEST

/* GitHub deleted it, and the answer was lost or said otherwise. The next attempt goes on where this
 * one was. */
START_TEST(test_lost_answer)
{
	static const struct peer_row sent[] = { { DELETE_DOCS, .behaviour = PEER_DROPS },
		{ DELETE_DOCS, .status = 502, .body = "{}" } };
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		const struct peer_row rows[] = {
			{ LOOK_DOCS, .status = 200, .body = SHOWN("42", "acme/docs"), .times = 1 },
			{ LOOK_DOCS, .status = 404, .body = ABSENT }, API_THERE,
			{ DELETE_API, .status = 204 }, sent[i], { .method = NULL }
		};
		teardown();
		setup();
		ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert(has(DOCS) && !has(API));
		ck_assert_int_eq(
			trial_attempt(&trial, &github_repository_delete, CONFIRMED), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
		ck_assert_uint_eq(peer_count(trial.peer, DELETE_DOCS), 1);
		ck_assert_uint_eq(peer_count(trial.peer, DELETE_API), 1);
	}
}
END_TEST

START_TEST(test_waits_while_github_is_busy)
{
	static const struct peer_row rows[] = { DOCS_THERE, API_THERE,
		{ DELETE_API, .status = 409, .body = "{'message':'Conflict'}", .times = 2 },
		{ DELETE_API, .status = 204 }, { DELETE_DOCS, .status = 204 }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_WAITING);
	ck_assert_str_eq(trial_wait_text(&trial), "GitHub to allow the deletion of acme/api");
	ck_assert(has(API));
	ck_assert_int_eq(trial_run(&trial, &github_repository_delete, CONFIRMED, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_API), 3);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
}
END_TEST

START_TEST(test_without_the_right)
{
	static const char *const bodies[] = { "{'message':'Must have admin rights to Repository.'}",
		"{'message':'Organization members cannot delete repositories.'}",
		"{'message':'Resource not accessible by integration'}" };
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		const struct peer_row rows[] = { DOCS_THERE, API_THERE,
			{ DELETE_API, .status = 403, .body = bodies[i] }, { .method = NULL } };
		ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_FAILED);
		check_failed(ERROR_SCOPE_MISSING);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "delete_repo"));
		ck_assert_str_eq(
			trial_error(&trial)->remedy_url, "https://github.com/acme/api/settings");
		ck_assert(has(API) && has(DOCS));
	}
}
END_TEST

/* The same status, and no right of the token would help. */
START_TEST(test_another_refusal_keeps_its_remedy)
{
	static const struct peer_row rows[] = { DOCS_THERE, API_THERE,
		{ DELETE_API, .status = 403,
			.body = "{'message':'Although you appear to have the correct authorization "
				"credentials, the "
				"`acme` organization has an IP allow list enabled.'}" },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
	ck_assert_msg(strstr(trial_error(&trial)->remedy, "IP allow list") != NULL, "%s",
		trial_error(&trial)->remedy);
}
END_TEST

START_TEST(test_lease_lost)
{
	static const struct peer_row rows[] = { DOCS_THERE, API_THERE,
		{ DELETE_API, .status = 204 }, { .method = NULL } };
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows, CONFIRMED, 1), ACTION_FAILED);
	check_failed(ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, DELETE_DOCS), 0);
}
END_TEST

START_TEST(test_undoes_the_repository)
{
	ck_assert_ptr_eq(github_repository.undo, &github_repository_delete);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_removes_what_the_app_made,
		test_wants_the_name_of_the_app, test_leaves_another_under_the_name,
		test_follows_a_rename, test_already_gone, test_lost_answer,
		test_waits_while_github_is_busy, test_without_the_right,
		test_another_refusal_keeps_its_remedy, test_lease_lost, test_undoes_the_repository,
		NULL };
	return suite_main("github.repository-delete", tests, setup, teardown);
}
