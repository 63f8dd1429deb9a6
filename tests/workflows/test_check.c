/*
 * http.check against a scripted site, and note.
 *
 * covers: workflows/actions/http_check.c workflows/actions/note.c
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

static const char *input(const char *more)
{
	return arena_format(&trial.arena, J("{'url':'%s/site'%s}"), peer_url(trial.peer), more);
}

static enum action_result run_with(const struct peer_row *rows, const char *more, int attempts_max)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &http_check, input(more), attempts_max);
}

START_TEST(test_answers_as_expected)
{
	static const struct peer_row rows[] = {
		{ "GET", "/site", .status = 200, .body = "<h1>Docs</h1>", .times = 2 },
		{ "GET", "/site", .status = 401 },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, "", 1), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'status':200")));
	ck_assert_str_eq(peer_last(trial.peer, "GET", "/site").authorization, "");
	ck_assert_int_eq(
		trial_run(&trial, &http_check, input(J(",'contains':'Docs'")), 1), ACTION_DONE);
	ck_assert_int_eq(trial_run(&trial, &http_check, input(J(",'status':401")), 1), ACTION_DONE);
}
END_TEST

START_TEST(test_a_path_is_added_to_the_address)
{
	static const struct peer_row rows[] = { { "GET", "/site/health", .status = 200 },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, ",'path':'/health'", 1), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), "/site/health\""));
	ck_assert_int_eq(run_with(rows, ",'path':'@elsewhere.example/'", 1), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/path");
	ck_assert_int_eq(
		trial_run(&trial, &http_check,
			arena_format(&trial.arena, J("{'url':'%s/site/','path':'/health'}"),
				peer_url(trial.peer)),
			1),
		ACTION_DONE);
}
END_TEST

START_TEST(test_tries_again)
{
	static const struct peer_row rows[] = {
		{ "GET", "/site", .status = 503, .times = 1 },
		{ "GET", "/site", .behaviour = PEER_DROPS, .times = 1 },
		{ "GET", "/site", .status = 200, .body = "old", .times = 1 },
		{ "GET", "/site", .status = 200, .body = "new" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ",'contains':'new'", 9), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 4);
	ck_assert_int_eq(trial.age_ms, 9000);
}
END_TEST

START_TEST(test_gives_up)
{
	static const struct peer_row rows[] = { { "GET", "/site", .status = 500 },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, ",'within':60", 30), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "500"));
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_int_ge(trial.age_ms, 50000);
	ck_assert_int_le(trial.age_ms, 63000);
}
END_TEST

START_TEST(test_redirects_are_not_followed)
{
	const struct peer_row rows[] = {
		{ "GET", "/site", .status = 302, .headers = "Location: http://127.0.0.2/login" },
		{ .method = NULL },
	};
	trial.age_ms = 120000;
	ck_assert_int_eq(run_with(rows, "", 1), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "302"));
}
END_TEST

/* Deployment protection: a 401 with a page to log in, or a redirect to another host, for whoever
 * has no secret. */
START_TEST(test_bypasses_deployment_protection)
{
	static const struct peer_row rows[] = {
		{ "GET", "/site", .status = 401, .body = "<title>Authentication Required</title>",
			.times = 1 },
		{ "GET", "/site", .status = 200, .body = "<h1>Docs</h1>" },
		{ .method = NULL },
	};
	ck_assert_int_eq(
		run_with(rows, ",'protectionBypass':'bypass-of-the-test'", 1), ACTION_WAITING);
	const struct peer_request sent = peer_last(trial.peer, "GET", "/site");
	ck_assert_str_eq(peer_header(&sent, "x-vercel-protection-bypass"), "bypass-of-the-test");
	ck_assert_ptr_null(strstr(trial_wait_text(&trial), "bypass-of-the-test"));
	ck_assert_int_eq(trial_run(&trial, &http_check,
				 input(J(",'protectionBypass':'bypass-of-the-test'")), 1),
		ACTION_DONE);
	ck_assert_ptr_null(strstr(trial_output(&trial), "bypass-of-the-test"));
	ck_assert_str_eq(trial_log(&trial), "");
	ck_assert_int_eq(
		trial_run(&trial, &http_check, input(J(",'protectionBypass':'of two\\nlines'")), 1),
		ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/protectionBypass");
	ck_assert_ptr_null(strstr(trial_error(&trial)->message, "lines"));
}
END_TEST

START_TEST(test_addresses_that_may_not_be_asked_are_refused_at_once)
{
	static const char *const bad[] = { "https://127.0.0.1/", "https://169.254.169.254/x",
		"http://example.org/", "ftp://example.org/", "nothing" };
	trial.settings.allow_loopback = false;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *text = arena_format(&trial.arena, J("{'url':'%s'}"), bad[i]);
		ck_assert_msg(
			trial_run(&trial, &http_check, text, 1) == ACTION_FAILED, "%s", bad[i]);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	}
}
END_TEST

START_TEST(test_note)
{
	ck_assert_int_eq(trial_run(&trial, &note, "{'text':'gr\\u00fc\\u00dfe'}", 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'text':'gr\xc3\xbc\xc3\x9f"
		  "e','length':7}"));
	ck_assert_int_eq(trial_run(&trial, &note, "{}", 1), ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/text");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_answers_as_expected,
		test_a_path_is_added_to_the_address, test_tries_again, test_gives_up,
		test_redirects_are_not_followed, test_bypasses_deployment_protection,
		test_addresses_that_may_not_be_asked_are_refused_at_once, test_note, NULL };
	return suite_main("http.check, note", tests, setup, teardown);
}
