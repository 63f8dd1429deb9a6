/*
 * What becomes of a run whose attempt failed.
 *
 * covers: src/worker/outcome.c src/core/run.c
 */
#include <string.h>

#include "base/json.h"
#include "harness/suite.h"
#include "worker/outcome.h"

static struct arena arena;
static struct error error, failure;
static struct failure_texts texts;
static struct run_write result;

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&failure, 0, sizeof(failure));
}

static void teardown(void)
{
	arena_release(&arena);
}

static enum run_write_kind kind_after(enum error_class class, int64_t attempt, int64_t attempts)
{
	failure.class = class;
	ck_assert_int_eq(failure_write(&failure, attempt, attempts, &arena, &texts, &result, &error), ERROR_NONE);
	return result.kind;
}

START_TEST(test_retryable_class_uses_the_actions_attempts)
{
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 4, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 5, 5), RUN_FINISH);
	ck_assert_int_eq(kind_after(ERROR_PLAN_LIMIT, 1, 5), RUN_FINISH);
}
END_TEST

START_TEST(test_unknown_is_tried_twice_more_at_most)
{
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 1, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 2, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 3, 5), RUN_FINISH);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 4, 5), RUN_FINISH);
	/* An action that allows fewer is not given more. */
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 1, 1), RUN_FINISH);
}
END_TEST

START_TEST(test_waits_use_no_attempt)
{
	ck_assert_int_eq(kind_after(ERROR_RATE_LIMITED, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 60000);
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 5000);
	ck_assert_int_lt(result.delay_ms, 60000);
	failure.retry_after_ms = 90000;
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 90000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_retryable_class_uses_the_actions_attempts,
		test_unknown_is_tried_twice_more_at_most, test_waits_use_no_attempt, NULL };
	return suite_main("outcome", tests, setup, teardown);
}
