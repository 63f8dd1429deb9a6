/*
 * Everything that is asked of Redis, while memory and connections fail at each place in turn: an
 * error with a class, a state that holds together, and the next call works.
 *
 * covers: src/store/redis.c src/store/runs.c src/store/queue.c src/store/payload.c
 * covers: src/store/limits.c
 * covers: src/store/verify.c src/store/workers.c
 */
#include "torture/state.h"

#include <time.h>

#include "store/limits.h"
#include "store/payload.h"
#include "store/reaper.h"
#include "store/workers.h"

static const struct run_name name = { "default", "acme", "site", "repo" };

enum seed { SEED_NONE, SEED_QUEUED, SEED_CLAIMED, SEED_WAITING, SEED_LOST, SEED_DONE };

static const struct store_case {
	const char *name;
	enum seed seed;
	enum error_class (*call)(void);
	void (*good)(
		const char *what); /* after a call that went well; NULL: nothing more is known */
	bool once; /* where it has taken effect, it cannot be repeated: the lease is lost */
} * tried;

static bool warm; /* the connection stands and knows the scripts before the fault */
static struct redis *redis;
static struct arena arena, kept;
static struct error error;
static struct lease lease;
static struct run_write writing;
static enum error_class class_now;
static long live_before;
static int64_t version_before;

static int64_t version_now(void)
{
	struct run_keys keys;
	run_keys_make(&keys, &name);
	return state_version(&name) + STATE_INTEGER("HGET", keys.list[RUN_KEY_PAYLOAD], "version");
}

/* Only what is due by the clock of Redis can be reaped. */
static void pause_ms(long milliseconds)
{
	nanosleep(&(struct timespec){ .tv_nsec = milliseconds * 1000000L }, NULL);
}

static void seed_written(struct run_write write)
{
	struct error failed;
	state_claim(&kept, &lease);
	ck_assert_int_eq(run_write(observer, &lease, &write, &failed), ERROR_NONE);
}

static void seed(void)
{
	struct trigger_result result;
	struct claim claim;
	const struct trigger trigger = state_trigger(&name);
	state_wipe();
	if (tried->seed == SEED_NONE)
		return;
	ck_assert_int_eq(run_trigger(observer, &trigger, &kept, &result, &error), ERROR_NONE);
	if (tried->seed == SEED_CLAIMED)
		state_claim(&kept, &lease);
	if (tried->seed == SEED_WAITING)
		seed_written(
			(struct run_write){ .kind = RUN_WAIT, .phase = "waiting", .delay_ms = 1 });
	if (tried->seed == SEED_DONE)
		seed_written((struct run_write){
			.kind = RUN_FINISH, .status = "done", .output = "{\"id\":7}" });
	if (tried->seed == SEED_LOST) {
		claim = state_take(&kept, "gone", 1);
		claim_release(&claim);
	}
	if (tried->seed == SEED_WAITING || tried->seed == SEED_LOST)
		pause_ms(3);
}

static void call(void)
{
	arena_init(&arena, 0);
	class_now = tried->call();
}

static void prepare(void)
{
	arena_release(&kept);
	arena_init(&kept, 0);
	seed();
	live_before = faults.live;
	redis = state_connect();
	if (warm) {
		call();
		arena_release(&arena);
		/* What the seeds keep is no part of what is tried. */
		long live_now = faults.live;
		seed();
		live_before += faults.live - live_now;
	}
	version_before = version_now();
}

