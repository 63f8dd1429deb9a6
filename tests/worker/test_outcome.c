/*
 * What becomes of a run whose attempt failed.
 *
 * covers: src/worker/outcome.c src/core/run.c
 */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "harness/suite.h"
#include "worker/outcome.h"

static struct arena arena;
static struct error error, failure;
static struct run_write result;
static int64_t age_ms;            /* of the run */
static struct run_progress known; /* what else is known of it */
static int64_t outage_ms, outage_max_ms;

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&failure, 0, sizeof(failure));
	age_ms = outage_ms = outage_max_ms = 0;
	known = (struct run_progress){ .seen = "" };
}

static void teardown(void)
{
	arena_release(&arena);
}

static enum run_write_kind kind_after(enum error_class class, int64_t attempt, int64_t attempts)
{
	struct run_progress progress = known;
	progress.attempt = attempt;
	progress.attempts = attempts;
	progress.age_ms = age_ms;
	progress.left_ms = 4 * 3600000 - age_ms;
	progress.outage_ms = progress.outage_since_ms = outage_ms;
	progress.outage_max_ms = outage_max_ms;
	failure.class = class;
	ck_assert_int_eq(failure_write(&failure, &progress, &arena, &result, &error), ERROR_NONE);
	return result.kind;
}

START_TEST(test_retryable_class_uses_the_actions_attempts)
{
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 4, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 5, 5), RUN_FINISH);
	ck_assert_int_eq(kind_after(ERROR_PLAN_LIMIT, 1, 5), RUN_FINISH);
}
END_TEST

START_TEST(test_unknown_is_tried_twice_more_at_most)
{
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 1, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 2, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 3, 5), RUN_FINISH);
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 4, 5), RUN_FINISH);
	/* An action that allows fewer is not given more. */
	ck_assert_int_eq(kind_after(ERROR_INTERNAL, 1, 1), RUN_FINISH);
	/* What Redis refuses for good is as unknown. */
	ck_assert_int_eq(kind_after(ERROR_STORE_REFUSED, 2, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_STORE_REFUSED, 3, 5), RUN_FINISH);
}
END_TEST

START_TEST(test_waits_use_no_attempt)
{
	ck_assert_int_eq(kind_after(ERROR_RATE_LIMITED, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 60000);
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 5000);
	ck_assert_int_lt(result.delay_ms, 60000);
	failure.retry_after_ms = 90000;
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 5, 5), RUN_WAIT);
	ck_assert_int_ge(result.delay_ms, 90000);
}
END_TEST

/* Requests are refused with these; no run ends with them. */
START_TEST(test_a_redis_that_is_away_costs_no_attempt)
{
	static const enum error_class classes[] = { ERROR_STORE_UNAVAILABLE, ERROR_STORE_FULL,
		ERROR_OUTCOME_UNKNOWN };

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		error_set(&failure, classes[i], "Redis cannot be reached: no such file");
		ck_assert_int_eq(kind_after(classes[i], 5, 5), RUN_WAIT);
		ck_assert_str_eq(result.phase, "waiting");
		ck_assert_str_eq(result.reason, "store_unavailable");
		ck_assert_str_eq(result.detail, "Redis cannot be reached: no such file");
		ck_assert_int_ge(result.delay_ms, 2000);
		ck_assert_int_lt(result.delay_ms, 4000);
		ck_assert(!result.outage);
	}
}
END_TEST

START_TEST(test_who_waits_for_a_limit_is_told_until_when)
{
	text_copy(failure.message, sizeof(failure.message), "the limit is reached");
	failure.retry_after_ms = 90000;
	ck_assert_int_eq(kind_after(ERROR_RATE_LIMITED, 1, 5), RUN_WAIT);
	ck_assert_ptr_nonnull(strstr(result.detail, "the limit is reached; until 20"));
	ck_assert_ptr_nonnull(strstr(result.detail, " UTC"));
}
END_TEST

/* A day's limit, of a run that may last four hours. */
START_TEST(test_a_limit_that_opens_too_late_ends_the_run_at_once)
{
	failure.retry_after_ms = 82800000;
	ck_assert_int_eq(kind_after(ERROR_RATE_LIMITED, 1, 5), RUN_FINISH);
	ck_assert_str_eq(result.reason, "plan_limit");
	ck_assert_ptr_nonnull(strstr(result.error, "\"class\":\"plan_limit\""));
	ck_assert_ptr_nonnull(strstr(result.error, "Trigger the step again after 20"));
	ck_assert_int_eq(failure.class, ERROR_RATE_LIMITED);
}
END_TEST

/* What was made settles in minutes: nobody asks for it every few seconds
 * until the run's deadline. */
