/*
 * What workers and the endpoint do to runs, each while memory and the connection fail at each place in turn.
 *
 * covers: src/store/runs.c src/store/redis.c src/store/queue.c src/store/payload.c src/store/server.c
 */
#include "store/payload.h"
#include "torture/state.h"

static const struct run_name name = { "acme", "hello", "greet" };
static struct redis *redis;
static struct arena arena;
static struct error error;
static enum error_class class;
static struct lease lease;
static struct queue_entry entry;
static long live_before;

/* How far the run is before the operation. */
enum stage { NOTHING, TRIGGERED, RESERVED, CLAIMED, WAITING };

static const struct operation {
	const char *name;
	enum stage stage;
	enum error_class (*run)(void);
} * operation;

/* ---- the operations ---- */

static enum error_class do_trigger(void)
{
	struct trigger_result result;
	const struct trigger trigger = state_trigger(&name);
	return run_trigger(redis, &trigger, &arena, &result, &error);
}

static enum error_class do_read(void)
{
	struct run run;
	return run_read(redis, &name, &arena, &run, &error);
}

static enum error_class do_cancel(void)
{
	struct run run;
	bool accepted;
	return run_cancel(redis, &name, &arena, &accepted, &run, &error);
}

static enum error_class do_reserve(void)
{
	struct queue_entry found_entry;
	bool found;
	return queue_reserve(redis, "other", 1, &arena, &found, &found_entry, &error);
}

static enum error_class do_bury(void)
{
	const struct queue_entry stale = { "1-1", "", "", "", "", "held" };
	return queue_bury(redis, &stale, "a reason", &error);
}

static enum error_class do_claim(void)
{
	struct claim claim;
	bool claimed;
	if (run_claim(redis, &name, entry.id, entry.run, "tester", 60000, &arena, &claimed, &claim, &error) !=
		ERROR_NONE)
		return error.class;
	if (claimed)
		claim_release(&claim);
	return ERROR_NONE;
}

static enum error_class do_renew(void)
{
	bool cancel;
	return run_renew(redis, &lease, 60000, &cancel, &error);
}

static enum error_class write_run(struct run_write write)
{
	return run_write(redis, &lease, &write, &error);
}

static enum error_class do_progress(void)
{
	return write_run((struct run_write){ .kind = RUN_PROGRESS,
		.checkpoint = "{\"n\":1}",
		.ledger_field = "github:repository:acme/docs",
		.ledger_value = "{\"id\":\"7\"}",
		.log = "a line" });
}

static enum error_class do_wait(void)
{
	return write_run((struct run_write){ .kind = RUN_WAIT,
		.phase = "waiting",
		.delay_ms = 60000,
		.reason = "not_ready",
		.detail = "it is not there yet" });
}

static enum error_class do_retry(void)
{
	return write_run(
		(struct run_write){ .kind = RUN_RETRY, .delay_ms = 60000, .reason = "network", .detail = "cut" });
}

