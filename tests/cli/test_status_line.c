/*
 * A status as a line of text: each reason for which a step waits is said with its detail.
 *
 * covers: src/cli/status_line.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/status_line.h"
#include "harness/suite.h"

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 0);
}

static void tear_down(void)
{
	arena_release(&arena);
}

/* The line of a step `repo` with these members; the caller frees it. */
static char *line_of(const char *members)
{
	char json[1024], *line = NULL;
	size_t size;
	struct error error;
	struct step_status status;
	snprintf(json, sizeof(json), "{\"actionId\":\"repo\",\"attempt\":1,%s}", members);
	cJSON *tree = cJSON_Parse(json);
	FILE *stream = open_memstream(&line, &size);

	ck_assert_ptr_nonnull(tree);
	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(step_status_decode(tree, &arena, &status, &error), ERROR_NONE);
	step_status_print(&status, -1, stream);
	fclose(stream);
	cJSON_Delete(tree);
	return line;
}

static void assert_line(const char *phase, const char *reason, const char *expected)
{
	char members[512];

	snprintf(members, sizeof(members),
		"\"status\":\"running\",\"phase\":\"%s\",\"reason\":\"%s\",\"detail\":\"so it is\"",
		phase, reason);
	char *line = line_of(members);
	ck_assert_str_eq(line, expected);
	free(line);
}

START_TEST(test_why_a_step_waits_stands_behind_its_phase)
{
	assert_line(
		"queued", "no_worker", "repo         queued     attempt 1  no_worker: so it is\n");
	assert_line("queued", "turn", "repo         queued     attempt 1  turn: so it is\n");
	assert_line("executing", "worker_silent",
		"repo         executing  attempt 1  worker_silent: so it is\n");
	assert_line("executing", "cancelling",
		"repo         executing  attempt 1  cancelling: so it is\n");
	assert_line("waiting", "provider_down",
		"repo         waiting    attempt 1  provider_down: so it is\n");
	assert_line("waiting", "rate_limited",
		"repo         waiting    attempt 1  rate_limited: so it is\n");
	assert_line("blocked", "needs", "repo         blocked    attempt 1  needs: so it is\n");
	assert_line("blocked", "need_failed",
		"repo         blocked    attempt 1  need_failed: so it is\n");
}
END_TEST

START_TEST(test_a_rate_limit_is_said_with_its_end)
{
	char *line = line_of("\"status\":\"running\",\"phase\":\"waiting\",\"reason\":"
			     "\"rate_limited\",\"detail\":\"full\",\"resumeAt\":\"12:00\"");

	ck_assert_str_eq(
		line, "repo         waiting    attempt 1  rate_limited: full, until 12:00\n");
	free(line);
}
END_TEST

START_TEST(test_what_a_person_has_to_do_stands_on_a_line_of_its_own)
{
	assert_line("blocked", "person",
		"repo         blocked    attempt 1\n             what to do: so it is\n");
}
END_TEST

START_TEST(test_without_a_reason_there_is_nothing_to_say)
{
	char *line = line_of("\"status\":\"running\",\"phase\":\"queued\",\"reason\":null");

	ck_assert_str_eq(line, "repo         queued     attempt 1\n");
	free(line);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_why_a_step_waits_stands_behind_its_phase,
		test_a_rate_limit_is_said_with_its_end,
		test_what_a_person_has_to_do_stands_on_a_line_of_its_own,
		test_without_a_reason_there_is_nothing_to_say,
		NULL,
	};
	return suite_main("status line", tests, set_up, tear_down);
}
