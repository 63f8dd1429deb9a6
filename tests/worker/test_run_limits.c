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

START_TEST(test_whether_an_operator_has_limited_tenants)
{
	static const char *const with[] = { "tenant=20", "app=1 tenant=100000", "  tenant=1" };
	static const char *const without[] = { NULL, "", " ", "app=2", "app=2 vercel.project=1" };
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		ck_assert_msg(run_limits_has_tenant(with[i]), "'%s'", with[i]);
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		ck_assert_msg(!run_limits_has_tenant(without[i]), "'%s'", without[i]);
}
END_TEST

START_TEST(test_how_many_runs_leave_an_executor_to_others)
{
	static const struct {
		size_t tenants, executors, most;
	} cases[] = { { 0, 4, 0 }, { 1, 4, 0 }, { 2, 0, 0 }, { 2, 1, 0 }, { 2, 2, 1 }, { 2, 4, 3 },
		{ 500, 4, 3 }, { 2, 100001, 100000 }, { 2, 200000, 100000 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(run_limits_tenant_most(cases[i].tenants, cases[i].executors) ==
				cases[i].most,
			"%zu tenants, %zu executors", cases[i].tenants, cases[i].executors);
}
END_TEST

START_TEST(test_what_is_sent_is_the_text_of_the_operator_with_our_limit)
{
	static const struct {
		const char *text;
		size_t most;
		const char *sent;
	} cases[] = { { NULL, 0, "" }, { "", 0, "" }, { "app=2 tenant=20", 0, "app=2 tenant=20" },
		{ NULL, 3, " tenant=3 reserve=1" }, { "app=2", 3, "app=2 tenant=3 reserve=1" } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		ck_assert_str_eq(
			run_limits_text(&arena, cases[i].text, cases[i].most), cases[i].sent);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_limits_that_are_kept,
		test_limits_that_mean_nothing_are_refused,
		test_whether_an_operator_has_limited_tenants,
		test_how_many_runs_leave_an_executor_to_others,
		test_what_is_sent_is_the_text_of_the_operator_with_our_limit, NULL };
	return suite_main("run limits", tests, NULL, NULL);
}
