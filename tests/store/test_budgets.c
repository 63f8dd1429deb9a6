/*
 * What is counted of tenants, where a hand or a clock has broken it: nothing that is made suffers
 * from a count, and it is put right.
 *
 * covers: src/store/budgets.c src/store/scripts/counts.lua src/store/scripts/budget.lua
 * covers: src/store/scripts/draw.lua src/store/scripts/recount_budgets.lua
 */
#include "store/budgets.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "slipway/field.h"
#include "store/queue.h"
#include "store/runs.h"
#include "store/server.h"
#include "store/triggers.h"
#include "store/verify.h"

#define USED "default:used"
#define RUN  KEY_APP_PREFIX "default:a:site:repo"

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

/* ---- counts that a hand has broken ---- */

static enum trigger_outcome trigger(const char *digest, const char *budgets)
{
	struct trigger_result result;
	const struct trigger one = { .name = { "default", "a", "site", "repo" },
		.input = "{}",
		.digest = digest,
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600,
		.budgets = budgets };

	ck_assert_msg(run_trigger(redis, &one, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return result.outcome;
}

static void end_run(void)
{
	const struct run_name name = { "default", "a", "site", "repo" };
	enum cancel_outcome outcome;
	struct run run;

	ck_assert_int_eq(run_cancel(redis, &name, "", &arena, &outcome, &run, &error), ERROR_NONE);
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", RUN, "status"), "error");
}

START_TEST(test_a_broken_count_costs_no_trigger_the_run_that_stands_there)
{
	static const struct {
		const char *budgets, *key, *field, *then;
	} rows[] = {
		{ "live=3", KEY_TENANT_PREFIX USED, "live", "1" },
		{ "bytes=90000", KEY_TENANT_PREFIX USED, "bytes", "1026" },
		{ "bytes=90000", KEY_TENANT_PREFIX "default:bytes", "a", "1026" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		trigger("d1", rows[i].budgets);
		end_run();
		STORE_TELL(redis, "HSET", rows[i].key, rows[i].field, "abc");
		ck_assert_int_eq(trigger("d2", rows[i].budgets), TRIGGER_NEW);
		ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", RUN, "digest"), "d2");
		ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", rows[i].key, rows[i].field),
			rows[i].then);
		end_run();
	}
}
END_TEST

START_TEST(test_a_key_of_bytes_that_is_no_hash_costs_no_trigger_its_run)
{
	trigger("d1", "bytes=90000");
	end_run();
	STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "default:bytes", "abc");
	ck_assert_int_eq(trigger("d2", "bytes=90000"), TRIGGER_NEW);
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", RUN, "digest"), "d2");
}
END_TEST

START_TEST(test_a_run_that_the_sweep_marks_as_counted_is_counted)
{
	trigger("d1", NULL);
	STORE_TELL(redis, "HSET", KEY_TENANT_PREFIX USED, "live", "abc");
	ck_assert_msg(queue_sweep(redis, 86400, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", RUN, "budgeted"), "1");
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", KEY_TENANT_PREFIX USED, "live"), "1");
}
END_TEST

START_TEST(test_a_run_that_ends_mends_a_broken_count)
{
	trigger("d1", "live=3");
	STORE_TELL(redis, "HSET", KEY_TENANT_PREFIX USED, "live", "abc");
	end_run();
	ck_assert_str_eq(STORE_TEXT(redis, &arena, "HGET", KEY_TENANT_PREFIX USED, "live"), "0");
}
END_TEST

/* ---- requests ---- */

#define MOST    INT64_C(6000)
#define EACH_MS 10

static void draw(struct budget_draw *ret_drawn)
{
	ck_assert_int_eq(budget_draw(redis, "default", MOST, 1, 0, ret_drawn, &error), ERROR_NONE);
}

/* As a clock leaves it that is put back by a day, or a hand. */
START_TEST(test_a_clock_that_went_back_locks_no_tenant_out)
{
	struct budget_draw drawn;
	int64_t now;

	ck_assert_int_eq(server_time(redis, &now, &error), ERROR_NONE);
	const char *const tomorrow = arena_format(&arena, "%lld", (long long)now + 86400000);
	const char *const says[] = { tomorrow, "1e300", "nan" };
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "default:requests", says[i]);
		draw(&drawn);
		ck_assert_int_eq(drawn.granted, 0);
		ck_assert_int_le(drawn.wait_ms, EACH_MS);
		while (drawn.granted == 0)
			draw(&drawn);
	}
}
END_TEST

/* ---- the list of tenants ---- */

#define KINDS 5

START_TEST(test_the_list_of_tenants_counts_names_and_not_keys)
{
	enum { MANY = TENANTS_LISTED_MAX / KINDS + 1 };
	static const char script[] =
		"for i = 0, tonumber(ARGV[1]) - 1 do\n"
		"	for _, kind in ipairs({ 'used', 'bytes', 'configured', 'requests', 'x' }) "
		"do\n"
		"		redis.call('SET', ('%st%05d:%s'):format(ARGV[2], i, kind), 'x')\n"
		"	end\n"
		"end\n";
	const char *const *names;
	size_t count;
	bool complete;

	STORE_TELL(redis, "EVAL", script, "0", arena_format(&arena, "%d", MANY), KEY_TENANT_PREFIX);
	ck_assert_int_eq(
		tenants_list(redis, &arena, &names, &count, &complete, &error), ERROR_NONE);
	ck_assert(complete);
	ck_assert_uint_eq(count, MANY);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(names[i], arena_format(&arena, "t%05d", (int)i));
}
END_TEST

static void note(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	text_append(said, sizeof(said), "%s: %s%s\n", key, what, repaired ? " (repaired)" : "");
}

static struct verify_counts repair(void)
{
	const struct verify_options options = {
		.repair = true, .lease_ms = 30000, .retention_seconds = 86400, .found = note
	};
	struct verify_counts counts;

