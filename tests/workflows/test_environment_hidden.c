/*
 * vercel.environment with variables whose values Vercel does not show.
 *
 * covers: workflows/actions/vercel_environment.c workflows/actions/vercel_variables.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
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

#define LIST             "GET", "/vercel/v10/projects/prj_1/env"
#define WRITE            "POST", "/vercel/v10/projects/prj_1/env"
#define WRITTEN          "{'created':[],'failed':[]}"
#define INPUT(variables) "{'project':'prj_1','variables':[" variables "]}"
#define SECRET           "{'key':'API_KEY','value':'hush-hush'}"
#define OTHER            "{'key':'API_KEY','value':'hush-hush-too'}"
#define NOTED            "{'key':'API_KEY','value':'hush-hush','comment':'of the site'}"
#define KEY_ROW          "vercel:variable:prj_1/API_KEY/e1"

#define HIDDEN_ONE(id, key, targets, updated, type)                                                \
	"{'id':'" id "','key':'" key "','value':'','type':'" type "','target':[" targets "],"      \
	"'updatedAt':" updated "}"
#define ALL                       "'production','preview','development'"
#define HIDDEN(id, updated, type) "{'envs':[" HIDDEN_ONE(id, "API_KEY", ALL, updated, type) "]}"
#define TWO(updated)                                                                               \
	"{'envs':[" HIDDEN_ONE("e1", "API_KEY", ALL, updated, "encrypted") "," HIDDEN_ONE(         \
		"e2", "SITE", "'production'", "100", "encrypted") "]}"

static enum action_result run_with(const struct peer_row *rows, const char *input)
{
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_environment, input, 5);
}

/* How many were written by a new run where Vercel lists this. */
static size_t written_by_another_run(const char *list, const char *input)
{
	const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = list },
		{ WRITE, .status = 201, .body = WRITTEN },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, input), ACTION_DONE);
	return peer_count(trial.peer, WRITE);
}

/* Vercel shows no value of these, so our own fingerprint of what we wrote, and when it was last
 * written, decide. */
START_TEST(test_unchanged_secrets_are_left_alone)
{
	static const char seen[] = HIDDEN("e1", "100", "encrypted");
	ck_assert_uint_eq(
		written_by_another_run(seen, J(INPUT(SECRET))), 1); /* it is not ours yet */
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(SECRET))), 0);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("'changed':0,'created':0,'updated':0,'unchanged':1,'removed':0,'updatedAt':"
		  "100")));
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e1", "100", "sensitive")), J(INPUT(SECRET))),
		0); /* by policy */
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e1", "101", "encrypted")), J(INPUT(SECRET))),
		1); /* by others */
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(SECRET))), 1);
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e2", "100", "encrypted")), J(INPUT(SECRET))), 1);
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(OTHER))), 1);
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(NOTED))), 1);
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(NOTED))), 0);
	named_setting_set(&trial.settings, "SLIPWAY_VERCEL_TOKEN", "another_token_of_the_workers");
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(NOTED))), 1);
	ck_assert_uint_eq(written_by_another_run(seen, J(INPUT(NOTED))), 0);
	ck_assert_ptr_null(strstr(trial_ledger_row(&trial, KEY_ROW), "hush"));
	/* Without a time, nothing tells that somebody has written it since. */
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e1", "0", "encrypted")), J(INPUT(NOTED))), 1);
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e1", "0", "encrypted")), J(INPUT(NOTED))), 1);
}
END_TEST

/* Only what was written by us is known: what somebody else writes meanwhile is not. */
START_TEST(test_only_what_was_written_is_remembered)
{
	static const char both[] =
		INPUT(SECRET ",{'key':'SITE','value':'docs','targets':['production']}");
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = HIDDEN("e1", "100", "encrypted"), .times = 1 },
		{ LIST, .status = 200, .body = TWO("300") },
		{ WRITE, .status = 201, .body = WRITTEN },
		{ .method = NULL },
	};
	ck_assert_uint_eq(
		written_by_another_run(J(HIDDEN("e1", "100", "encrypted")), J(INPUT(SECRET))), 1);
	ck_assert_int_eq(run_with(rows, both), ACTION_DONE);
	ck_assert_ptr_null(strstr(peer_last(trial.peer, WRITE).body, "API_KEY"));
	ck_assert_uint_eq(written_by_another_run(J(TWO("300")), both), 1);
	ck_assert_ptr_null(strstr(peer_last(trial.peer, WRITE).body, "SITE"));
}
END_TEST

START_TEST(test_empty_secrets_are_refused)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{'envs':[]}" },
		{ WRITE, .status = 201, .body = WRITTEN },
		{ .method = NULL },
	};
	static const char *const types[] = { "encrypted", "sensitive", "plain" };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		bool plain = strcmp(types[i], "plain") == 0;
		const char *input = arena_format(&trial.arena,
			J(INPUT("{'key':'K','value':'','type':'%s','targets':['production']}")),
			types[i]);
		ck_assert_int_eq(run_with(rows, input), plain ? ACTION_DONE : ACTION_FAILED);
		ck_assert_uint_eq(peer_count(trial.peer, WRITE), plain ? 1 : 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_unchanged_secrets_are_left_alone,
		test_only_what_was_written_is_remembered, test_empty_secrets_are_refused, NULL };
	return suite_main("vercel.environment, hidden values", tests, setup, teardown);
}
