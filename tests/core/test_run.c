/*
 * When to ask again how a run stands.
 *
 * covers: src/core/run.c
 */
#include <string.h>

#include "core/run.h"
#include "harness/suite.h"
#include "slipway/field.h"

#define NOW ((int64_t)1764316800000)

static struct run live_run(int64_t age_ms, int64_t due_in_ms)
{
	struct run run;
	run_init(&run, &(struct run_name){ "acme", "site", "repo" });
	run.status = "running";
	run.now = NOW;
	run.queued_at = NOW - age_ms;
	run.due = due_in_ms != 0 ? NOW + due_in_ms : 0;
	return run;
}

START_TEST(test_the_younger_a_run_the_sooner_it_is_asked_about)
{
	static const struct {
		int64_t age_ms, due_in_ms, wait_ms;
	} rows[] = {
		{ 0, 0, 50 },
		{ 100, 0, 50 },
		{ 150, 0, 75 },
		{ 1000, 0, 500 },
		{ 2000, 0, 1000 },
		{ 3600000, 0, 1000 },
		/* One whose clock somebody has set to the future. */
		{ -3600000, 0, 50 },
		/* Waiting: a little after it is due, and again when it is not. */
		{ 0, 1000, 1500 },
		{ 0, 15000, 15500 },
		{ 0, 15001, 15000 },
		{ 3600000, -1000, 1000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run run = live_run(rows[i].age_ms, rows[i].due_in_ms);
		ck_assert_msg(run_next_poll_ms(&run) == rows[i].wait_ms, "row %zu: %lld", i,
			(long long)run_next_poll_ms(&run));
	}
}
END_TEST

START_TEST(test_an_ended_run_is_not_asked_about)
{
	struct run run = live_run(0, 0);
	run.status = "done";
	ck_assert_int_eq(run_next_poll_ms(&run), 0);
	run.status = "";
	ck_assert_int_eq(run_next_poll_ms(&run), 0);
}
END_TEST

/* nginx lets an address send 50 requests a second, and 100 more in a burst. */
START_TEST(test_a_page_of_eleven_steps_stays_within_the_rate_limit_of_the_web_server)
{
	double waiting = 0, most = 0;
	for (int64_t now = 0, next = 0; now <= 5000; now++) {
		waiting = waiting > 0.05 ? waiting - 0.05 : 0;
		if (now < next)
			continue;
		struct run run = live_run(now, 0);
		waiting += 11;
		most = waiting > most ? waiting : most;
		next = now + run_next_poll_ms(&run);
	}
	ck_assert(most <= 100);
}
END_TEST

static struct reference read_reference(const char *text)
{
	struct reference reference;
	const char *start, *end;
	struct error error;
	ck_assert_int_eq(reference_find(text, &reference, &start, &end, &error), ERROR_NONE);
	return reference;
}

START_TEST(test_an_output_and_a_value_of_one_that_is_a_map)
{
	static const char output[] = "{\"status\":200,\"values\":{\"id\":\"p1\"}}";
	static const struct {
		const char *reference, *output, *value;
	} rows[] = {
		{ "${step.make.status}", output, "200" },
		{ "${step.make.values}", output, "{\"id\":\"p1\"}" },
		{ "${step.make.values.id}", output, "\"p1\"" },
		{ "${app.docs.site.make.values.id}", output, "\"p1\"" },
		{ "${step.make.values.id}", "{}", "null" },
		{ "${step.make.values.typo}", output, "'values' of the step 'make' has no 'typo'" },
		{ "${step.make.values.typo|default:x}", output, "null" },
		{ "${app.docs.site.make.values.typo}", output,
			"'values' of the step 'make' has no 'typo'" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error error = { .class = ERROR_NONE };
		const struct reference reference = read_reference(rows[i].reference);
		cJSON *value = NULL;
		enum error_class class =
			run_output_member(rows[i].output, &reference, &value, &error);
		char *text = cJSON_PrintUnformatted(value);
		ck_assert_str_eq(class == ERROR_NONE ? text : error.message, rows[i].value);
		cJSON_free(text);
		cJSON_Delete(value);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_the_younger_a_run_the_sooner_it_is_asked_about,
		test_an_ended_run_is_not_asked_about,
		test_an_output_and_a_value_of_one_that_is_a_map,
		test_a_page_of_eleven_steps_stays_within_the_rate_limit_of_the_web_server, NULL };
	return suite_main("run", tests, NULL, NULL);
}
