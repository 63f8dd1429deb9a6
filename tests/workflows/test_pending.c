/*
 * What was asked for and never answered, run after run: it is in the ledger before the call, and
 * whoever looks next, a new run or a removal, knows by that whose it is.
 *
 * covers: src/core/ledger_row.c workflows/actions/github_repository.c workflows/actions/removal.c
 */
#include <string.h>

#include "actions.h"
#include "base/clock.h"
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

#define REPOSITORY_FIELD "github:repository:acme/docs"
#define PROJECT_FIELD    "vercel:project:docs"
#define DOMAIN_FIELD     "vercel:domain:docs.example.org"

#define LOOK         "GET", "/github/repos/acme/docs"
#define FORK         "POST", "/github/repos/upstream/starter/forks"
#define GENERATE     "POST", "/github/repos/upstream/starter/generate"
#define DELETE       "DELETE", "/github/repos/acme/docs"
#define LOOK_PROJECT "GET", "/vercel/v9/projects/docs"
#define MAKE_PROJECT "POST", "/vercel/v11/projects"
#define LOOK_DOMAIN  "GET", "/vercel/v9/projects/prj_1/domains/docs.example.org"
#define ADD_DOMAIN   "POST", "/vercel/v10/projects/prj_1/domains"
#define ABSENT       .status = 404, .body = "{'message':'Not Found'}"
#define READY                                                                                      \
	{ "GET", "/github/orgs/acme", .status = 200, .body = "{'login':'acme'}" },                 \
		{ "GET", "/github/repos/acme/docs/branches/main", .status = 200,                   \
			.body = "{'name':'main','commit':{'sha':'abc123'}}" },                     \
	{                                                                                          \
		"GET", "/github/repos/acme/docs/commits", .status = 200,                           \
							  .body = "[{'sha':'abc123'}]"             \
	}

static const struct making {
	const char *input, *path, *origin;
} makings[] = {
	{ "{'owner':'acme','name':'docs','fork':'upstream/starter'}",
		"/github/repos/upstream/starter/forks",
		",'fork':true,'parent':{'full_name':'upstream/starter'}" },
	{ "{'owner':'acme','name':'docs','template':'upstream/starter'}",
		"/github/repos/upstream/starter/generate",
		",'template_repository':{'full_name':'Upstream/Starter'}" },
	{ "{'owner':'acme','name':'docs'}", "/github/orgs/acme/repos", "" },
};

static const char *ago(int64_t ms)
{
	char *text = arena_allocate(&trial.arena, CLOCK_TEXT_SIZE);
	clock_format(clock_wall_ms() - ms, text);
	return text;
}

static const char *repository(int64_t made_ms_ago, const char *origin)
{
	return arena_format(&trial.arena,
		J("{'id':42,'full_name':'acme/docs','name':'docs','owner':{'login':'acme'},"
		  "'default_branch':'main','html_url':'https://github.com/acme/"
		  "docs','created_at':'%s'%s}"),
		ago(made_ms_ago), origin);
}

static void know(const char *field, const char *row)
{
	trial_ledger_remove(&trial, field);
	trial_ledger_put(&trial, field, row);
}

static void know_pending(
	const char *field, const char *source, int64_t asked_ms_ago, const char *before)
{
	know(field,
		arena_format(&trial.arena,
			J("{'state':'pending','at':'%s','asked':'%s','source':'%s','run':'another'%"
			  "s%"
			  "s}"),
			ago(asked_ms_ago), ago(asked_ms_ago), source,
			before != NULL ? J(",'before':") : "", before != NULL ? before : ""));
}

static bool row_has(const char *field, const char *what)
{
	const char *row = trial_ledger_row(&trial, field);
	return row != NULL && strstr(row, what) != NULL;
}

/* The checkpoint is the run's: a cancel, a third crash, a deadline and a new trigger leave nothing
 * of it. */
static enum action_result run_anew(
	const struct action_definition *action, const char *input, int attempts_max)
{
	trial_forget(&trial);
	trial.age_ms = 0;
	return trial_run(&trial, action, input, attempts_max);
}

