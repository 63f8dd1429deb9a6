/*
 * What is only late: a provider that does not know yet what the app has made a short while ago.
 *
 * covers: src/action/call.c src/action/ledger.c src/provider/refusal.c
 */
#include <string.h>

#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"
#include "slipway/provider.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

struct input {
	const char *owner, *name, *project;
	int64_t expect;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("owner", struct input, owner) },
	{ STRING_FIELD("name", struct input, name) },
	{ STRING_FIELD("project", struct input, project) },
	{ INTEGER_FIELD("expect", struct input, expect) },
};

/* Changes something of a repository, or reads a project; where the refusal is expected, it says
 * whether it is late. */
static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *output)
{
	const struct input *input = raw_input;
	struct provider_response response;
	const struct provider_request change = { .method = HTTP_PUT,
		.path = "/repos/{owner}/{repo}/thing",
		.parameters = { input->owner, input->name },
		.expect = { (int)input->expect } };
	const struct provider_request read = { .path = "/v9/projects/{idOrName}",
		.parameters = { input->project },
		.expect = { (int)input->expect } };
	bool of_project = input->project != NULL;
	(void)checkpoint;
	(void)output;

	if (!provider_call(context, of_project ? &vercel : &github, of_project ? &read : &change,
		    &response))
		return action_failed(context);
	if (response.status >= 400)
		return provider_is_late(context)
			? action_wait(context, 1000, "it to show")
			: action_fail(context, ERROR_NOT_FOUND, "it is not there");
	return action_done(context);
}

struct output {
	bool unused;
};
static const struct field output_fields[] = { { BOOLEAN_FIELD("unused", struct output, unused) } };
static const struct call_row calls[] = {
	{ CALL_OF(PUT, "/repos/{owner}/{repo}/thing", NAMES_OWNER, NAMES_REPOSITORY) },
	{ .path = NULL },
};
static const struct action_definition action = { .id = "test.late",
	.summary = "Calls once",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.calls = calls };

#define OF_REPOSITORY "{'owner':'Acme','name':'Docs'}"

static enum error_class refused_with(int status, const char *body)
{
	const struct peer_row rows[] = {
		{ "PUT", "/github/repos/Acme/Docs/thing", .status = status, .body = body },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &action, OF_REPOSITORY), ACTION_FAILED);
	return trial_error(&trial)->class;
}

START_TEST(test_what_was_made_a_moment_ago_may_be_late)
{
	static const int statuses[] = { 404, 409, 422 };
	trial_made(&trial, "github:repository:acme/docs", 5000);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		ck_assert_int_eq(
			refused_with(statuses[i], J("{'message':'No ref found for: main'}")),
			ERROR_NOT_READY);
		ck_assert_ptr_nonnull(
			strstr(trial_error(&trial)->message, "No ref found for: main"));
	}
	ck_assert_int_eq(
		refused_with(400, J("{'message':'No ref found for: main'}")), ERROR_INVALID_INPUT);
	ck_assert_int_eq(refused_with(403, J("{'message':'No'}")), ERROR_SCOPE_MISSING);
}
END_TEST

