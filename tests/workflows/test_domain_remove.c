/*
 * vercel.domain-remove against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_domain_remove.c workflows/actions/removal.c
 */
#include <string.h>

#include "actions.h"
#include "actions/removal.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT               "{'confirm':'trial-app'}"
#define REMOVE(project, of) "DELETE", "/vercel/v9/projects/" project "/domains/" of
#define ABSENT              "{'error':{'code':'not_found','message':'Domain not found'}}"
#define FORBIDDEN           "{'error':{'code':'forbidden','message':'Not authorized'}}"
#define FIELD(of)           "vercel:domain:" of

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static void know(const char *field, const char *value)
{
	trial_ledger_put(&trial, field, value);
}

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_domain_remove, INPUT, 3);
}

START_TEST(test_removes_from_the_project_of_the_ledger)
{
	static const struct peer_row rows[] = {
		{ REMOVE("prj_1", "www.example.org"), .status = 200, .body = "{}" },
		{ REMOVE("prj_2", "gone.example.org"), .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	know(FIELD("www.example.org"), J("{'id':'prj_1/www.example.org','created':true}"));
	know(FIELD("gone.example.org"), J("{'id':'prj_2/gone.example.org','created':true}"));
	know(FIELD("old.example.org"), J("{'id':'prj_1/old.example.org','created':false}"));
	know("vercel:project:docs", J("{'id':'prj_1','created':true}"));
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':1}"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 2);
	ck_assert_str_eq(peer_last(trial.peer, REMOVE("prj_1", "www.example.org")).uri,
		"/vercel/v9/projects/prj_1/domains/www.example.org?slug=acme");
	/* Only the project is left in the ledger. */
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, "vercel:project:docs"));
}
END_TEST

START_TEST(test_old_entries_ask_the_projects)
{
	static const struct peer_row rows[] = {
		{ REMOVE("prj_1", "www.example.org"), .status = 404, .body = ABSENT },
		{ REMOVE("prj_2", "www.example.org"), .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	know(FIELD("www.example.org"), J("{'id':'www.example.org','created':true}"));
	know("vercel:project:docs", J("{'id':'prj_1','created':true}"));
	know("vercel:project:shop", J("{'id':'prj_2','created':false}"));
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':1,'left':0}"));
	ck_assert_uint_eq(peer_count(trial.peer, REMOVE("prj_2", "www.example.org")), 1);
	ck_assert_ptr_null(trial_ledger_row(&trial, FIELD("www.example.org")));
}
END_TEST

START_TEST(test_old_entries_without_a_project_are_left)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	know(FIELD("www.example.org"), J("{'id':'www.example.org','created':true}"));
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':1}"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "kept the domain www.example.org"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

START_TEST(test_wants_the_app_as_confirmation)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	know(FIELD("www.example.org"), J("{'id':'prj_1/www.example.org','created':true}"));
	peer_set(trial.peer, rows);
	ck_assert_int_eq(
		trial_run(&trial, &vercel_domain_remove, "{'confirm':'trial'}", 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "trial-app"));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_refused_then_goes_on)
{
	static const struct peer_row rows[] = {
		{ REMOVE("prj_1", "b.example.org"), .status = 200, .body = "{}", .times = 1 },
		{ REMOVE("prj_1", "a.example.org"), .status = 403, .body = FORBIDDEN, .times = 1 },
		{ REMOVE("prj_1", "a.example.org"), .behaviour = PEER_DROPS, .times = 1 },
		{ REMOVE("prj_1", "a.example.org"), .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	know(FIELD("a.example.org"),
		J("{'id':'prj_1/a.example.org','created':true,'at':'2026-01-01'}"));
	know(FIELD("b.example.org"),
		J("{'id':'prj_1/b.example.org','created':true,'at':'2026-01-02'}"));
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
	ck_assert_int_eq(trial_run(&trial, &vercel_domain_remove, INPUT, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
	ck_assert_int_eq(trial_run(&trial, &vercel_domain_remove, INPUT, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':2,'left':0}"));
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	ck_assert_uint_eq(peer_count(trial.peer, REMOVE("prj_1", "b.example.org")), 1);
}
END_TEST

START_TEST(test_splits_keys)
{
	const char *parts[3] = { "", "", "" };
	static const struct peer_row rows[] = { { .method = NULL } };
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert(removal_split(trial_context(&trial), "acme/docs/area/web", parts, 3));
	ck_assert_str_eq(parts[0], "acme");
	ck_assert_str_eq(parts[1], "docs");
	ck_assert_str_eq(parts[2], "area/web");
	ck_assert(removal_split(trial_context(&trial), "a/b", parts, 1));
	ck_assert_str_eq(parts[0], "a/b");
	ck_assert(!removal_split(trial_context(&trial), "acme/docs", parts, 3));
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INTERNAL);
}
END_TEST

START_TEST(test_is_what_undoes_a_domain)
{
	ck_assert_ptr_eq(vercel_domain.undo, &vercel_domain_remove);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_removes_from_the_project_of_the_ledger,
		test_old_entries_ask_the_projects, test_old_entries_without_a_project_are_left,
		test_wants_the_app_as_confirmation, test_refused_then_goes_on, test_splits_keys,
		test_is_what_undoes_a_domain, NULL };
	return suite_main("vercel.domain-remove", tests, setup, teardown);
}
