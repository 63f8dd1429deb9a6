/*
 * vercel.project-delete against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_project_delete.c workflows/actions/removal.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT     "{'confirm':'trial-app'}"
#define REMOVE(n) "DELETE", "/vercel/v9/projects/prj_" n
#define ABSENT    "{'error':{'code':'not_found','message':'Project not found'}}"
#define FORBIDDEN "{'error':{'code':'forbidden','message':'Not authorized'}}"

static void know(const char *field, const char *value)
{
	trial_ledger_put(&trial, field, value);
}

static void setup(void)
{
	trial_begin(&trial);
	know("vercel:project:docs",
		J("{'id':'prj_1','created':true,'at':'2026-01-01T00:00:00.000Z'}"));
	know("vercel:project:shop",
		J("{'id':'prj_2','created':true,'at':'2026-01-02T00:00:00.000Z'}"));
	know("vercel:project:old",
		J("{'id':'prj_3','created':false,'at':'2026-01-03T00:00:00.000Z'}"));
	know("vercel:deployment:dpl_1", J("{'id':'dpl_1','created':true}"));
	know("vercel:variable:prj_1/KEY/e1", J("{'id':'0123','created':true}"));
	know("github:repository:acme/docs", J("{'id':'42','created':true}"));
}

static void teardown(void)
{
	trial_end(&trial);
}

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_project_delete, INPUT, 3);
}

START_TEST(test_removes_what_was_created)
{
	static const struct peer_row rows[] = {
		{ REMOVE("1"), .status = 204 },
		{ REMOVE("2"), .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 2);
	ck_assert_str_eq(
		peer_last(trial.peer, REMOVE("1")).uri, "/vercel/v9/projects/prj_1?slug=acme");
	ck_assert_str_eq(peer_last(trial.peer, REMOVE("1")).body, "");
	/* Nothing of Vercel is left in the ledger; what others made is. */
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "github:repository:acme/docs"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "deleted project shop"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "kept the project old"));
	/* Once more: there is nothing to do. */
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':0}"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_what_is_gone_is_removed)
{
	static const struct peer_row rows[] = {
		{ REMOVE("1"), .status = 404, .body = ABSENT },
		{ REMOVE("2"), .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
}
END_TEST

START_TEST(test_wants_the_app_as_confirmation)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project_delete, "{'confirm':'another-app'}", 1),
		ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "confirm");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, J("'confirm': 'trial-app'")));
	ck_assert_int_eq(trial_run(&trial, &vercel_project_delete, "{}", 1), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/confirm");
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	ck_assert_int_eq(trial_ledger_size(&trial), 6);
}
END_TEST

/* The newest goes first; each is taken out of the ledger as soon as it is
 * gone, and counted once. */
START_TEST(test_goes_on_where_it_stopped)
{
	static const struct peer_row rows[] = {
		{ REMOVE("2"), .status = 204, .times = 1 },
		{ REMOVE("1"), .behaviour = PEER_DROPS, .times = 1 },
		{ REMOVE("1"), .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_ptr_null(trial_ledger_row(&trial, "vercel:project:shop"));
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:project:docs"));
	ck_assert_int_eq(trial_run(&trial, &vercel_project_delete, INPUT, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert_uint_eq(peer_count(trial.peer, REMOVE("2")), 1);
}
END_TEST

START_TEST(test_refusals_keep_the_entry)
{
	static const struct {
		int status;
		enum error_class class;
	} cases[] = { { 403, ERROR_SCOPE_MISSING }, { 409, ERROR_CONFLICT_FOREIGN },
		{ 500, ERROR_PROVIDER_UNAVAILABLE } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ REMOVE("2"), .status = cases[i].status, .body = FORBIDDEN },
			{ .method = NULL },
		};
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:project:shop"));
	}
}
END_TEST

START_TEST(test_stops_with_the_lease)
{
	static const struct peer_row rows[] = { { REMOVE("2"), .status = 204 },
		{ .method = NULL } };
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, REMOVE("1")), 0);
}
END_TEST

START_TEST(test_is_what_undoes_a_project)
{
	ck_assert_ptr_eq(vercel_project.undo, &vercel_project_delete);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_removes_what_was_created, test_what_is_gone_is_removed,
		test_wants_the_app_as_confirmation, test_goes_on_where_it_stopped,
		test_refusals_keep_the_entry, test_stops_with_the_lease,
		test_is_what_undoes_a_project, NULL };
	return suite_main("vercel.project-delete", tests, setup, teardown);
}