static void find_what_was_asked_for(const struct making *making)
{
	const struct peer_row rows[] = {
		{ LOOK, ABSENT, .times = 1 },
		{ LOOK, .status = 200, .body = repository(0, making->origin) },
		{ "POST", making->path, .behaviour = PEER_DROPS },
		READY,
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_repository, making->input, 1), ACTION_FAILED);
	ck_assert_msg(row_has(REPOSITORY_FIELD, J("'state':'pending'")), "no row before the call");
	ck_assert_msg(run_anew(&github_repository, making->input, 9) == ACTION_DONE, "%s",
		trial_error(&trial)->message);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'created':true")));
	ck_assert(row_has(REPOSITORY_FIELD, J("'state':'created'")));
	ck_assert(row_has(REPOSITORY_FIELD, J("'id':'42'")));
	ck_assert_uint_eq(peer_count(trial.peer, "POST", making->path), 1);
}

START_TEST(test_a_new_run_finds_what_a_run_that_ended_had_asked_for)
{
	for (size_t i = 0; i < ARRAY_LEN(makings); i++) {
		trial_ledger_remove(&trial, REPOSITORY_FIELD);
		trial_forget(&trial);
		find_what_was_asked_for(&makings[i]);
	}
}
END_TEST

static bool only_reads(void *context, bool changes)
{
	(void)context;
	return !changes;
}

/* A run that is cancelled between the row and the call: who comes next need not wait for what is
 * not to come. */
START_TEST(test_what_was_not_sent_is_taken_back)
{
	static const struct http_guard closed = { .begin = only_reads }, open = { .begin = NULL };
	const struct peer_row rows[] = { { LOOK, ABSENT }, READY, { .method = NULL } };

	for (size_t i = 0; i < ARRAY_LEN(makings); i++) {
		peer_set(trial.peer, rows);
		http_client_guard(trial.client, &closed);
		ck_assert_int_eq(
			trial_attempt(&trial, &github_repository, makings[i].input), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
		ck_assert_int_eq(trial_ledger_size(&trial), 0);
		ck_assert_str_ne(trial_intended(&trial), "");

		http_client_guard(trial.client, &open);
		trial_forget(&trial);
		ck_assert_int_eq(
			trial_attempt(&trial, &github_repository, makings[i].input), ACTION_FAILED);
		ck_assert_msg(
			peer_count(trial.peer, "POST", makings[i].path) == 1, "the next run waits");
		trial_ledger_remove(&trial, REPOSITORY_FIELD);
		trial_forget(&trial);
	}
}
END_TEST

START_TEST(test_a_project_and_a_domain_that_a_run_had_asked_for)
{
	const struct peer_row rows[] = {
		{ LOOK_PROJECT, ABSENT, .times = 1 },
		{ LOOK_PROJECT, .status = 200,
			.body = arena_format(&trial.arena,
				J("{'id':'prj_1','name':'docs','createdAt':%lld,"
				  "'link':{'type':'github','repo':'docs','org':'acme'}}"),
				(long long)clock_wall_ms()) },
		{ MAKE_PROJECT, .behaviour = PEER_DROPS },
		{ LOOK_DOMAIN, ABSENT, .times = 1 },
		{ LOOK_DOMAIN, .status = 200,
			.body = arena_format(&trial.arena,
				J("{'projectId':'prj_1','verified':true,'createdAt':%lld}"),
				(long long)clock_wall_ms()) },
		{ ADD_DOMAIN, .behaviour = PEER_DROPS },
		{ "GET", "/vercel/v6/domains/docs.example.org/config", .status = 200,
			.body = "{'misconfigured':false}" },
		{ .method = NULL },
	};
	static const char project[] = "{'name':'docs','repository':'acme/docs'}",
			  domain[] = "{'project':'prj_1','name':'docs.example.org'}";
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, project, 1), ACTION_FAILED);
	ck_assert_int_eq(run_anew(&vercel_project, project, 2), ACTION_DONE);
	ck_assert(row_has(PROJECT_FIELD, J("'state':'created'")));
	ck_assert_int_eq(run_anew(&vercel_domain, domain, 1), ACTION_FAILED);
	ck_assert(row_has(DOMAIN_FIELD, J("'state':'pending'")));
	ck_assert_int_eq(run_anew(&vercel_domain, domain, 2), ACTION_DONE);
	ck_assert(row_has(DOMAIN_FIELD, J("'state':'created'")));
}
END_TEST

