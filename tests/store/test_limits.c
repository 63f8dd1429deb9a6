/*
 * The gate before a provider: closed for all, opened by one.
 *
 * covers: src/store/limits.c src/store/scripts/pace.lua src/store/scripts/gate.lua
 * covers: src/store/scripts/outage.lua
 */
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "slipway/field.h"
#include "store/limits.h"
#include "store/server.h"

static struct redis *redis;
static struct error error;
static const struct limit_name ours = { "github", "0123456789abcdef" },
			       other = { "github", "fedcba9876543210" };
static bool probing;

static void set_up(void)
{
	redis = store_open();
}

static void tear_down(void)
{
	store_close(redis);
}

/* A run of an app of the same name, on the first worker. */
static struct limit_caller app(const char *run)
{
	return (struct limit_caller){ run, { "default", run }, "worker-1", true };
}

static struct limit_admission admit_caller(
	const struct limit_name *name, const struct limit_caller *caller)
{
	struct limit_admission admission = { .wait_ms = -1 };
	ck_assert_msg(limit_admit(redis, name, caller, &admission, &error) == ERROR_NONE, "%s",
		error.message);
	return admission;
}

static struct limit_admission admit(const struct limit_name *name, const char *run)
{
	const struct limit_caller caller = app(run);
	return admit_caller(name, &caller);
}

static int64_t enter(const struct limit_name *name)
{
	struct limit_admission admission = admit(name, "run");
	ck_assert_int_eq(admission.down_ms, 0);
	probing = admission.probing;
	return admission.wait_ms;
}

static void close_for(int64_t milliseconds)
{
	ck_assert_int_eq(limit_block(redis, &ours, milliseconds, &error), ERROR_NONE);
}

static int64_t now(void)
{
	int64_t time_ms;
	ck_assert_int_eq(server_time(redis, &time_ms, &error), ERROR_NONE);
	return time_ms;
}

/* What the script returns for the key and the number. */
static int64_t evaluate(const char *script, const char *key, int64_t number)
{
	char text[24];
	text_format(text, sizeof(text), "%lld", (long long)number);
	const char *const words[] = { "EVAL", script, "1", key, text };
	struct redisReply *reply;
	ck_assert_msg(
		redis_command(redis, 5, words, &reply, &error) == ERROR_NONE, "%s", error.message);
	int64_t result = reply_integer(reply);
	reply_free(reply);
	return result;
}

/* As if the time for which the gate is closed had passed: somebody is let through. */
static void enter_at_last(void)
{
	static const char set_time[] =
		"local text = redis.call('GET', KEYS[1]):gsub('^closed %d+', 'closed ' .. ARGV[1]) "
		"redis.call('SET', KEYS[1], text, 'KEEPTTL') return 1";
	evaluate(set_time, "slipway:limit:{github:0123456789abcdef}", 1);
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert(probing);
}

START_TEST(test_open_for_all)
{
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert(!probing);
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
}
END_TEST

START_TEST(test_closed_for_this_credential_only)
{
	close_for(60000);
	int64_t wait = enter(&ours);
	ck_assert_int_gt(wait, 30000);
	ck_assert_int_le(wait, 60000);
	ck_assert_int_eq(enter(&other), 0);
	/* Nobody opens it earlier than somebody else was told. */
	close_for(1000);
	ck_assert_int_gt(enter(&ours), 30000);
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
	ck_assert_int_gt(enter(&ours), 30000);
}
END_TEST

START_TEST(test_one_probes_and_opens)
{
	close_for(60000);
	enter_at_last();
	ck_assert_int_gt(enter(&ours), 0);
	ck_assert(!probing);
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
	ck_assert_int_eq(enter(&ours), 0);
	ck_assert(!probing);
}
END_TEST

START_TEST(test_probe_that_meets_the_limit_closes_it_anew)
{
	close_for(1000);
	enter_at_last();
	close_for(60000);
	ck_assert_int_gt(enter(&ours), 30000);
}
END_TEST

