/*
 * github.variables against a scripted GitHub.
 *
 * covers: workflows/actions/github_variables.c
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

#define INPUT(variables) "{'repository':'acme/docs','variables':[" variables "]}"
#define IS(name, value)  "{'name':'" name "','value':'" value "'}"
#define THREE            INPUT(IS("site", "docs") "," IS("STAGE", "live") "," IS("NEW", ""))
#define LIST             "GET", "/github/repos/acme/docs/actions/variables"
#define CREATE           "POST", "/github/repos/acme/docs/actions/variables"
#define UPDATE(name)     "PATCH", "/github/repos/acme/docs/actions/variables/" name
#define PAGE(page)       "GET", "/github/repos/acme/docs/actions/variables?per_page=30&page=" page
#define LISTED(items)    "{'total_count':1,'variables':[" items "]}"
#define OTHER            IS("OTHER", "left alone")
#define COUNTS(created, updated, unchanged)                                                        \
	"{'created':" created ",'updated':" updated ",'unchanged':" unchanged "}"
#define FIVE(item) item "," item "," item "," item "," item
#define TEN(item)  FIVE(item) "," FIVE(item)

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	trial_forget(&trial);
	return trial_run(&trial, &github_variables, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_writes_what_differs)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = LISTED(OTHER "," IS("SITE", "docs") "," IS("STAGE", "test")) },
		{ CREATE, .status = 201, .body = "{}" },
		{ UPDATE("STAGE"), .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, THREE, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("1", "1", "1")));
	ck_assert_str_eq(peer_last(trial.peer, CREATE).body, J(IS("NEW", "")));
	ck_assert_str_eq(peer_last(trial.peer, UPDATE("STAGE")).body, J(IS("STAGE", "live")));
	/* Nothing but the list and the two: what is equal, or not named, is left alone. */
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 3);
}
END_TEST

START_TEST(test_leaves_equal_ones_alone)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200,
			.body = LISTED(
				IS("SITE", "docs") "," IS("STAGE", "live") "," IS("NEW", "")) },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, THREE, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("0", "0", "3")));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 1);
}
END_TEST

START_TEST(test_reads_all_pages)
{
	static const struct peer_row rows[] = {
		{ PAGE("1"), .status = 200,
			.body = LISTED(TEN(OTHER) "," TEN(OTHER) "," TEN(OTHER)) },
		{ PAGE("2"), .status = 200, .body = LISTED(IS("SITE", "docs")) },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(IS("SITE", "docs")), 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("0", "0", "1")));
}
END_TEST

/* GitHub took it and the answer was lost, or was an error: the next attempt sees it and goes on
 * with the rest. */
START_TEST(test_goes_on_after_a_lost_answer)
{
	static const struct peer_row ends[] = {
		{ CREATE, .behaviour = PEER_DROPS },
		{ CREATE, .status = 502, .body = "{'message':'Server Error'}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = 200, .body = LISTED(IS("STAGE", "test")), .times = 1 },
			{ LIST, .status = 200,
				.body = LISTED(IS("STAGE", "live") "," IS("SITE", "docs")) },
			{ UPDATE("STAGE"), .status = 204 },
			ends[i],
			{ .method = NULL },
		};
		static const char input[] = INPUT(IS("STAGE", "live") "," IS("SITE", "docs"));
		ck_assert_int_eq(run_with(rows, input, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_attempt(&trial, &github_variables, input), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(COUNTS("0", "1", "1")));
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
		ck_assert_uint_eq(peer_count(trial.peer, UPDATE("STAGE")), 1);
	}
}
END_TEST

/* Two workers, or a list that lags: what is there already gets our value. */
START_TEST(test_somebody_made_it_in_between)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("") },
		{ CREATE, .status = 409,
			.body = "{'message':'Already exists - Variable already exists'}" },
		{ UPDATE("SITE"), .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(IS("SITE", "docs")), 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(COUNTS("0", "1", "0")));
}
END_TEST

START_TEST(test_waits_for_a_fresh_repository)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 404, .body = "{'message':'Not Found'}", .times = 2 },
		{ LIST, .status = 200, .body = LISTED(IS("SITE", "docs")) },
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ LIST, .status = 404, .body = "{'message':'Not Found'}" },
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, INPUT(IS("SITE", "docs")), 5), ACTION_DONE);
	ck_assert_int_eq(run_with(never, INPUT(IS("SITE", "docs")), 100), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
	ck_assert_str_ne(trial_error(&trial)->remedy, "");
	ck_assert_int_ge(trial.age_ms, 50000);
	/* The app did not make it just now: what GitHub says is final. */
	trial_made(&trial, "github:repository:acme/docs", 3600000);
	trial.age_ms = 0;
	ck_assert_int_eq(run_with(never, INPUT(IS("SITE", "docs")), 1), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND);
}
END_TEST

START_TEST(test_permission_is_missing)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("") },
		{ CREATE, .status = 403,
			.body = "{'message':'Resource not accessible by integration'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(IS("SITE", "docs")), 1), ACTION_FAILED);
	check_failed(ERROR_SCOPE_MISSING);
}
END_TEST

START_TEST(test_refuses_wrong_names)
{
	static const char *const inputs[] = { INPUT(IS("1ST", "x")), INPUT(IS("A-B", "x")),
		INPUT(IS("", "x")), INPUT(IS("github_token", "x")),
		INPUT(IS("SITE", "x") "," IS("site", "y")), INPUT("{'name':'A'}") };
	static const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_msg(run_with(rows, inputs[i], 1) == ACTION_FAILED, "%s", inputs[i]);
		check_failed(ERROR_INVALID_INPUT);
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_writes_what_differs, test_leaves_equal_ones_alone,
		test_reads_all_pages, test_goes_on_after_a_lost_answer,
		test_somebody_made_it_in_between, test_waits_for_a_fresh_repository,
		test_permission_is_missing, test_refuses_wrong_names, NULL };
	return suite_main("github.variables", tests, setup, teardown);
}
