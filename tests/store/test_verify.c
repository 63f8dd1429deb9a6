/*
 * What a hand, a crash or an old copy may leave in Redis: found, named, and put right.
 *
 * covers: src/store/verify.c src/store/scripts/inspect.lua src/store/scripts/clock.lua
 */
#include <string.h>

#include "harness/store.h"
#include "harness/take.h"
#include "store/verify.h"

#define RUN_KEY KEY_PREFIX "app:default:acme:site:repo"
#define MEMBER  "default:acme:site:repo"
#define LANES   KEY_READY ":default"
#define LANE    LANES ":acme"

static struct redis *redis;
static struct arena arena;
static struct error error;
static char said[4096];

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
}

static void tear_down(void)
{
	store_close(redis);
	arena_release(&arena);
}

static void note(void *context, const char *key, const char *what, bool repaired)
{
	size_t length = strlen(said);
	(void)context;
	snprintf(said + length, sizeof(said) - length, "%s: %s%s\n", key, what,
		repaired ? " (repaired)" : "");
}

static struct verify_counts verify(bool repair)
{
	struct verify_counts counts;
	const struct verify_options options = {
		.repair = repair, .lease_ms = 30000, .retention_seconds = 86400, .found = note
	};
	said[0] = '\0';
	ck_assert_msg(
		store_verify(redis, &options, &counts, &error) == ERROR_NONE, "%s", error.message);
	return counts;
}

static void trigger(void)
{
	struct trigger_result result;
	const struct trigger wanted = { .name = { "default", "acme", "site", "repo" },
		.input = "{}",
		.digest = "d",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 86400 };
	ck_assert_msg(run_trigger(redis, &wanted, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

static struct claim claim(void)
{
	return take_next(redis, 30000, &arena);
}

static void wait_long(const struct claim *claimed)
{
	const struct run_write write = {
		.kind = RUN_WAIT, .phase = "waiting", .delay_ms = 50000, .reason = "not_ready"
	};
	ck_assert_int_eq(run_write(redis, &claimed->lease, &write, &error), ERROR_NONE);
}

/* What is found is named; repaired, nothing is left of it. */
static void expect_repaired(const char *what)
{
	ck_assert_uint_eq(verify(false).repaired, 0);
	ck_assert_msg(strstr(said, what) != NULL, "'%s' is not among:\n%s", what, said);
	struct verify_counts counts = verify(true);
	ck_assert_msg(counts.faults > 0 && counts.faults == counts.repaired, "left:\n%s", said);
	counts = verify(false);
	ck_assert_msg(counts.faults == 0, "after the repair:\n%s", said);
}

START_TEST(test_nothing_is_wrong)
{
	ck_assert_uint_eq(verify(false).faults, 0);
	trigger();
	ck_assert_uint_eq(verify(false).faults, 0);
	const struct claim claimed = claim();
	ck_assert_msg(verify(false).faults == 0, "%s", said);
	wait_long(&claimed);
	struct verify_counts counts = verify(false);
	ck_assert_msg(counts.faults == 0, "%s", said);
	ck_assert_uint_eq(counts.live, 1);
	ck_assert_uint_ge(counts.keys, 4);
}
END_TEST

START_TEST(test_place_is_lost)
{
	trigger();
	STORE_TELL(redis, "DEL", LANE);
	expect_repaired("it is queued, but it does not stand on the queue");
	STORE_TELL(redis, "DEL", LANES);
	expect_repaired("it is queued, but its app takes no part in the turns");
	STORE_TELL(redis, "DEL", KEY_READY);
	expect_repaired("it is queued, but its app takes no part in the turns");
	const struct claim claimed = claim();
	const struct run_write release = { .kind = RUN_RELEASE };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &release, &error), ERROR_NONE);
	ck_assert_msg(verify(false).faults == 0, "%s", said);
	STORE_TELL(redis, "DEL", KEY_BEGUN);
	expect_repaired("it is queued, but it does not stand on the queue");
	claim();
}
END_TEST

START_TEST(test_place_of_no_run)
{
	STORE_TELL(redis, "ZADD", LANE, "1", "site:repo");
	expect_repaired("no run stands in its place 'site:repo'");
	STORE_TELL(redis, "ZADD", LANE, "1", "no sense");
	expect_repaired("no run stands in its place 'no sense'");
	STORE_TELL(redis, "ZADD", KEY_BEGUN, "1", "default:acme:site:repo", "2", "nonsense");
	expect_repaired("no run stands in its place 'default:acme:site:repo'");
	STORE_TELL(redis, "SET", LANE, "text");
	verify(true);
	ck_assert_ptr_nonnull(strstr(said, "somebody has made it a string"));
	STORE_TELL(redis, "DEL", LANE);
}
END_TEST

START_TEST(test_out_of_the_indexes)
{
	trigger();
	STORE_TELL(redis, "ZREM", KEY_LIVE, MEMBER);
	expect_repaired("it is not in the index of live runs");
	const struct claim claimed = claim();
	STORE_TELL(redis, "DEL", KEY_LIVE);
	expect_repaired("it is not in the index of live runs");
	wait_long(&claimed);
	STORE_TELL(redis, "DEL", KEY_DELAYED);
	expect_repaired("it is waiting, but nothing will bring it back");
}
END_TEST

START_TEST(test_in_two_places)
{
	trigger();
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "1", MEMBER);
	expect_repaired("it is queued and stands among the delayed as well");
	const struct claim claimed = claim();
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "1", MEMBER);
	expect_repaired("it is executing and stands among the delayed as well");
	wait_long(&claimed);
	STORE_TELL(redis, "ZADD", LANE, "1", "site:repo");
	expect_repaired("it is waiting and stands on the queue as well");
	STORE_TELL(redis, "ZADD", KEY_BEGUN, "1", MEMBER);
	expect_repaired("it is waiting and stands on the queue as well");
}
END_TEST

