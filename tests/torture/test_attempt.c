/*
 * An attempt of the worker on a claimed run, with its references, while memory and the connection
 * fail at each place in turn; and what a key that cannot be read does to the verification of the
 * others.
 *
 * covers: src/worker/attempt.c src/worker/outcome.c src/store/verify.c
 */
#include "torture/state.h"

#include "base/clock.h"
#include "worker/attempt.h"

static const struct run_name greet = { "acme", "hello", "greet" },
			     repeat = { "acme", "hello", "repeat" };
static const struct settings settings = { .development = true, .retention_days = 1 };
static struct redis *redis;
static struct arena arena, kept;
static struct error error;
static struct claim claim;
static struct run_write write_now;
static enum error_class class_now;
static long live_before;

/* The claimed run is repeat, whose input takes what greet has made. */
static void prepare(void)
{
	struct lease lease;
	struct trigger_result result;
	struct trigger trigger = state_trigger(&greet);
	state_wipe();
	arena_init(&kept, 0);
	ck_assert_int_eq(run_trigger(observer, &trigger, &kept, &result, &error), ERROR_NONE);
	state_claim(&kept, &lease);
	const struct run_write done = {
		.kind = RUN_FINISH, .status = "done", .output = "{\"text\":\"one\",\"length\":3}"
	};
	ck_assert_int_eq(run_write(observer, &lease, &done, &error), ERROR_NONE);
	trigger.name = repeat;
	trigger.input = "{\"text\":\"again: ${step.greet.text}\"}";
	ck_assert_int_eq(run_trigger(observer, &trigger, &kept, &result, &error), ERROR_NONE);
	struct queue_entry entry = state_reserve(&kept);
	ck_assert_int_eq(run_claim(observer, &entry, &(struct claimant){ "worker-1", 60000 }, &kept,
				 &claim, &error),
		ERROR_NONE);
	ck_assert(claim.taken);
	live_before = faults.live;
	redis = state_connect(2000);
}

static void run(void)
{
	const struct attempt attempt = { .settings = &settings,
		.redis = redis,
		.step = workflow_step(workflow_find("hello"), "repeat"),
		.claim = &claim,
		.deadline_at = clock_monotonic_ms() + 3000,
		.arena = &arena };
	arena_init(&arena, 0);
	class_now = attempt_execute(&attempt, &write_now, &error);
}

/* Nothing to write, or tried again, or done with what was asked for; never the end of the run. */
static void check(bool faulted, const char *what)
{
	if (class_now != ERROR_NONE) {
		ck_assert_msg(faulted && class_now == ERROR_OUT_OF_MEMORY, "%s: %s: %s", what,
			error_class_facts(class_now)->name, error.message);
	} else if (write_now.kind == RUN_RETRY) {
		ck_assert_msg(faulted, "%s: %s", what, write_now.detail);
	} else {
		ck_assert_msg(write_now.kind == RUN_FINISH && strcmp(write_now.status, "done") == 0,
			"%s: %s: %s", what, write_now.reason, write_now.detail);
		ck_assert_str_eq(write_now.output, "{\"text\":\"again: one\",\"length\":10}");
	}
	arena_release(&arena);
	run();
	ck_assert_msg(class_now == ERROR_NONE && write_now.kind == RUN_FINISH, "%s: then %s", what,
		error.message);
	ck_assert_str_eq(write_now.output, "{\"text\":\"again: one\",\"length\":10}");
	ck_assert_int_eq(run_write(observer, &claim.lease, &write_now, &error), ERROR_NONE);
	arena_release(&arena);
	redis_free(redis);
	torture_check_live(live_before, what);
	state_check(&repeat, what);
	claim_release(&claim);
	arena_release(&kept);
}

START_TEST(test_attempt)
{
	state_begin();
	torture_all(&(struct torture){ "attempt", prepare, run, check }, FAULT_MALLOC);
	state_end();
}
END_TEST

static size_t found;

static void count_found(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	(void)key;
	(void)what;
	(void)repaired;
	found++;
}

/* A key that a hand has broken is told of, and all others are looked at. */
START_TEST(test_broken_key_hides_no_other)
{
	const struct verify_options options = {
		.lease_ms = 60000, .retention_seconds = 3600, .found = count_found
	};
	struct verify_counts counts;
	struct trigger_result result;
	char app[16];
	state_begin();
	arena_init(&arena, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(app, sizeof(app), "app-%d", i);
		const struct run_name one = { app, "hello", "greet" };
		const struct trigger trigger = state_trigger(&one);
		ck_assert_int_eq(
			run_trigger(observer, &trigger, &arena, &result, &error), ERROR_NONE);
	}
	STATE_INTEGER("SET", "slipway:{0}:app:default:bad:hello:greet", "x", "EX", "3600");
	STATE_INTEGER("SET", "slipway:{0}:app:default:worse:hello:greet", "x", "EX", "3600");
	ck_assert_msg(store_verify(observer, &options, &counts, &error) == ERROR_NONE, "%s: %s",
		error_class_facts(error.class)->name, error.message);
	ck_assert_uint_eq(found, 2);
	ck_assert_uint_eq(counts.live, 20);
	arena_release(&arena);
	state_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_attempt, test_broken_key_hides_no_other, NULL };
	torture_begin();
	int status = suite_main("attempt under faults", tests, NULL, NULL);
	torture_end();
	return status;
}
