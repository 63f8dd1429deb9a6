/*
 * Budgets of requests of many more tenants than a process has places for: none uses up what another
 * has.
 *
 * covers: src/api/request_budget.c
 */
#include "api/request_budget.h"

#include "base/text.h"
#include "harness/store.h"
#include "store/budgets.h"

#define TENANTS 350
#define ROUNDS  5
#define MOST    6000 /* a minute: a process draws a second's worth, which is 100 */

static struct redis *redis;
static struct error error;

static void set_up(void)
{
	redis = store_open();
}

static void tear_down(void)
{
	store_close(redis);
}

static const char *tenant_name(char name[IDENTIFIER_SIZE], int number)
{
	text_format(name, IDENTIFIER_SIZE, "tenant-%d", number);
	return name;
}

static enum error_class take(int number, int64_t most)
{
	static const struct request request = { .id = "" };
	char name[IDENTIFIER_SIZE];
	const struct service service = { .redis = redis, .tenant = tenant_name(name, number) };
	return request_budget_take(&service, &request, most, &error);
}

/* How many more another process could let in now. */
static int64_t left_of(int number, int64_t most)
{
	char name[IDENTIFIER_SIZE];
	struct budget_draw drawn;
	ck_assert_int_eq(
		budget_draw(redis, tenant_name(name, number), most, most, 0, &drawn, &error),
		ERROR_NONE);
	return drawn.granted;
}

/* Time fills the budgets again meanwhile: so the bounds are those of a test that takes none. */
START_TEST(test_many_tenants_use_only_their_own)
{
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < TENANTS; i++)
			ck_assert_msg(take(i, MOST) == ERROR_NONE, "%d: %s", i, error.message);
	for (int i = 0; i < TENANTS; i++)
		ck_assert_int_ge(left_of(i, MOST), MOST - 2 * (MOST / 60) - ROUNDS);
}
END_TEST

START_TEST(test_the_budget_holds_for_each_of_many)
{
	for (int i = 0; i < TENANTS; i++) {
		ck_assert_int_eq(take(i, 1), ERROR_NONE);
		ck_assert_int_eq(take(i, 1), ERROR_OVER_BUDGET);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_many_tenants_use_only_their_own,
		test_the_budget_holds_for_each_of_many, NULL };
	return store_suite_main("request_budget", tests, set_up, tear_down);
}