/* Made before it was asked for, or long after, or of something else: another has made it. */
START_TEST(test_what_does_not_fit_the_request_is_foreign)
{
	static const struct {
		int64_t asked_ms_ago, made_ms_ago;
		const char *source;
	} cases[] = {
		{ 3600000, 7200000, "upstream/starter" },
		{ 3600000, 0, "upstream/starter" },
		{ 1000, 0, "upstream/other" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *origin = makings[1].origin;
		const struct peer_row rows[] = {
			{ LOOK, .status = 200, .body = repository(cases[i].made_ms_ago, origin) },
			{ "GET", "/github/repos/upstream/other", .status = 404, .body = "{}" },
			READY,
			{ .method = NULL },
		};
		know_pending(REPOSITORY_FIELD, cases[i].source, cases[i].asked_ms_ago, NULL);
		peer_set(trial.peer, rows);
		ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 9), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	}
}
END_TEST

START_TEST(test_a_refusal_leaves_the_ledger_as_it_was)
{
	static const char before[] = "{'id':'41','created':true}";
	static const struct peer_row rows[] = {
		{ LOOK, ABSENT },
		{ GENERATE, .status = 403, .body = "{'message':'Resource not accessible'}" },
		READY,
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	know(REPOSITORY_FIELD, before);
	ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 1), ACTION_FAILED);
	ck_assert_str_eq(trial_ledger_row(&trial, REPOSITORY_FIELD), J(before));
	/* An earlier request, of which nobody knows, is still one. */
	know_pending(REPOSITORY_FIELD, "upstream/starter", 3600000, before);
	ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 1), ACTION_FAILED);
	ck_assert(row_has(REPOSITORY_FIELD, J("'state':'pending'")));
	ck_assert(row_has(REPOSITORY_FIELD, J("'run':'another'")));
}
END_TEST

/* People deleted it: the row of the old one gives way to that of the new one. */
START_TEST(test_a_thing_found_gone_is_replaced)
{
	const struct peer_row rows[] = {
		{ LOOK, ABSENT, .times = 1 },
		{ LOOK, .status = 200, .body = repository(0, makings[1].origin) },
		{ GENERATE, .status = 201, .body = repository(0, makings[1].origin) },
		READY,
		{ .method = NULL },
	};
	know(REPOSITORY_FIELD, J("{'id':'41','created':true,'at':'2026-01-01T00:00:00.000Z'}"));
	peer_set(trial.peer, rows);
	ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 9), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_intended(&trial), J("'before':{'id':'41'")));
	ck_assert(row_has(REPOSITORY_FIELD, J("'id':'42'")));
	ck_assert(!row_has(REPOSITORY_FIELD, J("'41'")));
	ck_assert(!row_has(REPOSITORY_FIELD, "2026-01-01"));
}
END_TEST

START_TEST(test_a_removal_removes_what_was_asked_for)
{
	const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = repository(3600000, makings[0].origin) },
		{ DELETE, .status = 204 },
		{ LOOK_PROJECT, .status = 200,
			.body = arena_format(&trial.arena,
				J("{'id':'prj_1','name':'docs','createdAt':%lld}"),
				(long long)clock_wall_ms() - 3600000) },
		{ "DELETE", "/vercel/v9/projects/prj_1", .status = 204 },
		{ LOOK_DOMAIN, .status = 200,
			.body = arena_format(&trial.arena, J("{'createdAt':%lld}"),
				(long long)clock_wall_ms() - 3600000) },
		{ "DELETE", "/vercel/v9/projects/prj_1/domains/docs.example.org", .status = 200,
			.body = "{}" },
		{ .method = NULL },
	};
	know_pending(REPOSITORY_FIELD, "upstream/starter", 3600000, NULL);
	know_pending(PROJECT_FIELD, "acme/docs", 3600000, NULL);
	know_pending(DOMAIN_FIELD, "prj_1", 3600000, NULL);
	peer_set(trial.peer, rows);
	const struct action_definition *const removals[] = { &vercel_domain_remove,
		&vercel_project_delete, &github_repository_delete };
	for (size_t i = 0; i < ARRAY_LEN(removals); i++) {
		ck_assert_int_eq(
			run_anew(removals[i], J("{'confirm':'trial-app'}"), 1), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J("{'removed':1,'left':0}"));
	}
	ck_assert_uint_eq(peer_count(trial.peer, DELETE), 1);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", "/vercel/v9/projects/prj_1"), 1);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE",
				  "/vercel/v9/projects/prj_1/domains/docs.example.org"),
		1);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

