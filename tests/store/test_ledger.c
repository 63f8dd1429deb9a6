/*
 * What an app has at providers, in Redis: for how long it is known, and what goes with it.
 *
 * covers: src/store/owners.c src/store/scripts/owner.lua src/store/ledger.c
 * covers: src/store/scripts/retention.lua src/store/scripts/progress.lua
 * covers: src/store/scripts/configure.lua
 */
#include <string.h>

#include "base/text.h"
#include "harness/json_text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/owners.h"
#include "store/payload.h"

#define LEDGER    KEY_PREFIX "app:default:acme:ledger"
#define PAYLOAD   KEY_PREFIX "app:default:acme:payload"
#define EVENTS    KEY_PREFIX "app:default:acme:events"
#define FIELD     "github:repository:acme/docs"
#define ROW       "{\"id\":\"7\",\"created\":true}"
#define RETENTION 172800

static struct redis *redis;
static struct arena arena;
static struct error error;

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

static void trigger(const char *app, const char *workflow, const char *step, int64_t run_ms)
{
	struct trigger_result result;
	const struct trigger wanted = { .name = { "default", app, workflow, step },
		.input = "{}",
		.digest = "d",
		.force = true,
		.run_ms = run_ms,
		.attempts = 3,
		.retention_seconds = RETENTION };
	ck_assert_msg(run_trigger(redis, &wanted, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert_int_eq(result.outcome, TRIGGER_NEW);
}

/* A worker takes the one run that is queued. */
static struct claim take(void)
{
	return take_next(redis, 30000, &arena);
}

static struct claim begin(const char *workflow, const char *step)
{
	trigger("acme", workflow, step, 60000);
	return take();
}

static void write_row(const struct claim *claim, const char *field, const char *value)
{
	const struct run_write write = {
		.kind = RUN_PROGRESS, .ledger_field = field, .ledger_value = value
	};
	ck_assert_msg(
		run_write(redis, &claim->lease, &write, &error) == ERROR_NONE, "%s", error.message);
}

static void finish(const struct claim *claim)
{
	const struct run_write write = {
		.kind = RUN_FINISH, .status = "done", .output = "{\"id\":7}"
	};
	ck_assert_int_eq(run_write(redis, &claim->lease, &write, &error), ERROR_NONE);
}

static void configure(void)
{
	struct payload changes = { .config = cJSON_Parse(J("{'a':1}")) }, now;
	ck_assert_int_eq(
		payload_merge(redis, APP("acme"), &changes, RETENTION, &now, &error), ERROR_NONE);
	payload_release(&now);
	cJSON_Delete(changes.config);
}

START_TEST(test_ledger_and_payload_do_not_expire_while_there_is_a_row)
{
	configure();
	struct claim claim = begin("site", "repo");
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), 0);
	write_row(&claim, FIELD, ROW);
	finish(&claim);
	ck_assert_int_eq(STORE_NUMBER(redis, "TTL", LEDGER), -1);
	ck_assert_int_eq(STORE_NUMBER(redis, "TTL", PAYLOAD), -1);
	configure();
	ck_assert_int_eq(STORE_NUMBER(redis, "TTL", PAYLOAD), -1);
	/* The run itself is forgotten in time. */
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", KEY_PREFIX "app:default:acme:site:repo"), 0);
}
END_TEST

#define DAY 86400

START_TEST(test_what_was_configured_and_never_run_goes_after_a_day)
{
	configure();
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), 0);
	ck_assert_int_le(STORE_NUMBER(redis, "TTL", PAYLOAD), DAY);
	ck_assert_int_le(STORE_NUMBER(redis, "TTL", KEY_PREFIX "app:default:acme:events"), DAY);
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", KEY_APPS_PREFIX "default"), 0);
	/* Once something has run, it stays as long as that; also where it
	 * is configured only then. */
	struct claim claim = begin("site", "repo");
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), DAY);
	finish(&claim);
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCARD", KEY_APPS_PREFIX "default"), 1);
	STORE_TELL(redis, "DEL", PAYLOAD);
	configure();
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), DAY);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", KEY_PREFIX "app:default:acme:events"), DAY);
}
END_TEST

START_TEST(test_ordinary_retention_begins_when_the_last_row_goes)
{
	configure();
	struct claim claim = begin("site", "repo");
	write_row(&claim, FIELD, ROW);
	write_row(&claim, "vercel:project:docs", ROW);
	write_row(&claim, FIELD, NULL);
	ck_assert_int_eq(STORE_NUMBER(redis, "TTL", LEDGER), -1);
	write_row(&claim, "vercel:project:docs", NULL);
	ck_assert_int_eq(STORE_NUMBER(redis, "EXISTS", LEDGER), 0);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), RETENTION - 100);
}
END_TEST

/* As an older version left it. */
START_TEST(test_a_ledger_that_was_to_expire_is_kept_from_its_next_change_on)
{
	STORE_TELL(redis, "HSET", LEDGER, FIELD, ROW);
	STORE_TELL(redis, "EXPIRE", LEDGER, "1000");
	begin("site", "repo");
	ck_assert_int_eq(STORE_NUMBER(redis, "TTL", LEDGER), -1);
}
END_TEST