static void check(bool faulted, const char *what)
{
	enum error_class first = class_now;
	if (first != ERROR_NONE) {
		ck_assert_msg(faulted, "%s: %s", what, error.message);
		ck_assert_msg(error.class == first && error.message[0] != '\0',
			"%s: no error was set", what);
		ck_assert_msg(first == ERROR_OUT_OF_MEMORY || first == ERROR_STORE_UNAVAILABLE ||
				first == ERROR_OUTCOME_UNKNOWN,
			"%s: %s: %s", what, error_class_facts(first)->name, error.message);
		/* "nothing was changed", it says. What the reaper does is many changes. */
		if (first == ERROR_STORE_UNAVAILABLE && tried->seed != SEED_WAITING &&
			tried->seed != SEED_LOST)
			ck_assert_msg(version_now() == version_before, "%s: it was changed", what);
	} else if (tried->good != NULL) {
		tried->good(what);
	}
	arena_release(&arena);
	state_check(&name, what);
	/* The next one on the same connection. */
	call();
	bool lost = tried->once && class_now == ERROR_LEASE_LOST && version_now() > version_before;
	ck_assert_msg(class_now == ERROR_NONE || lost, "%s: then %s: %s", what,
		error_class_facts(class_now)->name, error.message);
	if (class_now == ERROR_NONE && first != ERROR_NONE && tried->good != NULL)
		tried->good(what);
	arena_release(&arena);
	state_check(&name, what);
	redis_free(redis);
	torture_check_live(live_before, what);
}

/* ---- the calls ---- */

/* Check's own assertions take memory, which may be what is refused here. */
static void expect(bool holds)
{
	if (holds)
		return;
	faults.armed = false;
	ck_abort_msg("%s: it answered something else", tried->name);
}

static struct run run_now;
static struct trigger_result trigger_now;
static bool flag;

static enum error_class call_trigger(void)
{
	const struct trigger trigger = state_trigger(&name);
	return run_trigger(redis, &trigger, &arena, &trigger_now, &error);
}

static void good_trigger(const char *what)
{
	ck_assert_msg(
		strcmp(trigger_now.run.status, tried->seed == SEED_DONE ? "done" : "running") == 0,
		"%s: %s", what, trigger_now.run.status);
	ck_assert_msg(trigger_now.run.id[0] != '\0', "%s: no run", what);
}

static enum error_class call_read(void)
{
	return run_read(redis, &name, &arena, &run_now, &error);
}

static void good_read(const char *what)
{
	ck_assert_msg(
		strcmp(run_now.input, "{\"text\":\"one\"}") == 0, "%s: %s", what, run_now.input);
}

static enum error_class call_cancel(void)
{
	enum cancel_outcome outcome;
	return run_cancel(redis, &name, NULL, &arena, &outcome, &run_now, &error);
}

static void good_cancel(const char *what)
{
	ck_assert_msg(run_now.id[0] != '\0', "%s: no run", what);
	ck_assert_msg(strcmp(run_now.status, "error") == 0 || run_now.cancel[0] != '\0', "%s: %s",
		what, run_now.status);
}

static enum error_class call_take(void)
{
	const struct take take = { .worker = "worker-1", .lease_ms = 60000, .want = 2 };
	struct taken_list list;
	enum error_class class = queue_take(redis, &take, &arena, &list, &error);
	if (class == ERROR_NONE && list.count > 0)
		expect(list.count == 1 && list.items[0].kind == TAKEN_RUN &&
			cJSON_IsObject(list.items[0].claim.ledger) &&
			strcmp(list.items[0].claim.run.phase, "executing") == 0);
	queue_taken_release(&list);
	return class;
}

static enum error_class call_renew(void)
{
	return run_renew(redis, &lease, 60000, &flag, &error);
}

static enum error_class call_look_for_cancel(void)
{
	struct renewal renewal = { .lease = lease, .lease_ms = RENEWAL_LOOK };
	enum error_class class = runs_renew(redis, &renewal, 1, &error);
	flag = renewal.state != RENEWED_HELD;
	return class;
}

static void good_not_cancelled(const char *what)
{
	ck_assert_msg(!flag, "%s: nobody cancelled it", what);
}

static enum error_class call_write(void)
{
	return run_write(redis, &lease, &writing, &error);
}

static struct step_output output_now;

static enum error_class call_output(void)
{
	return run_output(redis, &name, &arena, &output_now, &error);
}

static void good_output(const char *what)
{
	ck_assert_msg(output_now.output != NULL && strcmp(output_now.output, "{\"id\":7}") == 0,
		"%s", what);
}

