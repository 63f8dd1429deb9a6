/*
 * What is remembered of steps that have ended: it is shown as it was read, and a change is seen at
 * once.
 *
 * covers: src/store/shown.c src/store/ended_memory.c
 */
#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "store/ended_memory.h"
#include "store/keys.h"
#include "store/shown.h"

#define STEPS 2

static struct redis *redis;
static struct arena arena;
static struct error error;
static struct shown shown;
static const char *const steps[STEPS] = { "repo", "site" };

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

#define TELL(...) STORE_TELL(redis, __VA_ARGS__)

static const char *key_of(const char *app, const char *step)
{
	char key[KEY_SIZE];

	run_key_make(key, &(struct run_name){ "default", app, "site", step });
	return arena_string(&arena, key);
}

static void end_run(const char *app, const char *step, const char *id)
{
	TELL("HSET", key_of(app, step), "run", id, "status", "done", "version", "3", "output",
		"{\"url\":\"https://example.com\"}", "finished_at", "1700000000000");
}

static struct buffer written;

/* What a poll of the app shows, and how many commands that took beside what is asked here. */
static const char *show(const char *app)
{
	static struct run_name names[STEPS];
	shown = (struct shown){ .names = names, .count = STEPS };
	for (size_t i = 0; i < STEPS; i++)
		names[i] = (struct run_name){ "default", app, "site", steps[i] };
	ck_assert_msg(shown_read(redis, &arena, &shown, &error) == ERROR_NONE, "%s", error.message);

	buffer_init(&written, 64 << 10);
	struct json_writer writer = json_writer_to(&written, 0);
	json_open(&writer, '[');
	for (size_t i = 0; i < STEPS; i++)
		ck_assert_int_eq(run_status_object(&shown.runs[i], &writer, &error), ERROR_NONE);
	json_close(&writer, ']');
	ck_assert(writer.complete);
	const char *text = arena_copy(&arena, written.bytes, written.length);
	buffer_release(&written);
	return text;
}

static bool shows(const char *app, const char *text)
{
	return strstr(show(app), text) != NULL;
}

START_TEST(test_what_has_ended_is_shown_in_the_same_bytes_again)
{
	end_run("same", "repo", "r1");
	const char *first = show("same");
	char tag[RUN_TAG_SIZE], again[RUN_TAG_SIZE];

	ck_assert_ptr_nonnull(strstr(first, "\"output\":{\"url\":\"https://example.com\"}"));
	shown_tag(&shown, tag);
	ck_assert_str_eq(show("same"), first);
	shown_tag(&shown, again);
	ck_assert_str_eq(again, tag);
	ck_assert_str_eq(shown.runs[0].id, "r1");
	ck_assert_str_eq(shown.runs[0].name.step, "repo");
	ck_assert_int_eq(shown.runs[0].version, 3);
	ck_assert_str_eq(shown.runs[1].id, "");
}
END_TEST

START_TEST(test_only_its_marks_are_asked_for)
{
	end_run("marks", "repo", "r1");
	show("marks");
	TELL("HSET", key_of("marks", "repo"), "output", "{\"url\":\"by hand\"}");
	ck_assert(!shows("marks", "by hand"));
	for (size_t i = 0; i < ENDED_MARKS; i++) {
		const char *value =
			strcmp(ended_marks[i], "status") == 0 ? "error" : "1700000000001";
		TELL("HSET", key_of("marks", "repo"), ended_marks[i], value, "output",
			arena_format(&arena, "{\"url\":\"change %zu\"}", i));
		ck_assert(shows("marks", arena_format(&arena, "change %zu", i)));
		ck_assert(shows("marks", arena_format(&arena, "change %zu", i)));
	}
}
END_TEST

START_TEST(test_a_step_that_begins_and_one_that_is_gone_are_seen)
{
	ck_assert(shows("begins", "\"actionId\":\"repo\",\"runId\":null"));
	ck_assert(shows("begins", "\"actionId\":\"site\",\"runId\":null"));
	TELL("HSET", key_of("begins", "site"), "run", "r2", "status", "running", "phase", "queued");
	ck_assert(shows("begins", "\"runId\":\"r2\",\"status\":\"running\",\"phase\":\"queued\""));
	TELL("HSET", key_of("begins", "site"), "phase", "waiting");
	ck_assert(shows("begins", "\"phase\":\"waiting\""));
	TELL("DEL", key_of("begins", "site"));
	end_run("begins", "site", "r2");
	ck_assert(shows("begins", "\"runId\":\"r2\",\"status\":\"done\""));
	TELL("DEL", key_of("begins", "site"));
	ck_assert(shows("begins", "\"actionId\":\"site\",\"runId\":null"));
}
END_TEST

START_TEST(test_what_a_hand_has_made_of_a_step_is_read_each_time)
{
	TELL("HSET", key_of("hand", "repo"), "output", "{\"a\":1}");
	ck_assert(shows("hand", "\"output\":{\"a\":1}"));
	TELL("HSET", key_of("hand", "repo"), "output", "{\"a\":2}");
	ck_assert(shows("hand", "\"output\":{\"a\":2}"));
	TELL("HSET", key_of("hand", "repo"), "run", "r1", "status", "odd");
	ck_assert(shows("hand", "\"status\":\"odd\""));
	TELL("HSET", key_of("hand", "repo"), "output", "{\"a\":3}");
	ck_assert(shows("hand", "\"output\":{\"a\":3}"));
}
END_TEST

/* More than there are places; each is shown as it is, whether it is still remembered or not. */
START_TEST(test_many_apps_are_not_mixed_up)
{
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 400; i++) {
			const char *app = arena_format(&arena, "many%d", i);
			const char *id = arena_format(&arena, "run-%d", i);
			if (round == 0)
				end_run(app, "repo", id);
			show(app);
			ck_assert_str_eq(shown.runs[0].id, id);
			ck_assert_str_eq(shown.runs[0].name.app, app);
		}
}
END_TEST

START_TEST(test_a_large_output_is_not_remembered)
{
	char large[8 << 10];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	end_run("large", "repo", "r1");
	TELL("HSET", key_of("large", "repo"), "output",
		arena_format(&arena, "{\"text\":\"%s\"}", large));
	ck_assert(shows("large", large));
	ck_assert_ptr_null(shown.runs[0].made);
	ck_assert(shows("large", large));
}
END_TEST

START_TEST(test_after_a_minute_it_is_read_anew)
{
	struct ended_run own;

	run_init(&own.run, &(struct run_name){ "default", "old", "site", "repo" });
	own.run.made = "{}";
	for (size_t i = 0; i < ENDED_MARKS; i++)
		own.marks[i] = "";
	ended_remember("key", &own, 1000);
	ck_assert_ptr_nonnull(ended_recall("key", 1000 + ENDED_REMEMBERED_MS - 1, &arena));
	ck_assert_ptr_null(ended_recall("key", 1000 + ENDED_REMEMBERED_MS, &arena));
	ended_forget("key");
	ck_assert_ptr_null(ended_recall("key", 1000, &arena));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_what_has_ended_is_shown_in_the_same_bytes_again,
		test_only_its_marks_are_asked_for,
		test_a_step_that_begins_and_one_that_is_gone_are_seen,
		test_what_a_hand_has_made_of_a_step_is_read_each_time,
		test_many_apps_are_not_mixed_up,
		test_a_large_output_is_not_remembered,
		test_after_a_minute_it_is_read_anew,
		NULL,
	};
	return store_suite_main("shown", tests, set_up, tear_down);
}
