/*
 * What holds runs on the queue: pauses, and limits of runs at a time.
 *
 * covers: src/store/lanes.c src/store/scripts/holds.lua src/store/scripts/pause.lua
 * covers: src/store/scripts/lanes.lua src/store/scripts/recount.lua
 * covers: src/store/scripts/run_limits.lua src/store/scripts/sources.lua
 * covers: src/store/scripts/serve.lua
 */
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/lanes.h"
#include "store/reaper.h"
#include "store/server.h"
#include "store/shown.h"
#include "store/verify.h"
#include "store/workers.h"

#define NOTE "{\"by\":\"jane\",\"at\":\"2026-01-01\",\"reason\":\"maintenance\"}"
static struct redis *redis;
static struct arena arena;
static struct error error;
static char said[3000]; /* as much as Check prints with an assertion */
static const char *has; /* workflow:step=digest=action of each step, as workers say it */

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
	has = " site:repo==github.repository site:project==vercel.project hello:greet==note "
	      "site:other==x.y ";
	for (int i = 0; i < 50; i++)
		has = arena_format(&arena, "%ssite:s%d==github.x hello:s%d==note ", has, i, i);
}

static void tear_down(void)
{
	store_close(redis);
	arena_release(&arena);
}

static void trigger_of(const char *tenant, const char *app, const char *workflow, const char *step)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { tenant, app, workflow, step },
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 86400,
		.force = true };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
}

static void trigger(const char *app, const char *workflow, const char *step)
{
	trigger_of("default", app, workflow, step);
}

static struct taken take(const char *limits)
{
	const struct take one = {
		.worker = "w", .lease_ms = 30000, .definitions = has, .limits = limits
	};
	struct taken taken = take_as(redis, &one, &arena);
	claim_release(&taken.claim);
	return taken;
}

/* The app of the next run that is taken; "" where none is. */
static const char *next(const char *limits)
{
	const struct taken taken = take(limits);
	return taken.kind == TAKEN_RUN ? taken.name.app : "";
}

