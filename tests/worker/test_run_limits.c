/*
 * The setting of limits: what a worker starts with, and what it refuses.
 *
 * covers: src/worker/run_limits.c
 */
#include "worker/run_limits.h"

#include <string.h>

#include "harness/suite.h"

static struct error error;

START_TEST(test_limits_that_are_kept)
{
	static const char *const texts[] = { NULL, "", "  ", "tenant=20", "app=1 tenant=100000",
		" github.repository=3  app=2 " };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(run_limits_check(texts[i], &error) == ERROR_NONE, "'%s': %s",
			texts[i], error.message);
}
END_TEST

/* Each would be a limit that nobody keeps. */
START_TEST(test_limits_that_mean_nothing_are_refused)
{
	static const char *const texts[] = { "app", "app=", "app=0", "app=-1", "app=x", "app=2x",
		"=2", "app=100001", "apps=2", "github.repositories=2", "tenant=2,app=1" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(run_limits_check(texts[i], &error) == ERROR_INVALID_INPUT, "'%s'",
			texts[i]);
		ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_RUN_LIMITS"));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_limits_that_are_kept,
		test_limits_that_mean_nothing_are_refused, NULL };
	return suite_main("run limits", tests, NULL, NULL);
}