/* GitHub asks for it where it does not say how long, and bans who goes on at the same pace. */
START_TEST(test_each_failed_probe_doubles_the_time)
{
	close_for(60000);
	enter_at_last();
	close_for(60000);
	int64_t wait = enter(&ours);
	ck_assert_msg(wait > 60000 && wait <= 120000, "%d ms", (int)wait);
	enter_at_last();
	/* Others that were on their way meanwhile double nothing. */
	close_for(60000);
	close_for(60000);
	wait = enter(&ours);
	ck_assert_msg(wait > 120000 && wait <= 240000, "%d ms", (int)wait);
	enter_at_last();
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
	close_for(60000);
	ck_assert_int_le(enter(&ours), 60000);
}
END_TEST

START_TEST(test_doubling_has_an_end)
{
	const char *const words[] = { "SET", "slipway:limit:{github:0123456789abcdef}",
		"closed 1 800000" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	enter_at_last();
	close_for(1000);
	int64_t wait = enter(&ours);
	ck_assert_msg(wait > 800000 && wait <= 900000, "%d ms", (int)wait);
}
END_TEST

/* An executor may name any time; the longest that a provider names is the day of its own limit. */
START_TEST(test_closed_for_a_day_at_most)
{
	const int64_t day_ms = (int64_t)24 * 60 * 60 * 1000;
	close_for(INT64_C(1) << 52);
	int64_t wait = enter(&ours);
	ck_assert_msg(wait > day_ms - 60000 && wait <= day_ms, "%lld ms", (long long)wait);
	/* What is closed is not closed for longer by whoever goes on. */
	close_for(INT64_MAX);
	wait = enter(&ours);
	ck_assert_msg(wait > 0 && wait <= day_ms, "%lld ms", (long long)wait);
}
END_TEST

START_TEST(test_what_a_hand_wrote_is_no_gate)
{
	const char *const words[] = { "SET", "slipway:limit:{github:0123456789abcdef}",
		"open sesame" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	ck_assert_int_eq(enter(&ours), 0);
	close_for(60000);
	ck_assert_int_gt(enter(&ours), 30000);
}
END_TEST

static void caller_fails(const struct limit_caller *caller, int64_t status, bool unreachable)
{
	const struct limit_failure failure = { .status = status, .unreachable = unreachable };
	ck_assert_int_eq(limit_failed(redis, &ours, caller, &failure, &error), ERROR_NONE);
}

static void call_fails(const char *run)
{
	const struct limit_caller caller = app(run);
	caller_fails(&caller, 502, false);
}

static void call_is_answered(void)
{
	const struct limit_caller caller = app("a");
	ck_assert_int_eq(limit_answered(redis, &ours, &caller, &error), ERROR_NONE);
}

#define OUTAGE         "slipway:outage:{github:0123456789abcdef}"
#define WORKERS_OUTAGE OUTAGE ":worker-1"

/* Until when it is down. */
static int64_t down_until(void)
{
	static const char script[] =
		"return tonumber(redis.call('GET', KEYS[1]):match('^down (%d+)'))";
	return evaluate(script, OUTAGE, 0);
}

/* As if it were down for so long from now, however late this test is; 0: its time is just over. */
static void keep_down(const char *key, int64_t milliseconds)
{
	static const char set_time[] =
		"local text = redis.call('GET', KEYS[1]):gsub('^down %d+', 'down ' .. ARGV[1]) "
		"redis.call('SET', KEYS[1], text, 'KEEPTTL') return 1";
	ck_assert_int_eq(evaluate(set_time, key, now() + milliseconds), 1);
}

START_TEST(test_a_provider_is_down_for_all_where_calls_of_several_apps_fail)
{
	static const struct limit_name endpoint = { "github",
		"0123456789abcdef:POST:/v13/deployments" };
	const struct limit_caller elsewhere = { "c", { "default", "c" }, "worker-2", true };
	struct limit_admission admission;
	ck_assert(!admit(&ours, "a").watched);
	call_fails("a");
	call_fails("b");
	call_fails("a");
	admission = admit(&ours, "c");
	ck_assert(admission.watched && admission.down_ms == 0);
	const int64_t began = now();
	call_fails("c");
	const int64_t until = down_until();
	ck_assert(until >= began + 2000 && until <= now() + 2000);
	keep_down(OUTAGE, 60000);
	admission = admit(&ours, "d");
	ck_assert_msg(admission.down_ms > 30000 && admission.down_ms <= 60000, "%d ms",
		(int)admission.down_ms);
	ck_assert_int_eq(admission.status, 502);
	ck_assert(!admission.worker_only);
	ck_assert_int_gt(admit_caller(&ours, &elsewhere).down_ms, 0);
	ck_assert_int_gt(admit(&endpoint, "d").down_ms, 0);
	ck_assert_int_eq(admit(&other, "d").down_ms, 0);
	ck_assert(!admit(&other, "d").watched);
}
END_TEST

/* What it asks for breaks the provider: that is no reason to keep others out. */
START_TEST(test_one_app_alone_keeps_nobody_out)
{
	for (int i = 0; i < 9; i++) {
		const struct limit_caller caller = { i % 2 ? "r1" : "r2", { "default", "poison" },
			"worker-1", true };
		caller_fails(&caller, 502, false);
	}

	ck_assert_int_eq(admit(&ours, "b").down_ms, 0);
	call_fails("b");
	call_is_answered();
	ck_assert(!admit(&ours, "b").watched);
	call_fails("poison");
	call_fails("b");
	call_fails("poison");
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
}
END_TEST

static struct limit_caller of_tenant(const char *tenant, const char *run)
{
	return (struct limit_caller){ run, { tenant, run }, "worker-1", true };
}

static int64_t down_for(const char *tenant, const char *run)
{
	const struct limit_caller caller = of_tenant(tenant, run);
	return admit_caller(&ours, &caller).down_ms;
}

static void fails_for(const char *tenant, const char *run)
{
	const struct limit_caller caller = of_tenant(tenant, run);
	caller_fails(&caller, 502, false);
}

static void is_answered_for(const char *tenant, const char *run)
{
	const struct limit_caller caller = of_tenant(tenant, run);
	ck_assert_int_eq(limit_answered(redis, &ours, &caller, &error), ERROR_NONE);
}

/* It may have three apps whose requests break the provider. */
START_TEST(test_one_tenant_alone_keeps_no_other_out)
{
	const struct limit_caller other_tenant = of_tenant("one-more", "x");
	fails_for("one", "a");
	fails_for("one", "b");
	fails_for("one", "c");
	keep_down(OUTAGE, 60000);
	ck_assert_int_gt(down_for("one", "d"), 0);
	ck_assert_int_eq(down_for("one-more", "x"), 0);
	ck_assert(!admit_caller(&ours, &other_tenant).watched);
	/* What the other gets says nothing of what breaks it for the first. */
	is_answered_for("one-more", "x");
	ck_assert_int_gt(down_for("one", "d"), 0);
	/* Nor does it ask in its place whether the provider is back. */
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(down_for("one-more", "x"), 0);
	ck_assert_int_eq(down_for("one", "d"), 0);
	ck_assert_int_gt(down_for("one", "e"), 0);
	ck_assert_int_eq(down_for("one-more", "x"), 0);
	is_answered_for("one", "d");
	ck_assert_int_eq(down_for("one", "e"), 0);
}
END_TEST

START_TEST(test_two_tenants_whose_calls_fail_keep_all_out)
{
	fails_for("one", "a");
	fails_for("two", "a");
	ck_assert_int_eq(down_for("one", "b"), 0);
	fails_for("one", "b");
	keep_down(OUTAGE, 60000);
	ck_assert_int_gt(down_for("three", "c"), 0);
	is_answered_for("three", "c");
	ck_assert_int_eq(down_for("one", "c"), 0);

	fails_for("one", "a");
	fails_for("one", "b");
	fails_for("one", "c");
	ck_assert_int_eq(down_for("three", "c"), 0);
	fails_for("two", "a");
	keep_down(OUTAGE, 60000);
	ck_assert_int_gt(down_for("three", "c"), 0);
	/* The one who asks is asked for all, whoever fails meanwhile. */
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(down_for("two", "b"), 0);
	fails_for("one", "a");
	ck_assert_int_eq(down_for("two", "b"), 0);
	ck_assert_int_gt(down_for("three", "c"), 0);
	is_answered_for("two", "b");
	ck_assert_int_eq(down_for("three", "c"), 0);
}
END_TEST

START_TEST(test_another_tenant_that_fails_leaves_the_question_to_who_puts_it)
{
	fails_for("one", "a");
	fails_for("one", "b");
	fails_for("one", "c");
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(down_for("one", "d"), 0);
	fails_for("two", "a");
	ck_assert_int_gt(down_for("two", "b"), 0);
	ck_assert_int_eq(down_for("one", "d"), 0);
	is_answered_for("one", "d");
	ck_assert_int_eq(down_for("two", "b"), 0);
}
END_TEST

static void break_down(void)
{
	call_fails("x");
	call_fails("y");
	call_fails("a");
}

START_TEST(test_one_asks_whether_the_provider_is_back)
{
	break_down();
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	ck_assert_int_gt(admit(&ours, "d").down_ms, 0);
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	/* Only what the one who asks meets counts. */
	call_fails("a");
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	const int64_t began = now();
	call_fails("c");
	const int64_t until = down_until();
	ck_assert(until >= began + 4000 && until <= now() + 4000);
	keep_down(OUTAGE, 60000);
	ck_assert_int_gt(admit(&ours, "d").down_ms, 30000);
	call_is_answered();
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	ck_assert_int_eq(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* Otherwise the one whose requests break the provider could keep it down for all. */
START_TEST(test_whose_question_failed_lets_another_app_ask)
{
	static const char set_a_minute[] =
		"local text = redis.call('GET', KEYS[1]):gsub('^(down %d+) %d+', '%1 60000') "
		"redis.call('SET', KEYS[1], text, 'KEEPTTL') return 1";
	break_down();
	evaluate(set_a_minute, OUTAGE, 0);
	keep_down(OUTAGE, 0);
	ck_assert_int_gt(admit(&ours, "a").down_ms, 0);
	ck_assert_int_eq(admit(&ours, "d").down_ms, 0);
	call_fails("d");
	int64_t wait = admit(&ours, "d").down_ms, others = admit(&ours, "a").down_ms;
	ck_assert_int_gt(others, 0);
	ck_assert_msg(wait >= others + 59000, "%d ms and %d ms", (int)wait, (int)others);
}
END_TEST

/* Its own network is broken, not the provider. */
START_TEST(test_a_worker_without_a_network_keeps_only_itself_out)
{
	static const char *const runs[] = { "a", "b", "c", "d" };
	const struct limit_caller healthy = { "e", { "default", "e" }, "worker-2", true };
	for (size_t i = 0; i < 4; i++) {
		const struct limit_caller caller = app(runs[i]);
		caller_fails(&caller, 0, true);
	}

	keep_down(WORKERS_OUTAGE, 60000);
	struct limit_admission admission = admit(&ours, "f");
	ck_assert_int_gt(admission.down_ms, 0);
	ck_assert(admission.worker_only);
	ck_assert_int_eq(admission.status, 0);
	ck_assert_int_eq(admit_caller(&ours, &healthy).down_ms, 0);
	ck_assert_int_eq(limit_answered(redis, &ours, &healthy, &error), ERROR_NONE);
	ck_assert_int_gt(admit(&ours, "f").down_ms, 0);
	/* Any response shows that it has a network. */
	call_fails("a");
	ck_assert_int_eq(admit(&ours, "f").down_ms, 0);
}
END_TEST

START_TEST(test_a_question_that_did_not_get_through_is_anothers)
{
	const struct limit_caller healthy = { "e", { "default", "e" }, "worker-2", true };
	const struct limit_caller asks = app("c");
	break_down();
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	ck_assert_int_gt(admit_caller(&ours, &healthy).down_ms, 0);
	caller_fails(&asks, 0, true);
	ck_assert_int_eq(admit_caller(&ours, &healthy).down_ms, 0);
	ck_assert_int_gt(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* But no longer than a minute at a time: it may have spoken of one endpoint only. */
START_TEST(test_a_provider_may_say_for_how_long_it_is_down)
{
	const struct limit_caller caller = app("c");
	const struct limit_failure failure = { .status = 503, .retry_ms = 120000 };
	call_fails("a");
	call_fails("b");
	ck_assert_int_eq(limit_failed(redis, &ours, &caller, &failure, &error), ERROR_NONE);
	int64_t wait = admit(&ours, "d").down_ms;
	ck_assert_msg(wait > 30000 && wait <= 60000, "%d ms", (int)wait);
}
END_TEST

/* The limit is looked at as before, and nobody asks for the provider while it blocks. */
START_TEST(test_a_limit_goes_before_the_question_whether_the_provider_is_back)
{
	break_down();
	close_for(60000);
	ck_assert_int_gt(admit(&ours, "c").wait_ms, 0);
	keep_down(OUTAGE, 0);
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	ck_assert_int_gt(admit(&ours, "c").wait_ms, 0);
	ck_assert_int_eq(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* A worker that waits for no outages calls a provider that is down, within its limit. */
START_TEST(test_who_does_not_wait_for_outages_keeps_to_the_limit)
{
	const struct limit_caller caller = { "c", { "default", "c" }, "worker-2", false };
	break_down();
	keep_down(OUTAGE, 60000);
	ck_assert_int_eq(admit_caller(&ours, &caller).down_ms, 0);
	close_for(60000);
	ck_assert_int_gt(admit_caller(&ours, &caller).wait_ms, 30000);
	ck_assert_int_gt(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* A cluster runs a script only where all its keys have one slot. */
START_TEST(test_all_keys_of_a_credential_have_its_tag)
{
	static const struct limit_name endpoint = { "github",
		"0123456789abcdef:GET:/v9/projects/{idOrName}" };
	const char *const words[] = { "KEYS", "slipway:*" };
	struct limit_turn turn;
	struct redisReply *reply;
	const struct limit_caller caller = app("a");
	break_down();
	caller_fails(&caller, 0, true);
	ck_assert_int_eq(limit_block(redis, &endpoint, 20000, &error), ERROR_NONE);
	ck_assert_int_eq(
		limit_pace(redis, &ours, &(struct limit_request){ "x", 1000, 0 }, &turn, &error),
		ERROR_NONE);

	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	ck_assert_uint_eq(reply_count(reply), 4);
	for (size_t i = 0; i < 4; i++) {
		const char *key = reply_text(reply_item(reply, i));
		const char *tag = strchr(key, '{');
		ck_assert_msg(tag != NULL && text_has_prefix(tag, "{github:0123456789abcdef}"),
			"%s", key);
	}

	reply_free(reply);
}
END_TEST

/* The most that there is: a machine that stands still meanwhile puts no number beside what is
 * expected. */
#define SPACING_MS 60000

static struct limit_turn ask(const char *run, int64_t most_ms)
{
	struct limit_turn turn;
	ck_assert_msg(limit_pace(redis, &ours, &(struct limit_request){ run, SPACING_MS, most_ms },
			      &turn, &error) == ERROR_NONE,
		"%s", error.message);
	return turn;
}

#define LINE "slipway:pace:{github:0123456789abcdef}"

/* As if so much time had gone by, for all that stands in the line. */
static void pass(int64_t milliseconds)
{
	static const char script[] =
		"for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do "
		"local text, back = redis.call('HGET', KEYS[1], name), nil "
		"if name == 'next' then text = string.format('%d', text - ARGV[1]) "
		"elseif name ~= 'last' then text = text:gsub(' (%d+) ', function(at) "
		"return string.format(' %d ', at - ARGV[1]) end) end "
		"redis.call('HSET', KEYS[1], name, text) end return 1";
	ck_assert_int_eq(evaluate(script, LINE, milliseconds), 1);
}

static void assert_granted(const char *run)
{
	struct limit_turn turn = ask(run, 200);
	ck_assert_msg(turn.granted, "%s is to wait %d ms behind %d", run, (int)turn.wait_ms,
		(int)turn.ahead);
}

static void assert_waits(const char *run, int64_t least_ms, int64_t most_ms, int64_t ahead)
{
	struct limit_turn turn = ask(run, 200);
	ck_assert_msg(!turn.granted && turn.wait_ms > least_ms && turn.wait_ms <= most_ms &&
			turn.ahead == ahead,
		"%s: granted %d, %d ms behind %d", run, turn.granted, (int)turn.wait_ms,
		(int)turn.ahead);
}

/* Whether pace.lua passes it over by now. */
static bool is_passed_over(const char *run)
{
	static const char script[] =
		"return tonumber(redis.call('HGET', KEYS[1], '%s'):match(' (%%d+) '))";
	char text[128];
	text_format(text, sizeof(text), script, run);
	return evaluate(text, LINE, 0) + 5000 < now();
}

static void line_up(void)
{
	assert_granted("a");
	assert_waits("b", 30000, 60000, 0);
	assert_waits("c", 90000, 120000, 1);
	assert_waits("d", 150000, 180000, 2);
}

/* Each gets a time of its own, a minute after the one before, and has it when it comes back. */
START_TEST(test_changes_are_spaced_first_come_first_served)
{
	struct limit_turn turn;
	line_up();
	/* Asked too early, it is told the same again. */
	assert_waits("c", 90000, 120000, 1);
	pass(60500);
	assert_granted("b");
	pass(60000);
	assert_granted("c");
	pass(60000);
	assert_granted("d");
	/* Another credential has a line of its own. */
	ck_assert_int_eq(
		limit_pace(redis, &other, &(struct limit_request){ "x", 1000, 0 }, &turn, &error),
		ERROR_NONE);
	ck_assert(turn.granted && turn.wait_ms == 0);
}
END_TEST

/* Unless it is so late that it is passed over: where the machine stood still for so long, once
 * more. */
START_TEST(test_what_comes_last_waits_behind_all_also_when_the_first_of_them_is_late)
{
	const char *const forget[] = { "DEL", LINE };
	struct limit_turn last;
	do {
		ck_assert_int_eq(redis_tell(redis, 2, forget, &error), ERROR_NONE);
		line_up();
		pass(60500);
		last = ask("e", 200);
	} while (is_passed_over("b"));
	ck_assert(!last.granted);
	ck_assert_int_eq(last.ahead, 3);
	ck_assert_msg(last.wait_ms > 150000 && last.wait_ms <= 180000, "%d ms", (int)last.wait_ms);
	assert_granted("b");
}
END_TEST

/* An action that makes three things in a row would never come to its third, if it had to begin
 * again for each. */
START_TEST(test_whose_turn_it_is_makes_a_few_changes_and_others_wait_the_longer)
{
	assert_granted("a");
	assert_waits("b", 30000, 60000, 0);
	for (int i = 0; i < 4; i++)
		assert_granted("a");
	assert_waits("b", 240000, 300000, 0);
	/* The sixth stands in the line as all others do. */
	assert_waits("a", 300000, 360000, 1);
	pass(300000);
	assert_granted("b");
	assert_waits("a", 0, 60000, 0);
}
END_TEST

START_TEST(test_a_run_that_does_not_come_is_passed_over_and_loses_nothing)
{
	assert_granted("a");
	assert_waits("late", 30000, 60000, 0);
	assert_waits("b", 90000, 120000, 1);
	pass(180000);
	assert_granted("b");
	assert_waits("c", 30000, 60000, 0);
	/* It was there before c. */
	assert_waits("late", 0, 60000, 0);
	assert_waits("c", 60000, 120000, 1);
	pass(60000);
	assert_granted("late");
	/* After a long time nobody remembers it: it is behind those who have come since. */
	assert_waits("gone", 60000, 120000, 1);
	pass(900000);
	assert_granted("d");
	assert_waits("e", 0, 60000, 0);
	assert_waits("gone", 60000, 120000, 1);
}
END_TEST

/* An executor may name any spacing; a setting allows a minute. */
START_TEST(test_spacing_is_a_minute_at_most)
{
	static const int64_t spacings[] = { INT64_C(1) << 52, INT64_MAX };
	struct limit_turn turn;
	for (size_t i = 0; i < ARRAY_LEN(spacings); i++) {
		const struct limit_request request = { "x", spacings[i], 0 };
		ck_assert_int_eq(limit_pace(redis, &ours, &request, &turn, &error), ERROR_NONE);
	}
	const struct limit_request after = { "y", 1000, 0 };
	ck_assert_int_eq(limit_pace(redis, &ours, &after, &turn, &error), ERROR_NONE);
	ck_assert(!turn.granted);
	ck_assert_msg(turn.wait_ms <= 120000 + 1000, "%lld ms", (long long)turn.wait_ms);
}
END_TEST

/* Many that come at the same time after a pause do not all go at once. */
START_TEST(test_those_who_were_kept_away_are_spaced_as_well)
{
	line_up();
	pass(300000);
	assert_granted("b");
	assert_waits("c", 30000, 60000, 0);
	assert_waits("d", 90000, 120000, 1);
}
END_TEST

START_TEST(test_what_an_older_version_has_left_is_no_line)
{
	const char *const words[] = { "SET", "slipway:pace:{github:0123456789abcdef}",
		"99999999999999" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	assert_granted("a");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_open_for_all, test_closed_for_this_credential_only,
		test_one_probes_and_opens, test_probe_that_meets_the_limit_closes_it_anew,
		test_each_failed_probe_doubles_the_time, test_doubling_has_an_end,
		test_closed_for_a_day_at_most, test_what_a_hand_wrote_is_no_gate,
		test_a_provider_is_down_for_all_where_calls_of_several_apps_fail,
		test_one_app_alone_keeps_nobody_out, test_one_tenant_alone_keeps_no_other_out,
		test_two_tenants_whose_calls_fail_keep_all_out,
		test_another_tenant_that_fails_leaves_the_question_to_who_puts_it,
		test_one_asks_whether_the_provider_is_back,
		test_whose_question_failed_lets_another_app_ask,
		test_a_worker_without_a_network_keeps_only_itself_out,
		test_a_question_that_did_not_get_through_is_anothers,
		test_a_provider_may_say_for_how_long_it_is_down,
		test_a_limit_goes_before_the_question_whether_the_provider_is_back,
		test_who_does_not_wait_for_outages_keeps_to_the_limit,
		test_all_keys_of_a_credential_have_its_tag,
		test_changes_are_spaced_first_come_first_served,
		test_what_comes_last_waits_behind_all_also_when_the_first_of_them_is_late,
		test_whose_turn_it_is_makes_a_few_changes_and_others_wait_the_longer,
		test_a_run_that_does_not_come_is_passed_over_and_loses_nothing,
		test_spacing_is_a_minute_at_most, test_those_who_were_kept_away_are_spaced_as_well,
		test_what_an_older_version_has_left_is_no_line, NULL };
	return store_suite_main("limits", tests, set_up, tear_down);
}
