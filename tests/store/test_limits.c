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
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
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
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
	ck_assert_int_gt(enter(&ours), 15000);
}
END_TEST

START_TEST(test_one_probes_and_opens)
{
	close_for(50);
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
	ck_assert_int_eq(limit_unblock(redis, &ours, &error), ERROR_NONE);
	close_for(300);
	ck_assert_int_le(enter(&ours), 300);
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
	ck_assert_msg(wait > day_ms - 5000 && wait <= day_ms, "%lld ms", (long long)wait);
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
	close_for(20000);
	ck_assert_int_gt(enter(&ours), 15000);
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
	call_fails("c");
	admission = admit(&ours, "d");
	ck_assert_msg(admission.down_ms > 1000 && admission.down_ms <= 2000, "%d ms",
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
	ck_assert_int_gt(down_for("one", "d"), 0);
	ck_assert_int_eq(down_for("one-more", "x"), 0);
	ck_assert(!admit_caller(&ours, &other_tenant).watched);
	/* What the other gets says nothing of what breaks it for the first. */
	is_answered_for("one-more", "x");
	ck_assert_int_gt(down_for("one", "d"), 0);
	/* Nor does it ask in its place whether the provider is back. */
	while (down_for("one", "d") > 0)
		ck_assert_int_eq(down_for("one-more", "x"), 0);
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
	ck_assert_int_gt(down_for("three", "c"), 0);
	is_answered_for("three", "c");
	ck_assert_int_eq(down_for("one", "c"), 0);

	fails_for("one", "a");
	fails_for("one", "b");
	fails_for("one", "c");
	ck_assert_int_eq(down_for("three", "c"), 0);
	fails_for("two", "a");
	ck_assert_int_gt(down_for("three", "c"), 0);
	/* The one who asks is asked for all, whoever fails meanwhile. */
	while (down_for("two", "b") > 0) {}
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
	while (down_for("one", "d") > 0) {}
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
	while (admit(&ours, "c").down_ms > 0) {}
	ck_assert_int_gt(admit(&ours, "d").down_ms, 0);
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	/* Only what the one who asks meets counts. */
	call_fails("a");
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	call_fails("c");
	int64_t wait = admit(&ours, "d").down_ms;
	ck_assert_msg(wait > 3000 && wait <= 4000, "%d ms", (int)wait);
	call_is_answered();
	ck_assert_int_eq(admit(&ours, "c").down_ms, 0);
	ck_assert_int_eq(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* Otherwise the one whose requests break the provider could keep it down for all. */
START_TEST(test_whose_question_failed_lets_another_app_ask)
{
	break_down();
	while (admit(&ours, "d").down_ms > 0)
		ck_assert_int_gt(admit(&ours, "a").down_ms, 0);
	call_fails("d");
	int64_t wait = admit(&ours, "d").down_ms, others = admit(&ours, "a").down_ms;
	ck_assert_msg(wait >= others + 3900, "%d ms and %d ms", (int)wait, (int)others);
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
	while (admit(&ours, "c").down_ms > 0) {}
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
	ck_assert_msg(wait > 50000 && wait <= 60000, "%d ms", (int)wait);
}
END_TEST

/* The limit is looked at as before, and nobody asks for the provider while it blocks. */
START_TEST(test_a_limit_goes_before_the_question_whether_the_provider_is_back)
{
	break_down();
	close_for(20000);
	ck_assert_int_gt(admit(&ours, "c").wait_ms, 0);
	while (admit(&ours, "c").down_ms > 0) {}
	ck_assert_int_gt(admit(&ours, "c").wait_ms, 0);
	ck_assert_int_eq(admit(&ours, "d").down_ms, 0);
}
END_TEST

/* A worker that waits for no outages calls a provider that is down, within its limit. */
START_TEST(test_who_does_not_wait_for_outages_keeps_to_the_limit)
{
	const struct limit_caller caller = { "c", { "default", "c" }, "worker-2", false };
	break_down();
	ck_assert_int_eq(admit_caller(&ours, &caller).down_ms, 0);
	close_for(20000);
	ck_assert_int_gt(admit_caller(&ours, &caller).wait_ms, 15000);
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

static struct limit_turn ask(const char *run, int64_t most_ms)
{
	struct limit_turn turn;
	ck_assert_msg(limit_pace(redis, &ours, &(struct limit_request){ run, 1000, most_ms }, &turn,
			      &error) == ERROR_NONE,
		"%s", error.message);
	return turn;
}

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
	char number[24];
	text_format(number, sizeof(number), "%lld", (long long)milliseconds);
	const char *const words[] = { "EVAL", script, "1", "slipway:pace:{github:0123456789abcdef}",
		number };
	struct redisReply *reply;
	ck_assert_msg(
		redis_command(redis, 5, words, &reply, &error) == ERROR_NONE, "%s", error.message);
	reply_free(reply);
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

/* Each gets a time of its own, a second after the one before, and has it when it comes back. */
START_TEST(test_changes_are_spaced_first_come_first_served)
{
	struct limit_turn turn;
	assert_granted("a");
	assert_waits("b", 500, 1000, 0);
	assert_waits("c", 1500, 2000, 1);
	assert_waits("d", 2500, 3000, 2);
	/* Asked too early, it is told the same again. */
	assert_waits("c", 1500, 2000, 1);
	/* What comes last waits behind all of them, also when the first of them is late. */
	pass(1500);
	assert_waits("e", 2500, 3000, 3);
	assert_granted("b");
	pass(1000);
	assert_granted("c");
	pass(1000);
	assert_granted("d");
	/* Another credential has a line of its own. */
	ck_assert_int_eq(
		limit_pace(redis, &other, &(struct limit_request){ "x", 1000, 0 }, &turn, &error),
		ERROR_NONE);
	ck_assert(turn.granted && turn.wait_ms == 0);
}
END_TEST

/* An action that makes three things in a row would never come to its third, if it had to begin
 * again for each. */
START_TEST(test_whose_turn_it_is_makes_a_few_changes_and_others_wait_the_longer)
{
	assert_granted("a");
	assert_waits("b", 500, 1000, 0);
	for (int i = 0; i < 4; i++)
		assert_granted("a");
	assert_waits("b", 4000, 5000, 0);
	/* The sixth stands in the line as all others do. */
	assert_waits("a", 5000, 6000, 1);
	pass(5000);
	assert_granted("b");
	assert_waits("a", 0, 1000, 0);
}
END_TEST

START_TEST(test_a_run_that_does_not_come_is_passed_over_and_loses_nothing)
{
	assert_granted("a");
	assert_waits("late", 500, 1000, 0);
	assert_waits("b", 1500, 2000, 1);
	pass(8000);
	assert_granted("b");
	assert_waits("c", 500, 1000, 0);
	/* It was there before c. */
	assert_waits("late", 0, 1000, 0);
	assert_waits("c", 1000, 2000, 1);
	pass(1000);
	assert_granted("late");
	/* After a long time nobody remembers it. */
	assert_waits("gone", 0, 3000, 1);
	pass(700000);
	assert_granted("d");
	assert_waits("gone", 0, 1000, 0);
}
END_TEST

/* Many that come at the same time after a pause do not all go at once. */
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

START_TEST(test_those_who_were_kept_away_are_spaced_as_well)
{
	assert_granted("a");
	assert_waits("b", 0, 1000, 0);
	assert_waits("c", 1000, 2000, 1);
	assert_waits("d", 2000, 3000, 2);
	pass(60000);
	assert_granted("b");
	assert_waits("c", 500, 1000, 0);
	assert_waits("d", 1500, 2000, 1);
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
		test_whose_turn_it_is_makes_a_few_changes_and_others_wait_the_longer,
		test_a_run_that_does_not_come_is_passed_over_and_loses_nothing,
		test_spacing_is_a_minute_at_most, test_those_who_were_kept_away_are_spaced_as_well,
		test_what_an_older_version_has_left_is_no_line, NULL };
	return store_suite_main("limits", tests, set_up, tear_down);
}
