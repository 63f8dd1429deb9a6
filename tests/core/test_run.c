/*
 * When to ask again how a run stands; and the status of a run and of a deployment, which has the
 * same bytes as text and as a tree.
 *
 * covers: src/core/run.c, src/core/deployment.c
 */
#include <string.h>

#include "base/record.h"
#include "core/deployment.h"
#include "core/run.h"
#include "harness/suite.h"
#include "slipway/field.h"

#define NOW ((int64_t)1764316800000)

static struct run live_run(int64_t age_ms, int64_t due_in_ms)
{
	struct run run;
	run_init(&run, &(struct run_name){ "default", "acme", "site", "repo" });
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

/* A limit of time of an action is none of how long the queue is. */
START_TEST(test_the_age_of_a_run_counts_from_its_first_attempt)
{
	struct run run;
	run_init(&run, &(struct run_name){ "default", "acme", "site", "repo" });
	run.queued_at = 1000;
	run.now = 3601000;
	ck_assert_int_eq(run_age_ms(&run), 3600000);
	run.started_at = 3600000;
	ck_assert_int_eq(run_age_ms(&run), 1000);
	run.paused_ms = 400;
	ck_assert_int_eq(run_age_ms(&run), 600);
	run.paused_ms = 4000;
	ck_assert_int_eq(run_age_ms(&run), 0);
}
END_TEST

/* ---- statuses as text ---- */

static uint32_t seed = 1;
static uint32_t any(uint32_t below)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % below;
}

/* All members of a struct of texts and numbers, as Redis may have them after a hand was at work. */
static void fill(const struct record *record, void *data)
{
	static const char *const texts[] = { "", "running", "done", "error", "queued", "waiting",
		"executing", "a\"b\\c\n\x01", "\xc3\xa9\xff", "3f9d" };
	static const char *const jsons[] = { "", "{}", "{\"url\":\"https://x.test/\"}",
		"{ \"a\" : [1.50, \"\\u00e9\\/\"] }", "null", "[1,2",
		"{\"n\":12345678901234567890}" };
	static const int64_t numbers[] = { 0, 0, 1, 7, NOW, NOW + 777, NOW - 3600000,
		JSON_INTEGER_MAX, 999, 1000 };
	for (size_t i = 0; i < record->count; i++) {
		void *target = (char *)data + record->fields[i].offset;
		if (record->fields[i].type == FIELD_INTEGER)
			*(int64_t *)target = numbers[any(ARRAY_LEN(numbers))];
		else if (record->fields[i].type == FIELD_JSON)
			*(const char **)target = jsons[any(ARRAY_LEN(jsons))];
		else
			*(const char **)target = texts[any(ARRAY_LEN(texts))];
	}
}

static void expect_same(enum error_class class, cJSON *tree, const struct error *failure,
	enum error_class written, const struct buffer *buffer, const struct error *own)
{
	char *printed = class == ERROR_NONE ? cJSON_PrintUnformatted(tree) : NULL;
	ck_assert_int_eq(class, written);
	if (class == ERROR_NONE)
		ck_assert_str_eq(buffer_text(buffer), printed);
	else
		ck_assert_str_eq(own->message, failure->message);
	cJSON_free(printed);
	cJSON_Delete(tree);
}

START_TEST(test_a_status_has_the_same_bytes_as_text_and_as_a_tree)
{
	struct error failure, own;
	for (int i = 0; i < 20000; i++) {
		CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(100000);
		struct json_writer writer = json_writer_to(&buffer, 0);
		cJSON *tree = NULL;
		struct run run = live_run(0, 0);
		fill(&run_shown, &run);
		enum error_class class = run_status(&run, &tree, &failure);
		json_open(&writer, '{');
		enum error_class written = run_status_write(&run, &writer, &own);
		json_close(&writer, '}');
		expect_same(class, tree, &failure, written, &buffer, &own);
	}
}
END_TEST

START_TEST(test_a_deployment_has_the_same_bytes_as_text_and_as_a_tree)
{
	struct error failure, own;
	for (int i = 0; i < 20000; i++) {
		CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(100000);
		struct json_writer writer = json_writer_to(&buffer, 0);
		cJSON *tree = NULL;
		struct deployment deployment;
		deployment_init(&deployment, "acme", "site");
		fill(&deployment_shown, &deployment);
		enum error_class class = deployment_status(&deployment, &tree, &failure);
		enum error_class written = deployment_status_write(&deployment, &writer, &own);
		expect_same(class, tree, &failure, written, &buffer, &own);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_the_younger_a_run_the_sooner_it_is_asked_about,
		test_an_ended_run_is_not_asked_about,
		test_an_output_and_a_value_of_one_that_is_a_map,
		test_a_page_of_eleven_steps_stays_within_the_rate_limit_of_the_web_server,
		test_the_age_of_a_run_counts_from_its_first_attempt,
		test_a_status_has_the_same_bytes_as_text_and_as_a_tree,
		test_a_deployment_has_the_same_bytes_as_text_and_as_a_tree, NULL };
	return suite_main("run", tests, NULL, NULL);
}