static enum error_class call_reap(void)
{
	size_t count;
	return runs_reap(redis, 60000, NULL, &count, &error);
}

static void good_reap(const char *what)
{
	struct run run;
	struct error failed;
	ck_assert_int_eq(run_read(observer, &name, &arena, &run, &failed), ERROR_NONE);
	ck_assert_msg(strcmp(run.phase, "queued") == 0, "%s: %s", what, run.phase);
	ck_assert_msg(STATE_INTEGER("XLEN", KEY_DEAD) == 0, "%s: something was buried", what);
}

static enum error_class call_merge(void)
{
	struct payload result = { .version = 0 };
	cJSON *config = cJSON_Parse("{\"a\":{\"b\":[1,\"x\"]}}");
	const struct payload changes = { .config = config };
	enum error_class class = config == NULL
		? error_set(&error, ERROR_OUT_OF_MEMORY, "no memory for the test's own")
		: payload_merge(redis, &(struct app_name){ "default", "acme" }, &changes, 3600,
			  &result, &error);
	if (class == ERROR_NONE)
		expect(cJSON_IsObject(json_member(result.config, "a")) && result.version > 0);
	payload_release(&result);
	cJSON_Delete(config);
	return class;
}

static enum error_class call_wait(void)
{
	return queue_wait(redis, 5, &error);
}

static enum error_class call_sweep(void)
{
	return queue_sweep(redis, 86400, &error);
}

static const struct limit_name gate = { "github", "0123456789abcdef" };
static const struct limit_caller caller = { "r", { "default", "app" }, "worker", true };

static enum error_class call_close(void)
{
	return limit_block(redis, &gate, 60000, &error);
}

static enum error_class call_enter(void)
{
	struct limit_admission admission;
	enum error_class class = limit_admit(redis, &gate, &caller, &admission, &error);
	if (class == ERROR_NONE)
		expect(admission.wait_ms == 0 && !admission.probing);
	return class;
}

static enum error_class call_open(void)
{
	return limit_unblock(redis, &gate, &error);
}

static enum error_class call_failed(void)
{
	return limit_failed(
		redis, &gate, &caller, &(struct limit_failure){ .status = 502 }, &error);
}

static void good_failed(const char *what)
{
	struct error failed;
	struct limit_admission admission;
	ck_assert_int_eq(limit_admit(observer, &gate, &caller, &admission, &failed), ERROR_NONE);
	ck_assert_msg(admission.watched, "%s: the failure is forgotten", what);
}

static enum error_class call_answered(void)
{
	return limit_answered(redis, &gate, &caller, &error);
}

static void good_close(const char *what)
{
	struct error failed;
	struct limit_admission admission;
	ck_assert_int_eq(limit_admit(observer, &gate, &caller, &admission, &failed), ERROR_NONE);
	ck_assert_msg(admission.wait_ms > 30000, "%s: the gate is open", what);
}

static size_t found_now;

static void count_found(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	(void)key;
	(void)what;
	(void)repaired;
	found_now++;
}

static enum error_class verify(bool repair)
{
	const struct verify_options options = {
		.repair = repair, .lease_ms = 60000, .retention_seconds = 3600, .found = count_found
	};
	struct verify_counts counts;
	found_now = 0;
	enum error_class class = store_verify(redis, &options, &counts, &error);
	if (class == ERROR_NONE)
		expect(counts.keys > 0 && counts.live == 1);
	return class;
}

static enum error_class call_verify(void)
{
	enum error_class class = verify(false);
	expect(found_now == 0);
	return class;
}

static enum error_class call_repair(void)
{
	return verify(true);
}

static enum error_class call_beat(void)
{
	const struct worker_heartbeat beat = {
		.name = "worker-1", .version = "0.1.0", .executors = 4, .busy = 2
	};
	return worker_heartbeat(redis, &beat, &error);
}

static void count_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	(void)context;
	(void)age_ms;
	found_now += strcmp(beat->name, "worker-1") == 0 ? 1 : 0;
}

