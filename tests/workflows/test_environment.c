/*
 * vercel.environment against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_environment.c
 */
#include <string.h>

#include "actions.h"
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
#define INPUT(variables) "{\"project\":\"prj_1\",\"variables\":[" variables "]}"
#define PLAIN            "{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"plain\",\"targets\":[\"production\"]}"
#define SECRET           "{\"key\":\"API_KEY\",\"value\":\"hush-hush\"}"
#define LISTED(updated)                                                                                                \
	"{\"envs\":[{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"plain\",\"target\":[\"production\"],"              \
	"\"gitBranch\":null,\"updatedAt\":" updated "},{\"key\":\"OLD\",\"type\":\"encrypted\",\"value\":\"\","        \
	"\"target\":\"preview\",\"updatedAt\":50}]}"

static enum action_result run_with(const struct peer_row *rows, const char *input)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_environment, input, 5);
}

START_TEST(test_writes_what_differs)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("100"), .times = 1 },
		{ LIST, .status = 200, .body = LISTED("200") },
		{ WRITE, .status = 201, .body = "{\"created\":[{\"key\":\"API_KEY\",\"value\":\"x\"}],\"failed\":[]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN "," SECRET)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), "{\"keys\":[\"SITE\",\"API_KEY\"],\"changed\":1,\"updatedAt\":200}");
	struct peer_request request = peer_last(trial.peer, WRITE);
	ck_assert_str_eq(request.uri, "/vercel/v10/projects/prj_1/env?upsert=true&slug=acme");
	ck_assert_str_eq(request.body,
		"[{\"key\":\"API_KEY\",\"value\":\"hush-hush\",\"type\":\"encrypted\","
		"\"target\":[\"production\",\"preview\",\"development\"]}]");
	ck_assert_ptr_null(strstr(trial_output(&trial), "hush-hush"));
	ck_assert_ptr_null(strstr(trial.checkpoint, "hush-hush"));
	ck_assert_ptr_null(strstr(trial.log, "hush-hush"));
}
END_TEST

START_TEST(test_leaves_equal_ones_alone)
{
	static const struct peer_row rows[] = { { LIST, .status = 200, .body = LISTED("100") }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), "{\"keys\":[\"SITE\"],\"changed\":0,\"updatedAt\":100}");
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 0);
}
END_TEST

START_TEST(test_each_difference_is_written)
{
	static const char *const inputs[] = {
		INPUT("{\"key\":\"SITE\",\"value\":\"other\",\"type\":\"plain\",\"targets\":[\"production\"]}"),
		INPUT("{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"plain\",\"targets\":[\"production\",\"preview\"]"
		      "}"),
		INPUT("{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"encrypted\",\"targets\":[\"production\"]}"),
		INPUT("{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"plain\",\"targets\":[\"production\"],"
		      "\"gitBranch\":\"dev\"}"),
	};
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = LISTED("100") },
		{ WRITE, .status = 201, .body = "{\"created\":[],\"failed\":[]}" },
		{ .method = NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i]), ACTION_DONE);
		ck_assert_msg(peer_count(trial.peer, WRITE) == 1, "%s", inputs[i]);
	}
}
END_TEST

START_TEST(test_success_without_failed_is_success)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{\"envs\":[]}" },
		{ WRITE, .status = 200, .body = "{\"envs\":[{\"key\":\"API_KEY\"}]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(SECRET)), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), "{\"keys\":[\"API_KEY\"],\"changed\":1,\"updatedAt\":0}");
}
END_TEST

START_TEST(test_partial_success_is_a_failure)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{\"envs\":[]}" },
		{ WRITE, .status = 201,
			.body = "{\"created\":[{\"key\":\"SITE\"}],\"failed\":[{\"error\":{\"code\":\"ENV_CONFLICT\","
				"\"message\":\"exists for the branch\",\"envVarKey\":\"API_KEY\"}}]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, INPUT(PLAIN "," SECRET)), ACTION_FAILED);
	ck_assert(!error_class_facts(trial.context.error.class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial.context.error.message, "API_KEY"));
	ck_assert_ptr_nonnull(strstr(trial.context.error.message, "exists for the branch"));
	ck_assert_ptr_null(strstr(trial.context.error.message, "hush-hush"));
}
END_TEST

START_TEST(test_sensitive_is_not_for_development)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = "{\"envs\":[]}" },
		{ WRITE, .status = 201, .body = "{\"created\":[],\"failed\":[]}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows,
				 INPUT("{\"key\":\"K\",\"value\":\"v\",\"type\":\"sensitive\","
				       "\"targets\":[\"production\",\"development\"]}")),
		ACTION_FAILED);
	ck_assert_int_eq(trial.context.error.class, ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(trial.peer, WRITE), 0);
	ck_assert_int_eq(run_with(rows,
				 INPUT("{\"key\":\"K\",\"value\":\"v\",\"type\":\"sensitive\","
				       "\"targets\":[\"production\",\"preview\"]}")),
		ACTION_DONE);
}
END_TEST

START_TEST(test_no_variables_and_bad_ones)
{
	static const struct peer_row rows[] = { { LIST, .status = 200, .body = "{\"envs\":[]}" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, "{\"project\":\"prj_1\"}"), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), "{\"changed\":0,\"updatedAt\":0}");
	ck_assert_int_eq(run_with(rows, INPUT("{\"key\":\"1K\",\"value\":\"v\"}")), ACTION_FAILED);
	ck_assert_str_eq(trial.context.error.place, "/input/variables/0/key");
	ck_assert_int_eq(run_with(rows, INPUT("{\"key\":\"K\",\"value\":\"v\",\"type\":\"secret\"}")), ACTION_FAILED);
	ck_assert_str_eq(trial.context.error.place, "/input/variables/0/type");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_writes_what_differs, test_leaves_equal_ones_alone,
		test_each_difference_is_written, test_success_without_failed_is_success,
		test_partial_success_is_a_failure, test_sensitive_is_not_for_development,
		test_no_variables_and_bad_ones, NULL };
	return suite_main("vercel.environment", tests, setup, teardown);
}