START_TEST(test_what_never_gets_ready_ends)
{
	age_ms = 899000;
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 1, 5), RUN_WAIT);
	age_ms = 900000;
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 1, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_NOT_READY, 5, 5), RUN_FINISH);
	ck_assert_int_eq(kind_after(ERROR_RATE_LIMITED, 5, 5), RUN_WAIT);
}
END_TEST

/* GitHub answers 502, and a run may wait for an hour. */
static void break_provider(void)
{
	outage_max_ms = 3600000;
	text_copy(failure.provider, sizeof(failure.provider), "github");
	text_copy(
		failure.message, sizeof(failure.message), "GitHub has a problem of its own (502)");
	failure.http_status = 502;
}

static void assert_waits(int64_t least_ms, int64_t most_ms)
{
	ck_assert_str_eq(result.phase, "waiting");
	ck_assert_str_eq(result.reason, "provider_down");
	ck_assert_msg(result.delay_ms >= least_ms && result.delay_ms <= most_ms, "%d ms",
		(int)result.delay_ms);
}

START_TEST(test_a_provider_that_is_down_is_waited_for)
{
	break_provider();
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 5, 5), RUN_WAIT);
	assert_waits(1500, 2500);
	ck_assert_ptr_nonnull(strstr(result.detail, "of its own (502); waiting since 20"));
	failure.http_status = 0;
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 5, 5), RUN_WAIT);
	outage_ms = 20000;
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 1, 5), RUN_WAIT);
	assert_waits(15000, 25000);
	outage_ms = 2000000;
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 1, 5), RUN_WAIT);
	assert_waits(45000, 75000);
}
END_TEST

START_TEST(test_a_provider_may_say_when_it_is_back)
{
	break_provider();
	failure.retry_after_ms = 300000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_WAIT);
	assert_waits(300000, 302000);
	/* One last look before the run gives up. */
	outage_ms = 3599000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_WAIT);
	assert_waits(1000, 1000);
}
END_TEST

START_TEST(test_an_outage_that_lasts_ends_the_run)
{
	break_provider();
	outage_ms = 3600000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_FINISH);
	ck_assert_ptr_nonnull(strstr(result.error, "\"class\":\"provider_unavailable\""));
	ck_assert_ptr_nonnull(strstr(result.error, "; waited since 20"));
	ck_assert_ptr_nonnull(strstr(result.error, "status page"));
	/* The run's own deadline comes first. */
	outage_ms = 60000;
	age_ms = 4 * 3600000 - 1000;
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 1, 5), RUN_FINISH);
	ck_assert_str_eq(result.reason, "network");
}
END_TEST

/* Nobody asked on its behalf: it knows what it met itself, and is told when to come again. */
static void refuse_call(void)
{
	break_provider();
	failure.http_status = 0;
	failure.retry_after_ms = 30000;
	text_copy(failure.message, sizeof(failure.message), "GitHub is down");
	known.was_refused = true;
	known.seen = "GitHub has a problem of its own (502)";
}

START_TEST(test_a_run_whose_last_call_is_held_back_waits_for_what_becomes_of_the_question)
{
	refuse_call();
	outage_ms = 3600000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_WAIT);
	assert_waits(30000, 32000);
	ck_assert(result.outage);
	ck_assert_ptr_null(result.outage_seen);
	outage_ms = 3600000 + 180000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_FINISH);
	ck_assert_ptr_nonnull(strstr(result.error,
		"GitHub is down; this run last saw: GitHub has a problem of its own (502); waited "
		"since 20"));
}
END_TEST

START_TEST(test_a_run_that_waits_says_what_it_saw_last)
{
	break_provider();
	known.lost_ms = 700;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_WAIT);
	ck_assert_str_eq(result.outage_seen, "GitHub has a problem of its own (502)");
	ck_assert_int_eq(result.outage_ms, 700);
	refuse_call();
	outage_ms = 20000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_WAIT);
	ck_assert_ptr_nonnull(strstr(result.detail, "last saw: GitHub has a problem of its own"));
	/* Its deadline comes first. */
	age_ms = 4 * 3600000 - 1000;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_FINISH);
	ck_assert_ptr_nonnull(strstr(result.error, "last saw: GitHub has a problem of its own"));
}
END_TEST

