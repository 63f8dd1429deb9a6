/*
 * The setting of budgets: what it says of each tenant, and what is refused.
 *
 * covers: src/core/budget.c
 */
#include "core/budget.h"

#include <string.h>

#include "harness/suite.h"

static struct error error;

static void check_of(const char *text, const char *tenant, const char *printed, int64_t requests)
{
	struct budgets budgets;
	char found[BUDGETS_TEXT_SIZE];

	ck_assert_msg(budgets_check(text, &error) == ERROR_NONE, "'%s': %s", text, error.message);
	budgets_of(text, tenant, &budgets);
	budgets_print(&budgets, found);
	ck_assert_str_eq(found, printed);
	ck_assert_int_eq(budgets.most[BUDGET_REQUESTS], requests);
}

START_TEST(test_what_is_set_for_all_and_for_one)
{
	check_of(NULL, "acme", "", BUDGET_NONE);
	check_of("  ", "acme", "", BUDGET_NONE);
	check_of("live=5 requests=60", "acme", "live=5", 60);
	check_of(" starts=3 bytes=1000000000000  apps=0 live=5", "acme",
		"bytes=1000000000000 apps=0 live=5 starts=3", BUDGET_NONE);
	/* Whichever stands first. */
	check_of("acme.live=7 live=5 acme.requests=9", "acme", "live=7", 9);
	check_of("live=5 acme.live=7 requests=4", "acme", "live=7", 4);
	check_of("live=5 acme.live=7", "acm", "live=5", BUDGET_NONE);
	check_of("live=5 acme.live=7", "acme2", "live=5", BUDGET_NONE);
	check_of("acme.live=none live=5 acme.requests=none requests=1", "acme", "", BUDGET_NONE);
	check_of("live=none acme.live=2", "acme", "live=2", BUDGET_NONE);
	/* A tenant may be called so. */
	check_of("live.apps=2", "live", "apps=2", BUDGET_NONE);
	check_of("live.apps=2", "apps", "", BUDGET_NONE);
}
END_TEST

/* Each would be a budget that nobody keeps. */
START_TEST(test_what_means_nothing_is_refused)
{
	static const char *const texts[] = { "live", "live=", "live=-1", "live=x", "live=2x", "=2",
		"lives=2", "live=2,apps=1", "live=1000000000001", "acme.=2", ".live=2",
		"a b.live=2", "acme.docs.live=2", "-x.live=2", "live=1 live=2",
		"acme.live=1 live=3 acme.live=1", "live=nones", "acme:live=1" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(
			budgets_check(texts[i], &error) == ERROR_INVALID_INPUT, "'%s'", texts[i]);
		ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_BUDGETS"));
	}
}
END_TEST

START_TEST(test_a_name_is_found_by_all_of_it)
{
	ck_assert_int_eq(budget_find("live=3", 4), BUDGET_LIVE);
	ck_assert_int_eq(budget_find("live", 3), BUDGET_COUNT);
	ck_assert_int_eq(budget_find("lives", 5), BUDGET_COUNT);
	ck_assert_int_eq(budget_find("", 0), BUDGET_COUNT);
	for (int i = 0; i < BUDGET_COUNT; i++)
		ck_assert_int_eq(budget_find(budget_name((enum budget)i),
					 strlen(budget_name((enum budget)i))),
			i);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_is_set_for_all_and_for_one,
		test_a_name_is_found_by_all_of_it, test_what_means_nothing_is_refused, NULL };
	return suite_main("budgets", tests, NULL, NULL);
}
