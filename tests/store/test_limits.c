/*
 * The gate before a provider: closed for all, opened by one.
 *
 * covers: src/store/limits.c src/store/scripts/pace.lua src/store/scripts/gate.lua
 */
#include "harness/redis_server.h"
#include "harness/suite.h"
#include "store/limits.h"

static struct redis_server server;
static struct redis *redis;
static struct error error;
static const struct limit_name ours = { "github", "0123456789abcdef" }, other = { "github", "fedcba9876543210" };
static bool probing;

static void set_up(void)
{
	redis_server_start(&server);
	ck_assert_int_eq(redis_new(server.url, NULL, "test", 2000, &redis, &error), ERROR_NONE);
}

static void tear_down(void)
{
	redis_free(redis);
	redis_server_stop(&server);
}

static int64_t enter(const struct limit_name *name)
{
	int64_t wait = -1;
	ck_assert_msg(limit_enter(redis, name, &wait, &probing, &error) == ERROR_NONE, "%s", error.message);
	return wait;
}

static void close_for(int64_t milliseconds)
{
	ck_assert_int_eq(limit_close(redis, &ours, milliseconds, &error), ERROR_NONE);
}

/* Waits, by asking, until the gate lets somebody through. */
static void enter_at_last(void)
{
	while (enter(&ours) > 0) {}
	ck_assert(probing);
}

START_TEST(test_open_for_all)
{
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert(!probing);
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert_int_eq(limit_open(redis, &ours, &error), ERROR_NONE);
}
END_TEST

START_TEST(test_closed_for_this_credential_only)
{
	close_for(20000);
	int64_t wait = enter(&ours);
	ck_assert_int_gt(wait, 15000);
	ck_assert_int_le(wait, 20000);
	ck_assert_int_eq(enter(&other), 0);
	/* Nobody opens it earlier than somebody else was told. */
	close_for(100);
	ck_assert_int_gt(enter(&ours), 15000);
	ck_assert_int_eq(limit_open(redis, &ours, &error), ERROR_NONE);
	ck_assert_int_gt(enter(&ours), 15000);
}
END_TEST

START_TEST(test_one_probes_and_opens)
{
	close_for(50);
	enter_at_last();
	ck_assert_int_gt(enter(&ours), 0);
	ck_assert(!probing);
	ck_assert_int_eq(limit_open(redis, &ours, &error), ERROR_NONE);
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert(!probing);
}
END_TEST

START_TEST(test_probe_that_meets_the_limit_closes_it_anew)
{
	close_for(50);
	enter_at_last();
	close_for(20000);
	ck_assert_int_gt(enter(&ours), 15000);
}
END_TEST

/* GitHub asks for it where it does not say how long, and bans who goes on at the same pace. */
START_TEST(test_each_failed_probe_doubles_the_time)
{
	close_for(300);
	enter_at_last();
	close_for(300);
	int64_t wait = enter(&ours);
	ck_assert_msg(wait > 300 && wait <= 600, "%d ms", (int)wait);
	enter_at_last();
	/* Others that were on their way meanwhile double nothing. */
	close_for(300);
	close_for(300);
	wait = enter(&ours);
	ck_assert_msg(wait > 600 && wait <= 1200, "%d ms", (int)wait);
	enter_at_last();
	ck_assert_int_eq(limit_open(redis, &ours, &error), ERROR_NONE);
	close_for(300);
	ck_assert_int_le(enter(&ours), 300);
}
END_TEST

START_TEST(test_doubling_has_an_end)
{
	const char *const words[] = { "SET", "slipway:limit:github:0123456789abcdef", "closed 1 800000" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	enter_at_last();
	close_for(1000);
	int64_t wait = enter(&ours);
	ck_assert_msg(wait > 800000 && wait <= 900000, "%d ms", (int)wait);
}
END_TEST

START_TEST(test_what_a_hand_wrote_is_no_gate)
{
	const char *const words[] = { "SET", "slipway:limit:github:0123456789abcdef", "open sesame" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	ck_assert_int_eq(enter(&ours), 0);
	close_for(20000);
	ck_assert_int_gt(enter(&ours), 15000);
}
END_TEST

static int64_t pace(const struct limit_name *name, int64_t most_ms, bool *ret_granted)
{
	int64_t wait;
	ck_assert_msg(
		limit_pace(redis, name, 1000, most_ms, &wait, ret_granted, &error) == ERROR_NONE, "%s", error.message);
	return wait;
}

/* Each gets a time of its own, a second after the one before; what is too far away is nobody's. */
START_TEST(test_writes_are_spaced)
{
	bool granted;
	ck_assert_int_eq(pace(&ours, 2500, &granted), 0);
	ck_assert(granted);
	int64_t second = pace(&ours, 2500, &granted), third = pace(&ours, 2500, &granted);
	ck_assert(granted && second > 500 && second <= 1000 && third > second + 500 && third <= 2000);
	/* The fourth place is up to 3 s away: too far for one who waits no longer than 1.5 s, who takes it from nobody.
	 */
	int64_t refused = pace(&ours, 1500, &granted);
	ck_assert(!granted && refused > 1500);
	int64_t fourth = pace(&ours, 5000, &granted);
	ck_assert(granted && fourth > 1500 && fourth <= refused);
	ck_assert_int_eq(pace(&other, 0, &granted), 0);
	ck_assert(granted);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_open_for_all, test_closed_for_this_credential_only,
		test_one_probes_and_opens, test_probe_that_meets_the_limit_closes_it_anew,
		test_each_failed_probe_doubles_the_time, test_doubling_has_an_end, test_what_a_hand_wrote_is_no_gate,
		test_writes_are_spaced, NULL };
	return suite_main("limits", tests, set_up, tear_down);
}