static enum error_class do_finish(void)
{
	return write_run((struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{\"text\":\"x\"}" });
}

static enum error_class do_release(void)
{
	return write_run((struct run_write){ .kind = RUN_RELEASE });
}

static enum error_class do_reap(void)
{
	size_t count;
	return runs_reap(redis, 60000, &count, &error);
}

static enum error_class do_merge(void)
{
	struct payload payload;
	cJSON *config = cJSON_Parse("{\"a\":{\"b\":[1,2]},\"c\":\"d\"}");
	if (config == NULL)
		return class = error_set(&error, ERROR_OUT_OF_MEMORY, "no memory for the test's own");
	const struct payload changes = { NULL, config, NULL, 0 };
	enum error_class merged = payload_merge(redis, name.app, &changes, 3600, &payload, &error);
	if (merged == ERROR_NONE)
		payload_release(&payload);
	cJSON_Delete(config);
	return merged;
}

static enum error_class do_output(void)
{
	const char *output;
	return run_output(redis, &name, &arena, &output, &error);
}

static const struct operation operations[] = {
	{ "run_trigger", NOTHING, do_trigger },
	{ "run_trigger the same", TRIGGERED, do_trigger },
	{ "run_read", CLAIMED, do_read },
	{ "run_output", CLAIMED, do_output },
	{ "run_cancel queued", TRIGGERED, do_cancel },
	{ "run_cancel claimed", CLAIMED, do_cancel },
	{ "queue_reserve", TRIGGERED, do_reserve },
	{ "queue_bury", TRIGGERED, do_bury },
	{ "run_claim", RESERVED, do_claim },
	{ "run_renew", CLAIMED, do_renew },
	{ "run_write progress", CLAIMED, do_progress },
	{ "run_write wait", CLAIMED, do_wait },
	{ "run_write retry", CLAIMED, do_retry },
	{ "run_write finish", CLAIMED, do_finish },
	{ "run_write release", CLAIMED, do_release },
	{ "runs_reap", WAITING, do_reap },
	{ "payload_merge", TRIGGERED, do_merge },
};

/* ---- around them ---- */

static void make_state(void)
{
	struct arena own;
	struct redis *kept = redis;
	state_wipe();
	arena_init(&own, 0);
	redis = observer;
	if (operation->stage >= TRIGGERED) {
		struct trigger_result result;
		const struct trigger trigger = state_trigger(&name);
		/* Something is cached to be merged with. */
		ck_assert_int_eq(do_merge(), ERROR_NONE);
		ck_assert_int_eq(run_trigger(redis, &trigger, &own, &result, &error), ERROR_NONE);
	}
	if (operation->stage >= CLAIMED)
		state_claim(&name, &own, &lease);
	if (operation->stage == WAITING) {
		ck_assert_int_eq(do_wait(), ERROR_NONE);
		/* Due at once. */
		STATE_INTEGER("ZADD", KEY_DELAYED, "1", "acme:hello:greet");
		STATE_INTEGER("HSET", "slipway:{0}:app:acme:hello:greet", "due", "1");
	}
	redis = kept;
	arena_release(&own);
}

static bool warm;

static void prepare(void)
{
	static char id[ENTRY_SIZE], run_id[RUN_ID_SIZE];
	if (warm) {
		/* Once before, so that the connection stands and the script is known. */
		redis = observer;
		make_state();
		live_before = faults.live;
		redis = state_connect(2000);
		arena_init(&arena, 0);
		(void)!operation->run();
		arena_release(&arena);
		long live_now = faults.live;
		make_state();
		live_before += faults.live - live_now;
	} else {
		make_state();
		live_before = faults.live;
		redis = state_connect(2000);
	}
	if (operation->stage == RESERVED) {
		long live_now = faults.live;
		struct arena own;
		arena_init(&own, 0);
		struct queue_entry reserved = state_reserve(&own);
		snprintf(id, sizeof(id), "%s", reserved.id);
		snprintf(run_id, sizeof(run_id), "%s", reserved.run);
		entry = (struct queue_entry){ .id = id, .run = run_id };
		arena_release(&own);
		live_before += faults.live - live_now;
	}
	arena_init(&arena, 0);
}

static void run(void)
{
	class = operation->run();
}

static bool is_ours(enum error_class failed)
{
	return failed == ERROR_STORE_UNAVAILABLE || failed == ERROR_OUTCOME_UNKNOWN || failed == ERROR_OUT_OF_MEMORY;
}

static void check(bool faulted, const char *what)
{
	if (faulted)
		ck_assert_msg(class == ERROR_NONE || is_ours(class), "%s: %s: %s", what, error_class_facts(class)->name,
			error.message);
	else
		ck_assert_msg(class == ERROR_NONE, "%s: %s", what, error.message);
	ck_assert_msg(class == ERROR_NONE || class == error.class, "%s: the error says another class", what);
	long live_now = faults.live;
	state_check(&name, what);
	live_before += faults.live - live_now;
	/* Again: it works, or has worked before, and then the lease is no longer ours. */
	bool unknown = class != ERROR_NONE;
	enum error_class again = operation->run();
	bool settles = operation->run == do_wait || operation->run == do_retry || operation->run == do_finish ||
		operation->run == do_release;
	ck_assert_msg(again == ERROR_NONE || (again == ERROR_LEASE_LOST && settles), "%s: then %s: %s (%d)", what,
		error_class_facts(again)->name, error.message, unknown);
	arena_release(&arena);
	redis_free(redis);
	redis = NULL;
	torture_check_live(live_before, what);
	state_check(&name, what);
}

static void torture_operations(void)
{
	state_begin();
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		operation = &operations[i];
		torture_all(&(struct torture){ operation->name, prepare, run, check },
			warm ? FAULT_READ_RESET : FAULT_MALLOC);
	}
	state_end();
}

START_TEST(test_store_on_a_new_connection)
{
	torture_operations();
}
END_TEST

START_TEST(test_store_on_a_kept_connection)
{
	warm = true;
	torture_operations();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_store_on_a_new_connection, test_store_on_a_kept_connection, NULL };
	torture_begin();
	int status = suite_main("torture of the store", tests, NULL, NULL);
	torture_end();
	return status;
}