static void pause_it(const char *kind, const char *name, const char *note, bool expected)
{
	bool changed;
	ck_assert_msg(lanes_pause(redis, kind, name, note, &changed, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert(changed == expected);
}

static void note(void *context, const char *key, const char *what, bool repaired)
{
	size_t length = strlen(said);
	(void)context;
	snprintf(said + length, sizeof(said) - length, "%s: %s%s\n", key, what,
		repaired ? " (repaired)" : "");
}

static size_t faults(bool repair)
{
	struct verify_counts counts;
	const struct verify_options options = {
		.repair = repair, .lease_ms = 30000, .retention_seconds = 86400, .found = note
	};
	said[0] = '\0';
	ck_assert_int_eq(store_verify(redis, &options, &counts, &error), ERROR_NONE);
	return counts.faults;
}

/* While a worker runs: where it has not been heard of for seconds, it gives another sign. */
static struct run read_run(const char *app, const char *workflow, const char *step)
{
	const struct worker_heartbeat beat = { .name = "w-1", .version = "0", .executors = 1 };
	const struct run_name name = { "default", app, workflow, step };
	struct shown shown = { .names = &name, .count = 1 };
	int64_t beat_at;
	/* As if it had been queued for a while. */
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	if (run.ready_at > 0) {
		char key[KEY_SIZE];
		run_key_make(key, &name);
		STORE_TELL(redis, "HSET", key, "ready_at", "1");
	}
	do {
		ck_assert_int_eq(server_time(redis, &beat_at, &error), ERROR_NONE);
		ck_assert_int_eq(worker_heartbeat(redis, &beat, &error), ERROR_NONE);
		ck_assert_int_eq(shown_read(redis, &arena, &shown, &error), ERROR_NONE);
	} while (shown.runs[0].now - beat_at > WORKER_ABSENT_MS);
	return shown.runs[0];
}

/* Of each kind: nothing of it is taken, others are, and the status says why and by whom. */
START_TEST(test_what_is_paused_waits_and_says_why)
{
	static const char *const kinds[][2] = { { "workflow", "site" }, { "provider", "github" } };
	for (size_t i = 0; i < 2; i++) {
		trigger("acme", "site", "repo");
		trigger("acme", "hello", "greet");
		trigger("blog", "hello", "greet");
		pause_it(kinds[i][0], kinds[i][1], NOTE, true);
		/* Of the same app what is not paused is taken. */
		const struct taken taken = take(NULL);
		ck_assert_str_eq(taken.name.app, "acme");
		ck_assert_str_eq(taken.name.workflow, "hello");
		ck_assert_str_eq(next(NULL), "blog");
		ck_assert_str_eq(next(NULL), "");
		ck_assert_str_eq(next(NULL), "");
		const struct run run = read_run("acme", "site", "repo");
		ck_assert_str_eq(run.reason, "paused");
		ck_assert_ptr_nonnull(
			strstr(run.detail, "is paused by jane since 2026-01-01: maintenance"));
		ck_assert_msg(faults(false) == 0, "%s", said);
		pause_it(kinds[i][0], kinds[i][1], NULL, true);
		ck_assert_str_eq(next(NULL), "acme");
		pause_it(kinds[i][0], kinds[i][1], NULL, false);
		STORE_TELL(redis, "FLUSHALL");
	}
}
END_TEST

START_TEST(test_a_paused_tenant_holds_all_its_apps)
{
	struct lanes lanes;
	for (int i = 0; i < 40; i++)
		trigger(arena_format(&arena, "app%d", i), "hello", "greet");
	pause_it("tenant", "default", NOTE, true);
	ck_assert_str_eq(next(NULL), "");
	trigger("late", "hello", "greet");
	ck_assert_str_eq(next(NULL), "");
	ck_assert_msg(faults(false) == 0, "%s", said);
	ck_assert_int_eq(lanes_read(redis, &arena, &lanes, &error), ERROR_NONE);
	ck_assert_uint_eq(lanes.count, 41);
	ck_assert_int_eq(lanes.all, 41);
	ck_assert_str_eq(lanes.items[0].tenant, "default");
	ck_assert_int_eq(lanes.items[0].count, 1);
	ck_assert_int_gt(lanes.items[0].since, 0);
	ck_assert_ptr_nonnull(strstr(lanes.items[0].held_by, "paused by jane"));
	ck_assert_uint_eq(lanes.paused_count, 1);
	ck_assert_str_eq(lanes.paused[0].name, "tenant:default");
	pause_it("tenant", "default", NULL, true);
	for (int i = 0; i < 41; i++)
		ck_assert_str_ne(next(NULL), "");
	ck_assert_str_eq(next(NULL), "");
}
END_TEST

/* What was begun waits as well, its time stands still, and it says why. */
START_TEST(test_a_run_that_was_begun_is_paused_too)
{
	trigger("acme", "site", "repo");
	struct taken taken = take(NULL);
	const struct run_write release = { .kind = RUN_RELEASE };
	ck_assert_int_eq(run_write(redis, &taken.claim.lease, &release, &error), ERROR_NONE);
	pause_it("workflow", "site", NOTE, true);
	const struct run before = read_run("acme", "site", "repo");
	ck_assert_str_eq(next(NULL), "");
	struct run run = read_run("acme", "site", "repo");
	ck_assert_str_eq(run.phase, "queued");
	ck_assert_str_eq(run.reason, "paused");
	struct run hash;
	ck_assert_int_eq(run_read(redis, &run.name, &arena, &hash, &error), ERROR_NONE);
	ck_assert_int_ge(hash.run_deadline, before.run_deadline + 5000);
	ck_assert_int_ge(hash.due, before.now + 5000);
	ck_assert_msg(faults(false) == 0, "%s", said);
	pause_it("workflow", "site", NULL, true);
	STORE_TELL(redis, "HSET", KEY_APP_PREFIX "default:acme:site:repo", "due", "1");
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "0", "default:acme:site:repo");
	size_t count;
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_str_eq(next(NULL), "acme");
	ck_assert_int_eq(run_read(redis, &run.name, &arena, &hash, &error), ERROR_NONE);
	ck_assert_str_eq(hash.reason, "");
}
END_TEST

static struct run acme(void)
{
	const struct run_name name = { "default", "acme", "site", "repo" };
	struct run run;
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static void put_time(const char *field, int64_t time_ms)
{
	STORE_TELL(redis, "HSET", KEY_APP_PREFIX "default:acme:site:repo", field,
		arena_format(&arena, "%lld", (long long)time_ms));
}

/* Somebody looks at it, which has been due since then. */
static void come_back(int64_t due)
{
	size_t count;
	put_time("due", due);
	STORE_TELL(redis, "ZADD", KEY_DELAYED, "0", "default:acme:site:repo");
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
}

/* Nobody may look at it for long: no worker is there, or none has a free executor. */
START_TEST(test_the_time_of_what_is_paused_stands_until_somebody_looks)
{
	const struct run_write wait = {
		.kind = RUN_WAIT, .phase = "waiting", .reason = "not_ready", .delay_ms = 1
	};
	trigger("acme", "site", "repo");
	const struct taken taken = take(NULL);
	ck_assert_int_eq(run_write(redis, &taken.claim.lease, &wait, &error), ERROR_NONE);
	pause_it("workflow", "site", NOTE, true);
	come_back(1);
	ck_assert_str_eq(next(NULL), "");
	ck_assert_str_eq(acme().reason, "paused");

	const int64_t hour_ago = acme().now - 3600000;
	put_time("run_deadline", hour_ago + 3000);
	come_back(hour_ago);
	ck_assert_str_eq(acme().status, "running");
	ck_assert_int_ge(acme().run_deadline, hour_ago + 3603000);
	put_time("run_deadline", hour_ago + 3000);
	put_time("ready_at", hour_ago);
	pause_it("workflow", "site", NULL, true);
	ck_assert_str_eq(next(NULL), "acme");
	ck_assert_int_ge(acme().run_deadline, hour_ago + 3603000);
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* A hand has taken out since when it waits: that is not for ever. */
START_TEST(test_the_time_of_what_is_paused_is_no_other_where_nobody_knows_since_when)
{
	const struct run_write wait = {
		.kind = RUN_WAIT, .phase = "waiting", .reason = "not_ready", .delay_ms = 1
	};
	trigger("acme", "site", "repo");
	const struct taken taken = take(NULL);
	ck_assert_int_eq(run_write(redis, &taken.claim.lease, &wait, &error), ERROR_NONE);
	pause_it("workflow", "site", NOTE, true);
	come_back(1);
	ck_assert_str_eq(next(NULL), "");
	come_back(acme().now);
	const int64_t deadline = acme().run_deadline;

	STORE_TELL(redis, "HDEL", KEY_APP_PREFIX "default:acme:site:repo", "ready_at", "due");
	STORE_TELL(redis, "DEL", KEY_BEGUN);
	size_t count;
	STORE_TELL(redis, "ZADD", KEY_LIVE, "0", "default:acme:site:repo");
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(acme().run_deadline, deadline);
	ck_assert_str_eq(next(NULL), "");
	ck_assert_int_lt(acme().run_deadline, deadline + 60000);
}
END_TEST

static const struct {
	const char *limits;
	const char *expected[5]; /* the apps of what is taken, one after the other */
	const char *says;
} limits[] = {
	{ "app=1", { "a", "b", "" }, "1 runs of the app 'a' are being run" },
	{ "tenant=2", { "a", "b", "" }, "2 runs of the tenant 'default' are being run" },
	{ "tenant=1 reserve=1", { "a", "" },
		"1 runs of the tenant 'default' are being run, and no more may be: one executor is "
		"left to other tenants" },
	{ "github.repository=1", { "a", "b", "a", "a", "" },
		"1 runs of the action 'github.repository' are being run" },
	{ "vercel.project=1 app=2", { "a", "b", "a", "b", "" },
		"2 runs of the app 'a' are being run" },
};

/* Whatever way one of them ends, the next is taken at once, and the counts are right. */
START_TEST(test_no_more_are_run_than_a_limit_allows)
{
	static const struct run_write ways[] = {
		{ .kind = RUN_FINISH, .status = "done", .output = "{}" },
		{ .kind = RUN_FINISH, .status = "error", .output = "{}", .error = "{}" },
		{ .kind = RUN_WAIT, .phase = "waiting", .delay_ms = 600000, .reason = "not_ready" },
		{ .kind = RUN_RETRY, .delay_ms = 600000, .reason = "network", .detail = "d" },
	};
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct taken taken[5];
		size_t count = 0;
		STORE_TELL(redis, "FLUSHALL");
		trigger("a", "site", "repo");
		trigger("a", "hello", "greet");
		trigger("b", "site", "repo");
		trigger("b", "hello", "greet");
		trigger("a", "site", "other");
		for (; limits[i].expected[count][0] != '\0'; count++) {
			taken[count] = take(limits[i].limits);
			ck_assert_int_eq(taken[count].kind, TAKEN_RUN);
			ck_assert_str_eq(taken[count].name.app, limits[i].expected[count]);
		}
		ck_assert_str_eq(next(limits[i].limits), "");
		ck_assert_str_eq(next(limits[i].limits), "");
		ck_assert_msg(faults(false) == 0, "%s: %s", limits[i].limits, said);
		struct lanes lanes;
		ck_assert_int_eq(lanes_read(redis, &arena, &lanes, &error), ERROR_NONE);
		bool is_said = false;
		for (size_t j = 0; j < lanes.count; j++)
			is_said = is_said || strstr(lanes.items[j].held_by, limits[i].says) != NULL;
		ck_assert_msg(is_said, "%s", limits[i].limits);
		/* An end lets the next begin, without a wait. */
		ck_assert_int_eq(
			run_write(redis, &taken[0].claim.lease, &ways[i % ARRAY_LEN(ways)], &error),
			ERROR_NONE);
		ck_assert_str_ne(next(limits[i].limits), "");
		ck_assert_msg(faults(false) == 0, "%s: %s", limits[i].limits, said);
	}
}
END_TEST

static void end(const struct taken *taken)
{
	static const struct run_write done = {
		.kind = RUN_FINISH, .status = "done", .output = "{}"
	};
	ck_assert_int_eq(run_write(redis, &taken->claim.lease, &done, &error), ERROR_NONE);
}

/* One that was begun waits by itself, and would look again in a while: by then another new one has
 * what was free, each time. */
START_TEST(test_what_was_begun_goes_before_what_is_new_where_a_limit_is_free_again)
{
	static const char limit[] = "github.repository=1";
	const struct run_write release = { .kind = RUN_RELEASE };
	const struct take new_first = { .worker = "w",
		.lease_ms = 30000,
		.definitions = has,
		.limits = limit,
		.after_begun = true };
	static const char *const begun[] = { "a", "b", "c" };
	enum cancel_outcome outcome;
	struct run ended;
	for (size_t i = 0; i < ARRAY_LEN(begun); i++) {
		trigger(begun[i], "site", "repo");
		const struct taken taken = take(limit);
		ck_assert_int_eq(
			run_write(redis, &taken.claim.lease, &release, &error), ERROR_NONE);
		STORE_TELL(redis, "ZREM", KEY_BEGUN,
			arena_format(&arena, "default:%s:site:repo", begun[i]));
	}
	trigger("first", "site", "repo");
	struct taken taken = take_as(redis, &new_first, &arena);
	claim_release(&taken.claim);
	ck_assert_str_eq(taken.name.app, "first");
	for (size_t i = 0; i < ARRAY_LEN(begun); i++) {
		STORE_TELL(redis, "ZADD", KEY_BEGUN, "1",
			arena_format(&arena, "default:%s:site:repo", begun[i]));
		ck_assert_str_eq(next(limit), "");
		ck_assert_str_eq(read_run(begun[i], "site", "repo").reason, "turn");
	}
	trigger("late", "site", "repo");
	ck_assert_str_eq(next(limit), "");
	/* What is no more to be run keeps none of the others. */
	const struct run_name gone = { "default", "a", "site", "repo" };
	ck_assert_int_eq(
		run_cancel(redis, &gone, NULL, &arena, &outcome, &ended, &error), ERROR_NONE);
	end(&taken);
	taken = take(limit);
	ck_assert_str_eq(taken.name.app, "b");
	ck_assert_msg(faults(false) == 0, "%s", said);
	end(&taken);
	taken = take_as(redis, &new_first, &arena);
	claim_release(&taken.claim);
	ck_assert_str_eq(taken.name.app, "late");
	end(&taken);
	ck_assert_str_eq(next(limit), "c");
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* Who is new has no place among what was begun: there nothing would hold it. */
START_TEST(test_a_hand_puts_no_new_run_past_what_holds_it)
{
	static const char limit[] = "github.repository=1";
	size_t count;
	trigger("a", "site", "repo");
	trigger("b", "site", "repo");
	const struct taken taken = take(limit);
	ck_assert_str_eq(taken.name.app, "a");
	STORE_TELL(redis, "ZADD", KEY_BEGUN, "1", "default:b:site:repo");
	ck_assert_str_eq(next(limit), "");
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_BEGUN), 0);
	ck_assert_msg(faults(false) == 0, "%s", said);
	pause_it("tenant", "default", NOTE, true);
	STORE_TELL(redis, "ZADD", KEY_BEGUN, "1", "default:b:site:repo");
	end(&taken);
	ck_assert_str_eq(next(limit), "");
	pause_it("tenant", "default", NULL, true);
	ck_assert_str_eq(next(limit), "b");
	/* One that stands nowhere else is found by those who look for what has lost its place. */
	trigger("c", "site", "other");
	STORE_TELL(redis, "DEL", KEY_READY, KEY_READY ":default", KEY_READY ":default:c");
	STORE_TELL(redis, "ZADD", KEY_BEGUN, "1", "default:c:site:other");
	ck_assert_str_eq(next(NULL), "");
	ck_assert_int_eq(queue_sweep(redis, 86400, &error), ERROR_NONE);
	ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
	ck_assert_msg(faults(false) == 0, "%s", said);
	ck_assert_str_eq(next(NULL), "c");
}
END_TEST

/* A worker that was killed: its run counts until it is taken over, and not twice. */
START_TEST(test_a_count_outlives_no_crash)
{
	const struct take short_lease = {
		.worker = "w", .lease_ms = 1, .definitions = has, .limits = "app=1"
	};
	size_t count;
	trigger("acme", "site", "repo");
	struct taken taken = take_as(redis, &short_lease, &arena);
	claim_release(&taken.claim);
	ck_assert_int_eq(STORE_NUMBER(redis, "HLEN", KEY_RUNNING), 3);
	while (strcmp(read_run("acme", "site", "repo").phase, "queued") != 0)
		ck_assert_int_eq(runs_reap(redis, 300000, NULL, &count, &error), ERROR_NONE);
	ck_assert_int_eq(STORE_NUMBER(redis, "HLEN", KEY_RUNNING), 0);
	ck_assert_str_eq(next("app=1"), "acme");
	/* A hand deletes it while it is being run: verify finds the count, and puts it right. */
	ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "app:default:acme"), 1);
	STORE_TELL(redis, "DEL", KEY_APP_PREFIX "default:acme:site:repo");
	STORE_TELL(redis, "ZREM", KEY_LIVE, "default:acme:site:repo");
	ck_assert_uint_eq(faults(true), 3);
	ck_assert_ptr_nonnull(strstr(said, "counts 1 runs that are being run, and there are 0"));
	ck_assert_uint_eq(faults(false), 0);
	trigger("acme", "site", "repo");
	ck_assert_str_eq(next("app=1"), "acme");
}
END_TEST

