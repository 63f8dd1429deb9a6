/*
 * vercel.project where Vercel breaks down with status 500: in an outage, or because its GitHub app
 * is suspended.
 *
 * covers: workflows/actions/vercel_project.c workflows/actions/vercel_installation.c
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

#define INPUT         "{'name':'docs','repository':'acme/docs','repositoryId':42}"
#define PROJECT(link) "{'id':'prj_1','name':'docs','accountId':'team_1'" link "}"
#define OURS          PROJECT(",'link':{'type':'github','org':'acme','repo':'docs','repoId':42}")
#define LOOK          "GET", "/vercel/v9/projects/docs"
#define KNOWN         "GET", "/vercel/v9/projects/prj_1"
#define CREATE        "POST", "/vercel/v11/projects"
#define LINK          "POST", "/vercel/v9/projects/prj_1/link"
#define NAMESPACES    "GET", "/vercel/v1/integrations/git-namespaces"
#define ABSENT        "{'error':{'code':'not_found','message':'Project not found'}}"
#define LEDGER_KEY    "vercel:project:docs"
#define BREAKS                                                                                     \
	{                                                                                          \
		CREATE, .status = 500,                                                             \
			.body = "{'error':{'code':'internal_server_error',"                        \
				"'message':'An unexpected error occurred'}}"                       \
	}
#define SEEN   "[{'id':1,'slug':'acme'}]"
#define UNSEEN "[{'id':1,'slug':'other'}]"

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_project, INPUT, 5);
}

/* What a suspended installation of Vercel's app looks like: vercel/terraform-provider-vercel#125.
 * An outage looks the same, but for the accounts. */
START_TEST(test_a_breakdown_is_an_outage_where_vercel_sees_the_owner)
{
	static const struct peer_row accounts[] = {
		{ NAMESPACES, .status = 200, .body = SEEN },
		{ NAMESPACES, .status = 403, .body = ABSENT },
		{ NAMESPACES, .status = 500, .body = "{}" },
		{ NAMESPACES, .behaviour = PEER_DROPS },
	};
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		const struct peer_row rows[] = { { LOOK, .status = 404, .body = ABSENT }, BREAKS,
			accounts[i], { .method = NULL } };
		trial_forget(&trial);
		for (int attempt = 0; attempt < 5; attempt++) {
			ck_assert_int_eq(run_with(rows), ACTION_FAILED);
			const struct error *error = trial_error(&trial);
			ck_assert_int_eq(error->class, ERROR_PROVIDER_UNAVAILABLE);
			ck_assert_int_eq(error->http_status, 500);
			ck_assert_str_eq(error->provider, "vercel");
			ck_assert_ptr_nonnull(strstr(error->message, "POST /v11/projects"));
			ck_assert_ptr_nonnull(strstr(error->message, "acme/docs"));
			ck_assert_ptr_nonnull(strstr(error->remedy, "no incident"));
		}
	}
}
END_TEST

START_TEST(test_breakdowns_blame_the_app_where_vercel_does_not_see_the_owner)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		BREAKS,
		{ NAMESPACES, .status = 200, .body = UNSEEN, .times = 1 },
		{ NAMESPACES, .status = 200, .body = SEEN, .times = 1 },
		{ NAMESPACES, .status = 200, .body = UNSEEN },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	for (int attempt = 0; attempt < 3; attempt++) {
		ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 5), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_PROVIDER_UNAVAILABLE);
	}
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 5), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_APP_NOT_INSTALLED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "acme/docs"));
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://github.com/apps/vercel");
}
END_TEST

/* Vercel had made the project before it broke down at the link: it is ours, and is linked. */
START_TEST(test_finishes_what_a_breakdown_left_half_made)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ CREATE, .status = 500,
			.body = "{'error':{'code':'internal_server_error','message':'x'}}" },
		{ LOOK, .status = 200, .body = PROJECT("") },
		{ KNOWN, .status = 200, .body = PROJECT(""), .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 500, .body = "{}", .times = 1 },
		{ LINK, .status = 200, .body = OURS },
		{ NAMESPACES, .status = 200, .body = UNSEEN },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_PROVIDER_UNAVAILABLE);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 5), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_APP_NOT_INSTALLED);
	/* The next run knows it by the ledger. */
	trial_forget(&trial);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 5), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, LEDGER_KEY), J("'created':true")));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_breakdown_is_an_outage_where_vercel_sees_the_owner,
		test_breakdowns_blame_the_app_where_vercel_does_not_see_the_owner,
		test_finishes_what_a_breakdown_left_half_made, NULL };
	return suite_main("project breakdown", tests, setup, teardown);
}