START_TEST(test_a_live_run_does_not_expire_before_its_deadline)
{
	trigger("acme", "site", "domain", INT64_C(7) * 86400 * 1000);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", KEY_PREFIX "app:default:acme:site:domain"),
		7 * 86400 + RETENTION - 100);
	configure();
	/* Another step that ends takes none of that away from what the app was told. */
	trigger("acme", "site", "repo", 60000);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), RETENTION - 100);
	struct claim domain = take(), repo = take();
	ck_assert_str_eq(domain.lease.step, "domain");
	finish(&repo);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), 7 * 86400 + RETENTION - 100);
}
END_TEST

/* As one that is configured while its run works is kept from then only. */
START_TEST(test_what_an_app_is_told_meanwhile_lasts_as_long_as_its_run)
{
	struct claim claim = begin("site", "repo");
	configure();
	STORE_TELL(redis, "EXPIRE", PAYLOAD, "1000");
	finish(&claim);
	ck_assert_int_gt(STORE_NUMBER(redis, "TTL", PAYLOAD), RETENTION - 100);
}
END_TEST

START_TEST(test_what_is_told_meanwhile_shortens_no_time_of_the_events)
{
	struct claim claim = begin("site", "repo");
	int before = (int)STORE_NUMBER(redis, "TTL", EVENTS);
	ck_assert_int_gt(before, RETENTION);
	configure();
	ck_assert_int_ge(STORE_NUMBER(redis, "TTL", EVENTS), before - 10);
	finish(&claim);
	ck_assert_int_ge(STORE_NUMBER(redis, "TTL", EVENTS), before - 10);
}
END_TEST

START_TEST(test_the_list_of_apps_keeps_who_has_something)
{
	STORE_TELL(redis, "ZADD", KEY_APPS_PREFIX "default", "1", "gone", "2", "keeper");
	STORE_TELL(redis, "HSET", KEY_PREFIX "app:default:keeper:ledger", FIELD, ROW);
	trigger("acme", "site", "repo", 60000);
	const char *const gone[] = { "ZRANK", KEY_APPS_PREFIX "default", "gone" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 3, gone, &reply, &error), ERROR_NONE);
	ck_assert_str_eq(reply_text(reply), "");
	reply_free(reply);
	ck_assert_int_eq(STORE_NUMBER(redis, "ZCOUNT", KEY_APPS_PREFIX "default", "3", "+inf"), 2);
}
END_TEST