/* Runs that were taken while there was no limit, as a worker counts them that has one then: once,
 * and what they count is free when they end. */
START_TEST(test_what_was_taken_without_a_limit_is_counted_when_there_is_one)
{
	static const char *const limit = "tenant=2";
	const struct recount at_once = { .repair = true, .definitions = has };
	trigger("a", "site", "repo");
	trigger("b", "site", "other");
	trigger("c", "site", "repo");
	struct taken first = take(limit);
	struct taken second = take(NULL);
	ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "tenant:default"), 1);
	/* What no run is, and what a hand has broken. */
	STORE_TELL(redis, "HSET", KEY_APP_PREFIX "odd", "lease", "1");
	STORE_TELL(redis, "ZADD", KEY_LIVE, "1", "odd");
	STORE_TELL(redis, "SET", KEY_APP_PREFIX "default:odd:site:repo", "1");
	STORE_TELL(redis, "ZADD", KEY_LIVE, "1", "default:odd:site:repo");
	STORE_TELL(redis, "HSET", KEY_RUNNING, "app:default:b", "none", "app:default:gone", "3");
	for (size_t i = 0; i < 2; i++) {
		CLEANUP_REPLY struct redisReply *wrong = NULL;
		ck_assert_int_eq(queue_recount(redis, &at_once, &wrong, &error), ERROR_NONE);
		ck_assert_uint_eq(reply_count(wrong), i == 0 ? 2 : 0);
		ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "tenant:default"), 2);
		ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "app:default:a"), 1);
		ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "app:default:b"), 1);
		ck_assert_int_eq(
			STORE_NUMBER(redis, "HGET", KEY_RUNNING, "action:github.repository"), 1);
		ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "action:x.y"), 1);
		ck_assert_int_eq(STORE_NUMBER(redis, "HLEN", KEY_RUNNING), 5);
	}
	STORE_TELL(redis, "DEL", KEY_APP_PREFIX "odd", KEY_APP_PREFIX "default:odd:site:repo");
	STORE_TELL(redis, "ZREM", KEY_LIVE, "odd", "default:odd:site:repo");
	ck_assert_str_eq(next(limit), "");
	end(&first);
	ck_assert_str_eq(next(limit), "c");
	end(&second);
	ck_assert_int_eq(STORE_NUMBER(redis, "HGET", KEY_RUNNING, "tenant:default"), 1);
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* Of all workers one looks at what is being run; whoever has a reason of his own does it too. */
START_TEST(test_counts_are_looked_at_once_in_a_while)
{
	static const struct recount recounts[] = { { .every_ms = 600000 }, { .every_ms = 600000 },
		{ .every_ms = 0 }, { .every_ms = 600000 } };
	static const size_t found[] = { 1, 0, 1, 0 };
	STORE_TELL(redis, "HSET", KEY_RUNNING, "tenant:gone", "1");
	for (size_t i = 0; i < ARRAY_LEN(recounts); i++) {
		CLEANUP_REPLY struct redisReply *wrong = NULL;
		ck_assert_int_eq(queue_recount(redis, &recounts[i], &wrong, &error), ERROR_NONE);
		ck_assert_uint_eq(reply_count(wrong), found[i]);
	}
	/* The clock of Redis was set back. */
	STORE_TELL(redis, "HSET", KEY_SWEEP, "counted", "99999999999999");
	CLEANUP_REPLY struct redisReply *wrong = NULL;
	ck_assert_int_eq(queue_recount(redis, &recounts[0], &wrong, &error), ERROR_NONE);
	ck_assert_uint_eq(reply_count(wrong), 1);
}
END_TEST