static void good_beat(const char *what)
{
	struct error failed;
	found_now = 0;
	ck_assert_int_eq(workers_list(observer, count_worker, NULL, &failed), ERROR_NONE);
	ck_assert_msg(found_now == 1, "%s: not on the list", what);
}

static const struct store_case cases[] = {
	{ "trigger", SEED_NONE, call_trigger, good_trigger, false },
	{ "trigger the same", SEED_QUEUED, call_trigger, good_trigger, false },
	{ "trigger what is done", SEED_DONE, call_trigger, good_trigger, false },
	{ "read", SEED_CLAIMED, call_read, good_read, false },
	{ "cancel", SEED_QUEUED, call_cancel, good_cancel, false },
	{ "cancel what executes", SEED_CLAIMED, call_cancel, good_cancel, false },
	{ "take", SEED_QUEUED, call_take, NULL, false },
	{ "renew", SEED_CLAIMED, call_renew, good_not_cancelled, false },
	{ "look for a cancel", SEED_CLAIMED, call_look_for_cancel, good_not_cancelled, false },
	{ "output", SEED_DONE, call_output, good_output, false },
	{ "reap what is due", SEED_WAITING, call_reap, good_reap, false },
	{ "reap what was lost", SEED_LOST, call_reap, good_reap, false },
	{ "payload_merge", SEED_NONE, call_merge, NULL, false },
	{ "wait", SEED_QUEUED, call_wait, NULL, false },
	{ "sweep", SEED_QUEUED, call_sweep, NULL, false },
	{ "limit_admit", SEED_NONE, call_enter, NULL, false },
	{ "limit_block", SEED_NONE, call_close, good_close, false },
	{ "limit_unblock", SEED_NONE, call_open, NULL, false },
	{ "limit_failed", SEED_NONE, call_failed, good_failed, false },
	{ "limit_answered", SEED_NONE, call_answered, NULL, false },
	{ "verify", SEED_QUEUED, call_verify, NULL, false },
	{ "verify and repair", SEED_QUEUED, call_repair, NULL, false },
	{ "worker_heartbeat", SEED_NONE, call_beat, good_beat, false },
};

static const struct run_write writes[] = {
	{ .kind = RUN_PROGRESS,
		.checkpoint = "{\"c\":1}",
		.ledger_field = "a:b:c",
		.ledger_value = "{}",
		.log = "x" },
	{ .kind = RUN_WAIT,
		.phase = "waiting",
		.delay_ms = 60000,
		.reason = "not_ready",
		.detail = "d" },
	{ .kind = RUN_RETRY, .delay_ms = 60000, .reason = "network", .detail = "d" },
	{ .kind = RUN_FINISH, .status = "done", .output = "{\"id\":7}" },
	{ .kind = RUN_RELEASE },
};

static void torture_calls(void)
{
	state_begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tried = &cases[i];
		torture_all(&(struct torture){ tried->name, prepare, call, check }, FAULT_MALLOC);
	}
	arena_release(&kept);
	state_end();
}

START_TEST(test_calls_on_a_new_connection)
{
	torture_calls();
}
END_TEST

START_TEST(test_calls_on_a_kept_connection)
{
	warm = true;
	torture_calls();
}
END_TEST

static void torture_writes(void)
{
	static const struct store_case once = { "write", SEED_CLAIMED, call_write, NULL, true };
	static const struct store_case again = { "write progress", SEED_CLAIMED, call_write, NULL,
		false };
	state_begin();
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		writing = writes[i];
		tried = writing.kind == RUN_PROGRESS ? &again : &once;
		torture_all(&(struct torture){ tried->name, prepare, call, check }, FAULT_MALLOC);
	}
	arena_release(&kept);
	state_end();
}

START_TEST(test_writes)
{
	torture_writes();
	warm = true;
	torture_writes();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_calls_on_a_new_connection,
		test_calls_on_a_kept_connection, test_writes, NULL };
	torture_begin();
	int status = suite_main("store under faults", tests, NULL, NULL);
	torture_end();
	return status;
}