START_TEST(test_ended_or_gone)
{
	trigger();
	const struct claim claimed = claim();
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &write, &error), ERROR_NONE);
	ck_assert_msg(verify(false).faults == 0, "%s", said);
	STORE_TELL(redis, "ZADD", KEY_LIVE, "9999999999999", MEMBER);
	expect_repaired("it has ended, but it stands on the queue or in an index of live runs");
	STORE_TELL(redis, "HSET", RUN_KEY, "lease", "r/1/1-1");
	expect_repaired("it has ended, but still has a place on the queue or a lease");
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "9999999999999", "default:acme:site:gone");
	expect_repaired(
		"there is no such run, but it stands on the queue or in an index of live runs");
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "9999999999999", "no name of a run");
	ck_assert_uint_eq(verify(false).faults, 1);
	ck_assert_ptr_nonnull(strstr(said, "names no run"));
}
END_TEST

START_TEST(test_nobody_came)
{
	trigger();
	const struct claim claimed = claim();
	STORE_TELL(redis, "HSET", RUN_KEY, "lease_until", "1000");
	STORE_TELL(redis, "ZADD", KEY_LIVE, "1000", MEMBER);
	verify(false);
	ck_assert_ptr_nonnull(strstr(said, "its lease ran out"));
	ck_assert_ptr_nonnull(strstr(said, "it was to be looked at"));
	expect_repaired("no worker took it over");
	/* Whoever lost it so can write nothing. */
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claimed.lease, &write, &error), ERROR_LEASE_LOST);
	const struct claim again = claim();
	wait_long(&again);
	STORE_TELL(redis, "HSET", RUN_KEY, "due", "1000");
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "1000", MEMBER);
	expect_repaired("and no worker queued it");
	STORE_TELL(redis, "HSET", RUN_KEY, "run_deadline", "1000");
	expect_repaired("and nobody ended it");
}
END_TEST

START_TEST(test_broken_words)
{
	trigger();
	STORE_TELL(redis, "HSET", RUN_KEY, "phase", "dreaming");
	expect_repaired("its phase 'dreaming' is none that there is");
	STORE_TELL(redis, "HDEL", RUN_KEY, "lease");
	STORE_TELL(redis, "HSET", RUN_KEY, "phase", "executing");
	verify(false);
	ck_assert_ptr_nonnull(strstr(said, "nobody holds its lease"));
	STORE_TELL(redis, "DEL", KEY_LIVE, KEY_READY, KEY_BEGUN, LANES, LANE, RUN_KEY);
	STORE_TELL(redis, "HSET", RUN_KEY, "status", "asleep", "run", "r");
	STORE_TELL(redis, "EXPIRE", RUN_KEY, "100");
	ck_assert_uint_eq(verify(false).faults, 1);
	ck_assert_ptr_nonnull(strstr(said, "its status 'asleep' is none that there is"));
}
END_TEST