START_TEST(test_a_run_at_its_limit_says_its_place_and_the_limit)
{
	trigger("acme", "site", "repo");
	trigger("acme", "hello", "greet");
	ck_assert_str_eq(next("app=1"), "acme");
	ck_assert_str_eq(next("app=1"), "");
	const struct run run = read_run("acme", "hello", "greet");
	ck_assert_str_eq(run.reason, "turn");
	ck_assert_ptr_nonnull(strstr(run.detail,
		"1 runs of the app 'acme' are being run, and no more may be; it is next"));
}
END_TEST

static const struct run_write done = { .kind = RUN_FINISH, .status = "done", .output = "{}" };

static void finish(const struct taken *taken)
{
	ck_assert_int_eq(run_write(redis, &taken->claim.lease, &done, &error), ERROR_NONE);
}

/* How many calls it takes until one gets a run; each of the others rings for the next. */
static int calls_until(const char *limit, const char *app, int most)
{
	for (int i = 1; i <= most; i++) {
		const struct taken taken = take(limit);
		if (taken.kind == TAKEN_RUN) {
			ck_assert_str_eq(taken.name.app, app);
			return i;
		}
		ck_assert_int_gt(STORE_NUMBER(redis, "LLEN", KEY_BELL), 0);
	}
	return most + 1;
}