/* What changes something may have been done: it is not repeated for an hour. */
START_TEST(test_a_provider_whose_calls_hang_is_waited_for)
{
	break_provider();
	failure.http_status = 0;
	known.hung = true;
	ck_assert_int_eq(kind_after(ERROR_TIMEOUT, 5, 5), RUN_WAIT);
	assert_waits(1500, 2500);
	known.hung = false;
	ck_assert_int_eq(kind_after(ERROR_TIMEOUT, 4, 5), RUN_RETRY);
	ck_assert(result.outage);
	ck_assert_int_eq(kind_after(ERROR_TIMEOUT, 5, 5), RUN_FINISH);
	/* The action's own time is over: the provider has answered. */
	failure.http_status = 404;
	ck_assert_int_eq(kind_after(ERROR_TIMEOUT, 4, 5), RUN_RETRY);
	ck_assert(!result.outage);
}
END_TEST

/* Addresses that a client gave, what a provider says of one request, and all where the operator
 * wants no wait. */
START_TEST(test_what_is_no_outage_uses_attempts)
{
	break_provider();
	failure.http_status = 401;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_RETRY);
	failure.http_status = 0;
	ck_assert_int_eq(kind_after(ERROR_PROVIDER_UNAVAILABLE, 1, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_TIMEOUT, 1, 5), RUN_RETRY);
	outage_max_ms = 0;
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 1, 5), RUN_RETRY);
	break_provider();
	failure.provider[0] = '\0';
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 1, 5), RUN_RETRY);
	ck_assert_int_eq(kind_after(ERROR_NETWORK, 5, 5), RUN_FINISH);
}
END_TEST

/* All that is known of a failure stands in the status's error. */
START_TEST(test_final_error_tells_all)
{
	const cJSON *remedy;
	cJSON *json;
	error_set(&failure, ERROR_CONFLICT_FOREIGN, "acme/docs is another's");
	error_remedy(&failure, "https://github.com/acme/docs", "Choose another name.");
	text_copy(failure.remedy_input, sizeof(failure.remedy_input), "adopt");
	text_copy(failure.provider, sizeof(failure.provider), "github");
	text_copy(failure.provider_code, sizeof(failure.provider_code), "already_exists");
	text_copy(failure.request_id, sizeof(failure.request_id), "AB:1");
	failure.http_status = 422;
	ck_assert_int_eq(kind_after(ERROR_CONFLICT_FOREIGN, 1, 5), RUN_FINISH);
	ck_assert_int_eq(
		json_parse(result.error, strlen(result.error), JSON_LIMITS_WIDE, &json, &error),
		ERROR_NONE);
	ck_assert_str_eq(json_member_string(json, "class"), "conflict_foreign");
	ck_assert_str_eq(json_member_string(json, "message"), "acme/docs is another's");
	ck_assert(cJSON_IsFalse(json_member(json, "retryable")));
	ck_assert_str_eq(json_member_string(json, "provider"), "github");
	ck_assert_int_eq(json_member(json, "httpStatus")->valueint, 422);
	ck_assert_str_eq(json_member_string(json, "providerCode"), "already_exists");
	ck_assert_str_eq(json_member_string(json, "requestId"), "AB:1");
	remedy = json_member(json, "remedy");
	ck_assert_str_eq(json_member_string(remedy, "text"), "Choose another name.");
	ck_assert_str_eq(json_member_string(remedy, "url"), "https://github.com/acme/docs");
	ck_assert_str_eq(json_member_string(remedy, "inputKey"), "adopt");
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_class_has_a_remedy_where_the_error_has_none)
{
	cJSON *json;
	ck_assert_int_eq(kind_after(ERROR_NOT_FOUND, 1, 5), RUN_FINISH);
	ck_assert_int_eq(
		json_parse(result.error, strlen(result.error), JSON_LIMITS_WIDE, &json, &error),
		ERROR_NONE);
	ck_assert_str_eq(json_member_string(json_member(json, "remedy"), "text"),
		error_class_facts(ERROR_NOT_FOUND)->remedy);
	ck_assert_ptr_null(json_member(json_member(json, "remedy"), "inputKey"));
	cJSON_Delete(json);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_retryable_class_uses_the_actions_attempts,
		test_unknown_is_tried_twice_more_at_most, test_waits_use_no_attempt,
		test_a_redis_that_is_away_costs_no_attempt,
		test_who_waits_for_a_limit_is_told_until_when,
		test_a_limit_that_opens_too_late_ends_the_run_at_once,
		test_what_never_gets_ready_ends, test_a_provider_that_is_down_is_waited_for,
		test_a_provider_may_say_when_it_is_back,
		test_a_run_whose_last_call_is_held_back_waits_for_what_becomes_of_the_question,
		test_a_run_that_waits_says_what_it_saw_last,
		test_a_provider_whose_calls_hang_is_waited_for,
		test_an_outage_that_lasts_ends_the_run, test_what_is_no_outage_uses_attempts,
		test_final_error_tells_all, test_class_has_a_remedy_where_the_error_has_none,
		NULL };
	return suite_main("outcome", tests, setup, teardown);
}