	said[0] = '\0';
	ck_assert_msg(
		store_verify(redis, &options, &counts, &error) == ERROR_NONE, "%s", error.message);
	return counts;
}

START_TEST(test_a_list_of_tenants_that_is_cut_says_so)
{
	static const char script[] = "for i = 0, tonumber(ARGV[1]) - 1 do\n"
				     "	redis.call('ZADD', KEYS[1], 0, ('t%05d'):format(i))\n"
				     "end\n";
	const char *const *names;
	size_t count;
	bool complete;

	STORE_TELL(redis, "EVAL", script, "1", KEY_TENANTS,
		arena_format(&arena, "%d", (int)TENANTS_LISTED_MAX));
	STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "t00000:used", "x");
	ck_assert_int_eq(
		tenants_list(redis, &arena, &names, &count, &complete, &error), ERROR_NONE);
	ck_assert(complete);
	ck_assert_uint_eq(count, TENANTS_LISTED_MAX);

	STORE_TELL(redis, "ZADD", KEY_TENANTS, "0", "t10000");
	ck_assert_int_eq(
		tenants_list(redis, &arena, &names, &count, &complete, &error), ERROR_NONE);
	ck_assert(!complete);
	ck_assert_uint_eq(count, TENANTS_LISTED_MAX);
	ck_assert_uint_eq(repair().repaired, 0);
	ck_assert_ptr_nonnull(strstr(said, "more than 10000 tenants"));
}
END_TEST

/* ---- recounting ---- */

START_TEST(test_what_was_repaired_is_told_beside_what_was_not)
{
	STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "broken:used", "x");
	STORE_TELL(redis, "HSET", KEY_TENANT_PREFIX "wrong:used", "live", "9");
	const struct verify_counts counts = repair();
	ck_assert_uint_eq(counts.repaired, 1);
	ck_assert_ptr_nonnull(strstr(said, "counts 9, and there are 0 (repaired)\n"));
	const char *broken =
		strstr(said, "broken:used is no hash any more: delete it, then verify --repair\n");
	ck_assert_ptr_nonnull(broken);
	ck_assert_ptr_null(strstr(broken + 1, "broken:used"));
	ck_assert_str_eq(
		STORE_TEXT(redis, &arena, "HGET", KEY_TENANT_PREFIX "wrong:used", "live"), "0");
}
END_TEST

/* A trigger of the tenant is refused then, and says that this names the key. */
START_TEST(test_a_key_of_a_tenant_that_is_something_else_is_named)
{
	STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "broken:configured", "x");
	STORE_TELL(redis, "SET", KEY_TENANT_PREFIX "broken:bytes", "x");
	STORE_TELL(redis, "HSET", KEY_TENANT_PREFIX "broken:used", "bytes", "9");
	const struct verify_counts counts = repair();
	ck_assert_uint_eq(counts.faults, 2);
	ck_assert_uint_eq(counts.repaired, 0);
	ck_assert_ptr_nonnull(strstr(said, "broken:configured is no zset any more: delete it"));
	ck_assert_ptr_nonnull(strstr(said, "broken:bytes is no hash any more: delete it"));
	ck_assert_str_eq(
		STORE_TEXT(redis, &arena, "HGET", KEY_TENANT_PREFIX "broken:used", "bytes"), "9");
}
END_TEST

/* ---- refusals ---- */

START_TEST(test_a_refusal_that_no_budget_has_made_says_which_name_it_gave)
{
	const char *const words[] = { "EVAL", "return { 'fuel', 1, 1, 1, 0, 1 }", "0" };
	struct redisReply *reply;

	ck_assert_msg(
		redis_command(redis, 3, words, &reply, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_int_eq(budget_refuse(reply, &error), ERROR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(error.message, "'fuel'"));
	reply_free(reply);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_broken_count_costs_no_trigger_the_run_that_stands_there,
		test_a_key_of_bytes_that_is_no_hash_costs_no_trigger_its_run,
		test_a_run_that_the_sweep_marks_as_counted_is_counted,
		test_a_run_that_ends_mends_a_broken_count,
		test_a_clock_that_went_back_locks_no_tenant_out,
		test_the_list_of_tenants_counts_names_and_not_keys,
		test_a_list_of_tenants_that_is_cut_says_so,
		test_what_was_repaired_is_told_beside_what_was_not,
		test_a_key_of_a_tenant_that_is_something_else_is_named,
		test_a_refusal_that_no_budget_has_made_says_which_name_it_gave,
		NULL,
	};
	return store_suite_main("budgets", tests, set_up, tear_down);
}