START_TEST(test_a_row_of_the_table_is_final)
{
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(
		refused_with(422, J("{'message':'name already exists'}")), ERROR_CONFLICT_FOREIGN);
	ck_assert_int_eq(refused_with(422, J("{'message':'acme/t is not a template repository'}")),
		ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_what_is_older_or_anothers_is_not_late)
{
	ck_assert_int_eq(refused_with(404, J("{'message':'Not Found'}")), ERROR_NOT_FOUND);
	trial_made(&trial, "github:repository:acme/other", 5000);
	ck_assert_int_eq(refused_with(404, J("{'message':'Not Found'}")), ERROR_NOT_FOUND);
	trial_made(&trial, "github:repository:acme/docs", 3600000);
	ck_assert_int_eq(refused_with(404, J("{'message':'Not Found'}")), ERROR_NOT_FOUND);
}
END_TEST

START_TEST(test_a_run_does_not_wait_for_long)
{
	trial_made(&trial, "github:repository:acme/docs", 80000);
	trial.age_ms = 45000;
	ck_assert_int_eq(refused_with(422, J("{'message':'x'}")), ERROR_NOT_READY);
	trial.age_ms = 61000;
	ck_assert_int_eq(refused_with(422, J("{'message':'x'}")), ERROR_INVALID_INPUT);
	/* What an old run has made just now may be late as well. */
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(refused_with(422, J("{'message':'x'}")), ERROR_NOT_READY);
}
END_TEST

/* Nothing becomes visible meanwhile. */
START_TEST(test_an_outage_does_not_count)
{
	trial_made(&trial, "github:repository:acme/docs", 1200000);
	trial.age_ms = 10000;
	ck_assert_int_eq(refused_with(404, J("{'message':'Not Found'}")), ERROR_NOT_FOUND);
	trial.paused_ms = 1190000;
	ck_assert_int_eq(refused_with(404, J("{'message':'Not Found'}")), ERROR_NOT_READY);
}
END_TEST

/* By its id (42 in a trial) as well, which is what other steps know of a project. */
START_TEST(test_an_action_that_expects_it_can_ask)
{
	static const struct peer_row rows[] = {
		{ "GET", "/vercel/v9/projects/42", .status = 404, .body = "{}", .times = 2 },
		{ "GET", "/vercel/v9/projects/42", .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	static const char input[] = "{'project':'42','expect':404}";
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &action, input), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NOT_FOUND);
	trial_made(&trial, "vercel:project:docs", 5000);
	ck_assert_int_eq(trial_run(&trial, &action, input, 5), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 3);
}
END_TEST

/* One endpoint's limit holds up no other; GitHub has one for the credential. */
START_TEST(test_a_limit_is_of_what_the_provider_limits)
{
	static const struct peer_row rows[] = {
		{ "GET", "/vercel/v9/projects/42", .status = 429, .body = "{}",
			.headers = "Retry-After: 3600" },
		{ "PUT", "/github/repos/Acme/Docs/thing", .status = 429, .body = "{}",
			.headers = "Retry-After: 3600" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &action, "{\"project\":\"42\"}"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_RATE_LIMITED);
	ck_assert_ptr_nonnull(strstr(trial.closed_credential, ":GET:/v9/projects/{idOrName}"));
	ck_assert_int_eq(trial_attempt(&trial, &action, "{\"project\":\"42\"}"), ACTION_FAILED);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message,
		"Vercel's rate limit for GET /v9/projects/{idOrName}"));
	trial.closed_ms = 0;
	ck_assert_int_eq(trial_attempt(&trial, &action, OF_REPOSITORY), ACTION_FAILED);
	ck_assert_uint_eq(strlen(trial.closed_credential), strlen("github:") + 16);
}
END_TEST

/* Each call looks through the ledger; what has nothing to do with it takes no memory of the
 * attempt. */
START_TEST(test_a_large_ledger_costs_a_call_no_memory)
{
	static const struct peer_row rows[] = {
		{ "GET", "/vercel/v9/projects/42", .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &action, "{'project':'42'}"), ACTION_DONE);
	size_t before = trial.attempt_arena.used;
	for (int i = 0; i < 200; i++)
		trial_ledger_put(&trial, arena_format(&trial.arena, "vercel:variable:p/K%d/e", i),
			"{'id':'fingerprint','created':true,'at':'2026-01-01T00:00:00.000Z'}");
	ck_assert_int_eq(trial_attempt(&trial, &action, "{'project':'42'}"), ACTION_DONE);
	ck_assert_uint_le(trial.attempt_arena.used, before + 4096);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_was_made_a_moment_ago_may_be_late,
		test_a_row_of_the_table_is_final, test_what_is_older_or_anothers_is_not_late,
		test_a_run_does_not_wait_for_long, test_an_outage_does_not_count,
		test_an_action_that_expects_it_can_ask, test_a_limit_is_of_what_the_provider_limits,
		test_a_large_ledger_costs_a_call_no_memory, NULL };
	return suite_main("late", tests, setup, teardown);
}