static struct trigger_result ask(const char *workflow, const char *step, const char *need)
{
	struct trigger_result result;
	const struct trigger wanted = { .name = { "default", "acme", workflow, step },
		.input = "{}",
		.digest = "d",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = RETENTION,
		.needs = need };
	ck_assert_msg(run_trigger(redis, &wanted, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result;
}

static struct run look(const char *workflow, const char *step)
{
	struct run run;
	const struct run_name name = { "default", "acme", workflow, step };
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

/* Two workflows make, or find, the same repository. */
static void make_twice(void)
{
	struct claim one = begin("site", "repo");
	write_row(&one, FIELD, ROW);
	finish(&one);
	struct claim two = begin("fork-and-deploy", "repo");
	write_row(&two, FIELD, ROW);
	finish(&two);
}

START_TEST(test_what_was_removed_is_done_no_longer)
{
	struct step_output output;
	const struct run_name name = { "default", "acme", "site", "repo" };
	make_twice();
	struct run before = look("site", "repo");
	ck_assert_int_eq(before.removed, 0);
	ck_assert_int_eq(ask("site", "repo", NULL).outcome, TRIGGER_REUSED);
	struct claim removal = begin("teardown", "repositories");
	write_row(&removal, FIELD, NULL);
	finish(&removal);
	ck_assert_int_ne(look("site", "repo").removed, 0);
	ck_assert_int_ne(look("fork-and-deploy", "repo").removed, 0);
	ck_assert_int_gt(look("site", "repo").version, before.version);
	ck_assert_int_eq(run_output(redis, &name, &arena, &output, &error), ERROR_NONE);
	ck_assert_ptr_null(output.output);
	ck_assert_str_eq(output.status, "removed");
	struct trigger_result result = ask("site", "project", "acme:site:repo");
	ck_assert_int_eq(result.outcome, TRIGGER_NEEDS_NOT_DONE);
	ck_assert_str_eq(result.missing[0], "repo");
	ck_assert_int_eq(ask("site", "repo", NULL).outcome, TRIGGER_NEW);
	ck_assert_int_eq(look("site", "repo").removed, 0);
}
END_TEST

/* It was deleted by hand, and one of the two has made it again: the other one's result is of the
 * old one. */
START_TEST(test_what_was_replaced_is_done_no_longer)
{
	make_twice();
	struct claim again = begin("site", "repo");
	const struct run_write write = { .kind = RUN_PROGRESS,
		.ledger_field = FIELD,
		.ledger_value = "{\"id\":\"8\",\"created\":true}",
		.ledger_replaces = true };
	ck_assert_int_eq(run_write(redis, &again.lease, &write, &error), ERROR_NONE);
	finish(&again);
	ck_assert_int_eq(look("site", "repo").removed, 0);
	ck_assert_int_ne(look("fork-and-deploy", "repo").removed, 0);
}
END_TEST

START_TEST(test_only_the_run_that_made_it_is_marked)
{
	make_twice();
	/* A later run of the step has made something else. */
	struct claim other = begin("site", "repo");
	write_row(&other, "github:repository:acme/other", ROW);
	finish(&other);
	struct claim removal = begin("teardown", "repositories");
	write_row(&removal, FIELD, NULL);
	ck_assert_int_eq(look("site", "repo").removed, 0);
	ck_assert_int_ne(look("fork-and-deploy", "repo").removed, 0);
}
END_TEST

static void expect_holder(const char *app, bool shared, const char *holder)
{
	const struct owned_thing thing = { "github", "repository", "7" };
	char found[APP_MEMBER_SIZE];
	ck_assert_msg(owner_claim(redis, &thing, APP(app), shared, found, &error) == ERROR_NONE,
		"%s", error.message);
	ck_assert_str_eq(found, holder);
}

START_TEST(test_a_thing_has_one_owner)
{
	const struct owned_thing thing = { "github", "repository", "7" };
	char holder[APP_MEMBER_SIZE];
	expect_holder("acme", false, "");
	expect_holder("acme", false, "");
	/* The row is not written yet, and the claim is young. */
	expect_holder("other", false, "default:acme");
	STORE_TELL(redis, "HSET", LEDGER, FIELD, ROW);
	expect_holder("other", true, "default:acme");
	STORE_TELL(redis, "HSET", LEDGER, FIELD, "{\"id\":\"7\",\"created\":true,\"shared\":true}");
	expect_holder("other", false, "default:acme");
	expect_holder("other", true, "");
	ck_assert_int_eq(owner_release(redis, &thing, APP("other"), &error), ERROR_NONE);
	ck_assert_int_eq(owner_look(redis, &thing, holder, &error), ERROR_NONE);
	ck_assert_str_eq(holder, "default:acme");
	ck_assert_int_eq(owner_release(redis, &thing, APP("acme"), &error), ERROR_NONE);
	expect_holder("other", false, "");
}
END_TEST

START_TEST(test_what_is_given_up_goes_to_the_app_that_shares_it)
{
	const struct owned_thing thing = { "github", "repository", "7" };
	static const char shared[] = "{\"id\":\"7\",\"created\":true,\"shared\":true}";
	char holder[APP_MEMBER_SIZE];
	expect_holder("acme", true, "");
	STORE_TELL(redis, "HSET", LEDGER, FIELD, shared);
	expect_holder("other", true, "");
	expect_holder("other", true, "");
	/* It shares by what its ledger says. */
	ck_assert_int_eq(owner_sharer(redis, &thing, APP("acme"), holder, &error), ERROR_NONE);
	ck_assert_str_eq(holder, "");
	STORE_TELL(redis, "HSET", "slipway:{0}:app:default:other:ledger", FIELD, shared);
	ck_assert_int_eq(owner_sharer(redis, &thing, APP("acme"), holder, &error), ERROR_NONE);
	ck_assert_str_eq(holder, "default:other");
	ck_assert_int_eq(owner_release(redis, &thing, APP("acme"), &error), ERROR_NONE);
	expect_holder("third", false, "default:other");
	ck_assert_int_eq(owner_release(redis, &thing, APP("other"), &error), ERROR_NONE);
	expect_holder("third", false, "");
}
END_TEST

/* A worker died between the claim and the row, or between the row and the release. */
START_TEST(test_an_old_claim_without_a_row_is_taken_over)
{
	STORE_TELL(redis, "SET", "slipway:owner:github:repository:7", "default:acme 1700000000000");
	STORE_TELL(redis, "HSET", LEDGER, FIELD, ROW);
	expect_holder("other", false, "default:acme");
	STORE_TELL(redis, "DEL", LEDGER);
	expect_holder("other", false, "");
	expect_holder("acme", false, "default:other");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_ledger_and_payload_do_not_expire_while_there_is_a_row,
		test_what_was_configured_and_never_run_goes_after_a_day,
		test_ordinary_retention_begins_when_the_last_row_goes,
		test_a_ledger_that_was_to_expire_is_kept_from_its_next_change_on,
		test_a_live_run_does_not_expire_before_its_deadline,
		test_what_an_app_is_told_meanwhile_lasts_as_long_as_its_run,
		test_what_is_told_meanwhile_shortens_no_time_of_the_events,
		test_the_list_of_apps_keeps_who_has_something,
		test_what_was_removed_is_done_no_longer, test_what_was_replaced_is_done_no_longer,
		test_only_the_run_that_made_it_is_marked, test_a_thing_has_one_owner,
		test_what_is_given_up_goes_to_the_app_that_shares_it,
		test_an_old_claim_without_a_row_is_taken_over, NULL };
	return store_suite_main("ledger", tests, set_up, tear_down);
}