START_TEST(test_a_removal_leaves_what_was_not_asked_for)
{
	const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = repository(0, makings[0].origin) },
		{ LOOK_PROJECT, .status = 200, .body = "{'id':'prj_1','name':'docs'}" },
		{ .method = NULL },
	};
	know_pending(REPOSITORY_FIELD, "upstream/starter", 3600000, NULL);
	know_pending(PROJECT_FIELD, "acme/docs", 3600000, NULL);
	peer_set(trial.peer, rows);
	ck_assert_int_eq(
		run_anew(&github_repository_delete, J("{'confirm':'trial-app'}"), 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':1}"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial),
		"kept the repository acme/docs: it is not the one that the app requested"));
	ck_assert_int_eq(
		run_anew(&vercel_project_delete, J("{'confirm':'trial-app'}"), 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':1}"));
}
END_TEST

/* A fork may take minutes to show: a removal that says done would leave it behind. */
START_TEST(test_a_removal_waits_for_what_may_still_appear)
{
	static const struct peer_row rows[] = { { LOOK, ABSENT }, { .method = NULL } };
	peer_set(trial.peer, rows);
	know_pending(REPOSITORY_FIELD, "upstream/starter", 1000, NULL);
	ck_assert_int_eq(run_anew(&github_repository_delete, J("{'confirm':'trial-app'}"), 3),
		ACTION_WAITING);
	ck_assert_int_eq(trial_ledger_size(&trial), 1);
	know_pending(REPOSITORY_FIELD, "upstream/starter", 3600000, NULL);
	ck_assert_int_eq(
		run_anew(&github_repository_delete, J("{'confirm':'trial-app'}"), 1), ACTION_DONE);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* The answer was lost, and the source is renamed before the next run: GitHub knows it by both
 * names. */
START_TEST(test_a_source_may_have_another_name_by_now)
{
	static const char *const names[] = { "Upstream/Starter", "upstream/another" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200, .body = repository(0, makings[1].origin) },
			{ "GET", "/github/repos/upstream/before", .status = 301, .body = "{}",
				.headers = "Location: /github/repositories/9" },
			{ "GET", "/github/repositories/9", .status = 200,
				.body = arena_format(&trial.arena,
					J("{'id':9,'full_name':'%s','name':'x','owner':{'login':"
					  "'upstream'}}"),
					names[i]) },
			READY,
			{ .method = NULL },
		};
		know_pending(REPOSITORY_FIELD, "upstream/before", 1000, NULL);
		peer_set(trial.peer, rows);
		ck_assert_int_eq(run_anew(&github_repository, makings[1].input, 9),
			i == 0 ? ACTION_DONE : ACTION_FAILED);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_new_run_finds_what_a_run_that_ended_had_asked_for,
		test_what_was_not_sent_is_taken_back,
		test_a_project_and_a_domain_that_a_run_had_asked_for,
		test_what_does_not_fit_the_request_is_foreign,
		test_a_source_may_have_another_name_by_now,
		test_a_refusal_leaves_the_ledger_as_it_was, test_a_thing_found_gone_is_replaced,
		test_a_removal_removes_what_was_asked_for,
		test_a_removal_leaves_what_was_not_asked_for,
		test_a_removal_waits_for_what_may_still_appear, NULL };
	return suite_main("pending", tests, setup, teardown);
}