/* However many are held before it, in its own lane or in those of others. */
START_TEST(test_what_nothing_holds_waits_for_nothing_that_is_held)
{
	pause_it("workflow", "site", NOTE, true);
	for (int i = 0; i < 50; i++)
		trigger("acme", "site", arena_format(&arena, "s%d", i));
	trigger("acme", "hello", "greet");
	ck_assert_int_eq(calls_until(NULL, "acme", 2), 1);
	for (int i = 0; i < 1000; i++)
		trigger(arena_format(&arena, "app%d", i), "site", "repo");
	trigger("blog", "hello", "greet");
	/* Once for each 64 or so. After that they cost nothing. */
	ck_assert_int_le(calls_until(NULL, "blog", 40), 34);
	trigger("blog", "hello", "s1");
	ck_assert_int_eq(calls_until(NULL, "blog", 2), 1);
	ck_assert_str_eq(next(NULL), "");
	ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", KEY_BELL), 0);
	ck_assert_msg(faults(false) == 0, "%s", said);
	ck_assert_str_eq(read_run("app7", "site", "repo").reason, "paused");
	/* Once they may go on, each call gets one, and all are there. */
	pause_it("workflow", "site", NULL, true);
	for (int i = 0; i < 1050; i++)
		ck_assert_int_eq(take(NULL).kind, TAKEN_RUN);
	ck_assert_str_eq(next(NULL), "");
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", KEY_HELD, KEY_HOLDS), 0);
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* Those of his tenant may be many; another tenant has its turn after one call for them. */
START_TEST(test_a_tenant_waits_for_no_more_of_what_is_held_of_another_than_one_call_looks_at)
{
	pause_it("workflow", "site", NOTE, true);
	for (int i = 0; i < 300; i++)
		trigger(arena_format(&arena, "app%d", i), "site", "repo");
	for (int i = 0; i < 100; i++)
		trigger("acme", "site", arena_format(&arena, "s%d", i));
	trigger_of("one", "blog", "hello", "greet");
	ck_assert_int_eq(calls_until(NULL, "blog", 10), 2);
	trigger_of("one", "blog", "hello", "s1");
	ck_assert_int_le(calls_until(NULL, "blog", 10), 2);
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* What is let go on takes turns with what has come meanwhile; no app waits for all of another. */
START_TEST(test_what_may_go_on_takes_turns_with_the_others)
{
	static const char *const expected[] = { "acme", "blog", "shop", "acme", "shop" };
	pause_it("provider", "github", NOTE, true);
	for (int i = 0; i < 10; i++)
		trigger("acme", "site", "repo");
	trigger("acme", "site", "repo");
	trigger("blog", "site", "repo");
	ck_assert_str_eq(next(NULL), "");
	trigger("acme", "hello", "greet");
	for (int i = 0; i < 5; i++)
		trigger("shop", "hello", arena_format(&arena, "s%d", i));
	pause_it("provider", "github", NULL, true);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		ck_assert_str_eq(next(NULL), expected[i]);
}
END_TEST

/* One by one as those before them end, in the order in which they came, and nobody goes past. */
START_TEST(test_who_waits_for_a_limit_keeps_his_place)
{
	static const char *const limit = "github.repository=1";
	trigger("first", "site", "repo");
	struct taken taken = take(limit);
	for (int i = 0; i < 100; i++)
		trigger(arena_format(&arena, "app%d", i), "site", "repo");
	while (STORE_NUMBER(redis, "EXISTS", KEY_READY) != 0)
		ck_assert_int_ne(take(limit).kind, TAKEN_RUN);
	for (int i = 0; i < 100; i++) {
		ck_assert_str_eq(next(limit), "");
		/* One that comes when the limit is free, and before anybody has looked. */
		finish(&taken);
		trigger(arena_format(&arena, "late%d", i), "site", "repo");
		taken = take(limit);
		ck_assert_int_eq(taken.kind, TAKEN_RUN);
		ck_assert_str_eq(taken.name.app, arena_format(&arena, "app%d", i));
	}
	ck_assert_msg(faults(false) == 0, "%s", said);
	/* Without a limit, or with a higher one, they are all free. */
	STORE_TELL(redis, "ZADD", KEY_HELD, "XX", "0", "action:github.repository");
	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(next(NULL), arena_format(&arena, "late%d", i));
}
END_TEST

/* A run that two limits hold: it is past neither without the other, and no end is lost on it. */
START_TEST(test_a_run_that_two_limits_hold_begins_when_both_allow)
{
	static const char *const limit = "app=1 github.repository=1";
	trigger("a", "site", "repo");
	struct taken first = take(limit);
	trigger("b", "hello", "greet");
	struct taken second = take(limit);
	trigger("b", "site", "repo");
	trigger("c", "site", "repo");
	ck_assert_str_eq(next(limit), "");
	finish(&first); /* b has one that is being run, so c goes first */
	first = take(limit);
	ck_assert_str_eq(first.name.app, "c");
	ck_assert_str_eq(next(limit), "");
	finish(&second); /* the limit of the action is left */
	ck_assert_str_eq(next(limit), "");
	finish(&first);
	ck_assert_str_eq(next(limit), "b");
	/* The other way round: the action is free, and its app is not. */
	STORE_TELL(redis, "FLUSHALL");
	trigger("a", "site", "repo");
	first = take(limit);
	trigger("b", "site", "repo");
	ck_assert_str_eq(next(limit), "");
	trigger("b", "hello", "greet");
	second = take(limit);
	ck_assert_str_eq(second.name.app, "b");
	finish(&first);
	ck_assert_str_eq(next(limit), "");
	/* And one that comes behind it, and that nothing holds, is taken at once. */
	trigger("c", "site", "repo");
	first = take(limit);
	ck_assert_str_eq(first.name.app, "c");
	finish(&first);
	finish(&second);
	ck_assert_str_eq(next(limit), "b");
	ck_assert_msg(faults(false) == 0, "%s", said);
}
END_TEST

/* It ends, or is asked for anew, while something holds it. */
START_TEST(test_a_run_that_is_held_can_be_cancelled)
{
	enum cancel_outcome outcome;
	struct run run;
	const struct run_name name = { "default", "acme", "site", "repo" };
	pause_it("workflow", "site", NOTE, true);
	trigger("acme", "site", "repo");
	trigger("blog", "site", "repo");
	ck_assert_str_eq(next(NULL), "");
	ck_assert_int_eq(run_cancel(redis, &name, "", &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_msg(faults(false) == 0, "%s", said);
	struct lanes lanes;
	ck_assert_int_eq(lanes_read(redis, &arena, &lanes, &error), ERROR_NONE);
	ck_assert_uint_eq(lanes.count, 1);
	ck_assert_str_eq(lanes.items[0].app, "blog");
	ck_assert_ptr_nonnull(strstr(lanes.items[0].held_by, "is paused by jane"));
	pause_it("workflow", "site", NULL, true);
	ck_assert_str_eq(next(NULL), "blog");
	ck_assert_str_eq(next(NULL), "");
}
END_TEST

/* A hand deletes what is held, or by what it would be found: the run is queued anew. */
START_TEST(test_a_hand_loses_no_run_that_is_held)
{
	static const char *const keys[] = { KEY_HELD, KEY_ASIDE ":workflow:site",
		KEY_ASIDE ":workflow:site:default", KEY_ASIDE ":workflow:site:default:acme" };
	size_t count;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		STORE_TELL(redis, "FLUSHALL");
		pause_it("workflow", "site", NOTE, true);
		trigger("acme", "site", "repo");
		ck_assert_str_eq(next(NULL), "");
		ck_assert_int_eq(STORE_NUMBER(redis, "DEL", keys[i]), 1);
		ck_assert_uint_eq(faults(false), 1);
		ck_assert_int_eq(queue_sweep(redis, 86400, &error), ERROR_NONE);
		ck_assert_int_eq(runs_reap(redis, 30000, NULL, &count, &error), ERROR_NONE);
		ck_assert_msg(faults(false) == 0, "%s: %s", keys[i], said);
		pause_it("workflow", "site", NULL, true);
		ck_assert_str_eq(next(NULL), "acme");
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_is_paused_waits_and_says_why,
		test_a_paused_tenant_holds_all_its_apps, test_a_run_that_was_begun_is_paused_too,
		test_no_more_are_run_than_a_limit_allows,
		test_what_was_begun_goes_before_what_is_new_where_a_limit_is_free_again,
		test_a_hand_puts_no_new_run_past_what_holds_it, test_a_count_outlives_no_crash,
		test_what_was_taken_without_a_limit_is_counted_when_there_is_one,
		test_counts_are_looked_at_once_in_a_while,
		test_a_run_at_its_limit_says_its_place_and_the_limit,
		test_the_time_of_what_is_paused_stands_until_somebody_looks,
		test_the_time_of_what_is_paused_is_no_other_where_nobody_knows_since_when,
		test_what_nothing_holds_waits_for_nothing_that_is_held,
		test_a_tenant_waits_for_no_more_of_what_is_held_of_another_than_one_call_looks_at,
		test_what_may_go_on_takes_turns_with_the_others,
		test_who_waits_for_a_limit_keeps_his_place,
		test_a_run_that_two_limits_hold_begins_when_both_allow,
		test_a_run_that_is_held_can_be_cancelled, test_a_hand_loses_no_run_that_is_held,
		NULL };
	return store_suite_main("holds", tests, set_up, tear_down);
}