START_TEST(test_lives_for_ever)
{
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:acme:payload", "version", "1");
	expect_repaired("it has no time to live");
	/* One without its figure of retention is not forgotten at once. */
	trigger();
	STORE_TELL(redis, "HDEL", RUN_KEY, "retention");
	STORE_TELL(redis, "DEL", LANE);
	expect_repaired("it does not stand on the queue");
	ck_assert_uint_eq(verify(false).live, 1);
}
END_TEST

/* An older version gave a ledger, and what its app was told, a time to live. */
START_TEST(test_a_ledger_that_expires_is_a_finding)
{
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:acme:ledger", "vercel:deployment:dpl_1",
		"{\"id\":\"dpl_1\",\"created\":true,\"part\":true}");
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:acme:payload", "version", "1");
	ck_assert_uint_eq(verify(false).faults, 0);
	STORE_TELL(redis, "EXPIRE", KEY_PREFIX "app:default:acme:payload", "100");
	expect_repaired("it expires, and its app still has something");
	STORE_TELL(redis, "EXPIRE", KEY_PREFIX "app:default:acme:ledger", "100");
	expect_repaired("it expires, and its app still has something");
	/* No run of that name has it. */
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:acme:site:ledger", "status", "done",
		"run", "r");
	expect_repaired("it has no time to live");
}
END_TEST

START_TEST(test_owners_and_ledgers_have_the_same_things)
{
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:acme:ledger",
		"github:repository:acme/docs", "{\"id\":\"7\",\"created\":true}");
	expect_repaired("its row 'github:repository:acme/docs' has no owner");
	STORE_TELL(
		redis, "SET", "slipway:owner:github:repository:7", "default:other 1700000000000");
	verify(false);
	ck_assert_ptr_nonnull(strstr(said, "is of a thing that the app 'default:other' has"));
	ck_assert_ptr_nonnull(strstr(
		said, "slipway:owner:github:repository:7: the app that it names does not have"));
	verify(true);
	verify(true);
	ck_assert_uint_eq(verify(false).faults, 0);
}
END_TEST

START_TEST(test_wrong_type_is_a_finding)
{
	STORE_TELL(redis, "SET", RUN_KEY, "text");
	struct verify_counts counts = verify(true);
	ck_assert_uint_eq(counts.faults, 2);
	ck_assert_uint_eq(counts.repaired, 1);
	ck_assert_ptr_nonnull(strstr(said, "it cannot be read"));
}
END_TEST

/* Every run would be named, and none of them is broken. */
START_TEST(test_a_broken_index_is_the_only_finding)
{
	static const char *const keys[] = { KEY_READY, KEY_BEGUN, KEY_BELL, KEY_DELAYED, KEY_LIVE,
		KEY_TENANTS, KEY_APPS_PREFIX "default", KEY_SHARED_PREFIX "default", KEY_DEAD,
		KEY_WORKERS };
	trigger();
	wait_long(&(const struct claim){ .lease = claim().lease });
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		STORE_TELL(redis, "DEL", keys[i]);
		STORE_TELL(redis, "SET", keys[i], "text");
		struct verify_counts counts = verify(true);
		ck_assert_msg(counts.faults == 1 && counts.repaired == 0, "%s", said);
		ck_assert_ptr_nonnull(strstr(said, "somebody has made it a string"));
		ck_assert_int_eq(strncmp(said, keys[i], strlen(keys[i])), 0);
		STORE_TELL(redis, "DEL", keys[i]);
		counts = verify(true);
		ck_assert_msg(counts.faults == counts.repaired, "%s", said);
	}
	ck_assert_uint_eq(verify(false).faults, 0);
	ck_assert_uint_eq(verify(false).live, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_nothing_is_wrong, test_place_is_lost,
		test_place_of_no_run, test_out_of_the_indexes, test_in_two_places,
		test_ended_or_gone, test_nobody_came, test_broken_words, test_lives_for_ever,
		test_a_ledger_that_expires_is_a_finding,
		test_owners_and_ledgers_have_the_same_things, test_wrong_type_is_a_finding,
		test_a_broken_index_is_the_only_finding, NULL };
	return store_suite_main("verify", tests, set_up, tear_down);
}
