/*
 * Budgets of requests of many more tenants than a process has places for: none uses up what another
 * has. Nor do many requests at a time use up more than they are.
 *
 * covers: src/api/request_budget.c
 */
#include "api/request_budget.h"

#include "base/loop.h"
#include "base/text.h"
#include "harness/store.h"
#include "store/budgets.h"

#define TENANTS 350
#define ROUNDS  5
#define AT_ONCE 32
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

static enum error_class take_from(struct redis *from, int number, int64_t most)
{
	static const struct request request = { .id = "" };
	char name[IDENTIFIER_SIZE];
	const struct service service = { .redis = from, .tenant = tenant_name(name, number) };
	return request_budget_take(&service, &request, most, &error);
}

static enum error_class take(int number, int64_t most)
{
	return take_from(redis, number, most);
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

static struct redis *joined;
static int taken;

static void take_one(void *context)
{
	const int *number = context;
	ck_assert_int_eq(take_from(joined, *number, MOST), ERROR_NONE);
	taken++;
}

START_TEST(test_many_at_a_time_draw_no_more_than_one_and_what_they_need)
{
	static int number = TENANTS;
	struct loop *loop;
	joined = store_join(&loop);
	for (int i = 0; i < AT_ONCE; i++)
		ck_assert(coroutine_start(take_one, &number));
	while (taken < AT_ONCE)
		loop_turn(loop, 1000);
	ck_assert_int_ge(left_of(number, MOST), MOST - MOST / 60 - AT_ONCE);
	store_leave(joined, loop);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_many_tenants_use_only_their_own,
		test_the_budget_holds_for_each_of_many,
		test_many_at_a_time_draw_no_more_than_one_and_what_they_need, NULL };
	return store_suite_main("request_budget", tests, set_up, tear_down);
}
