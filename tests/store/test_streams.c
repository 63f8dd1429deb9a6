/*
 * What can be read of an app, page by page: each event once, with the run that it is of, and each
 * run that has ended.
 *
 * covers: src/store/streams.c src/store/scripts/events.lua src/store/scripts/page.lua
 * covers: src/store/scripts/ended.lua src/store/scripts/history.lua src/store/scripts/tally.lua
 */
#include "store/streams.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "store/apps.h"
#include "store/keys.h"

#define EVENTS   KEY_APP_PREFIX "default:acme:events"
#define HISTORY  KEY_APP_PREFIX "default:acme:history"
#define KEPT_MAX 300

static struct redis *redis;
static struct arena arena;
static struct error error;

/* What was read, the newest first. */
struct read {
	struct {
		char id[STREAM_ID_SIZE], run[64], step[64], event[32], detail[64];
	} entries[1100];
	size_t count, pages;
};
static struct read found;

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

static struct claim begin(const char *step)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { "default", "acme", "site", step },
		.input = "{}",
		.digest = "d1",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600,
		.force = true };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
	return take_next(redis, 30000, &arena);
}

static void say(const struct claim *claim, const char *line)
{
	const struct run_write write = { .kind = RUN_PROGRESS, .log = line };
	ck_assert_int_eq(run_write(redis, &claim->lease, &write, &error), ERROR_NONE);
}

static void end(const struct claim *claim)
{
	const struct run_write write = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claim->lease, &write, &error), ERROR_NONE);
}

static enum error_class take_entry(
	void *context, const struct stream_entry *entry, struct error *unused)
{
	struct read *into = context;
	(void)unused;
	ck_assert_uint_lt(into->count, ARRAY_LEN(into->entries));
	text_copy(into->entries[into->count].id, STREAM_ID_SIZE, entry->id);
	text_copy(into->entries[into->count].run, 64, stream_field(entry->fields, "run"));
	text_copy(into->entries[into->count].step, 64, stream_field(entry->fields, "action"));
	text_copy(into->entries[into->count].event, 32, stream_field(entry->fields, "event"));
	text_copy(into->entries[into->count].detail, 64, stream_field(entry->fields, "detail"));
	into->count++;
	return ERROR_NONE;
}

static bool is_older(const char *id, const char *than)
{
	unsigned long long at, number, than_at, than_number;
	ck_assert_int_eq(sscanf(id, "%llu-%llu", &at, &number), 2);
	ck_assert_int_eq(sscanf(than, "%llu-%llu", &than_at, &than_number), 2);
	return at < than_at || (at == than_at && number < than_number);
}

/* All of a list, so many a page; each is older than the one before it. */
static void read_all(enum stream_list list, size_t limit)
{
	char next[STREAM_ID_SIZE] = "";

	found.count = found.pages = 0;
	do {
		char after[STREAM_ID_SIZE];
		text_copy(after, sizeof(after), next);
		const struct stream_query query = { { "default", "acme" }, list,
			after[0] != '\0' ? after : NULL, NULL, NULL, limit };
		ck_assert_msg(
			stream_page(redis, &query, take_entry, &found, next, &error) == ERROR_NONE,
			"%s", error.message);
		found.pages++;
	} while (next[0] != '\0');
	for (size_t i = 1; i < found.count; i++)
		ck_assert_msg(is_older(found.entries[i].id, found.entries[i - 1].id),
			"%s is behind %s", found.entries[i].id, found.entries[i - 1].id);
}

static void assert_entry(size_t index, const char *event, const char *step, const char *detail)
{
	ck_assert_uint_lt(index, found.count);
	ck_assert_str_eq(found.entries[index].event, event);
	ck_assert_str_eq(found.entries[index].step, step);
	ck_assert_str_eq(found.entries[index].detail, detail);
}

START_TEST(test_each_event_says_which_run_it_is_of)
{
	struct claim repo = begin("repo"), project = begin("project");
	say(&repo, "a ^ line\nof two");
	say(&project, "^");
	say(&project, "");
	say(&repo, "last");
	read_all(STREAM_EVENTS, 2);
	ck_assert_uint_eq(found.count, 7);
	ck_assert_uint_eq(found.pages, 4);
	assert_entry(0, "log", "repo", "last");
	assert_entry(1, "log", "project", "^");
	assert_entry(2, "log", "repo", "a ^ line\nof two");
	assert_entry(3, "executing", "project", "attempt 1 on worker-1");
	assert_entry(4, "queued", "project", "");
	ck_assert_str_eq(found.entries[0].run, repo.run.id);
	ck_assert_str_eq(found.entries[1].run, project.run.id);
}
END_TEST

/* The oldest lines may have left it to one that is gone what they are of. */
START_TEST(test_the_last_events_are_kept_and_each_says_what_it_is_of)
{
	struct claim repo = begin("repo");
	for (int i = 0; i < 3 * KEPT_MAX; i++) {
		char line[16];
		text_format(line, sizeof(line), "%d", i);
		say(&repo, line);
		int64_t count = STORE_NUMBER(redis, "LLEN", EVENTS);
		ck_assert_int_le(count, KEPT_MAX);
		ck_assert_int_ge(count, i < KEPT_MAX - 10 ? i + 3 : KEPT_MAX - 10);
	}
	read_all(STREAM_EVENTS, 7);
	ck_assert_int_eq((int64_t)found.count, STORE_NUMBER(redis, "LLEN", EVENTS));
	for (size_t i = 0; i < found.count; i++) {
		char line[16];
		text_format(line, sizeof(line), "%zu", 3 * KEPT_MAX - 1 - i);
		assert_entry(i, "log", "repo", line);
		ck_assert_str_eq(found.entries[i].run, repo.run.id);
	}
}
END_TEST

START_TEST(test_what_comes_meanwhile_is_on_no_later_page)
{
	struct claim repo = begin("repo");
	char next[STREAM_ID_SIZE];
	say(&repo, "known");
	found.count = 0;
	struct stream_query query = { { "default", "acme" }, STREAM_EVENTS, NULL, NULL, NULL, 1 };
	ck_assert_int_eq(stream_page(redis, &query, take_entry, &found, next, &error), ERROR_NONE);
	assert_entry(0, "log", "repo", "known");
	say(&repo, "meanwhile");
	query = (struct stream_query){ { "default", "acme" }, STREAM_EVENTS, next, NULL, NULL, 50 };
	ck_assert_int_eq(stream_page(redis, &query, take_entry, &found, next, &error), ERROR_NONE);
	ck_assert_uint_eq(found.count, 3);
	assert_entry(1, "executing", "repo", "attempt 1 on worker-1");
}
END_TEST

START_TEST(test_a_clock_that_goes_back_takes_no_id_twice)
{
	struct claim repo = begin("repo");
	STORE_TELL(redis, "LPUSH", EVENTS, "9999999999999-7 log ^ of tomorrow");
	say(&repo, "of today");
	say(&repo, "and now");
	read_all(STREAM_EVENTS, 1);
	ck_assert_str_eq(found.entries[0].id, "9999999999999-9");
	ck_assert_str_eq(found.entries[1].id, "9999999999999-8");
	assert_entry(2, "log", "repo", "of tomorrow");
}
END_TEST

START_TEST(test_what_a_hand_has_written_there_hides_nothing)
{
	struct claim repo = begin("repo");
	STORE_TELL(redis, "LPUSH", EVENTS, "by hand", "", "1-1", "^ ^ ^ ^");
	say(&repo, "behind it");
	end(&repo);
	read_all(STREAM_EVENTS, 50);
	ck_assert_uint_eq(found.count, 4);
	assert_entry(0, "done", "repo", "");
	assert_entry(1, "log", "repo", "behind it");
	assert_entry(3, "queued", "repo", "");
}
END_TEST

static int64_t ended_runs(void)
{
	struct app_facts facts;
	ck_assert_int_eq(app_read(redis, APP("acme"), &facts, &error), ERROR_NONE);
	return facts.ended_runs;
}

/* The hash of a run tells of its end until the next one takes its place. */
START_TEST(test_each_run_that_ended_is_in_the_history_once)
{
	static char ids[9][64];
	for (int i = 0; i < 9; i++) {
		struct claim claim = begin(i % 3 == 0 ? "repo" : i % 3 == 1 ? "project" : "env");
		text_copy(ids[i], sizeof(ids[i]), claim.run.id);
		end(&claim);
		ck_assert_int_eq(ended_runs(), i + 1);
		ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", HISTORY), i < 3 ? 0 : i - 2);
		clock_sleep_ms(2);
	}
	for (size_t limit = 1; limit < 12; limit++) {
		read_all(STREAM_HISTORY, limit);
		ck_assert_uint_eq(found.count, 9);
		for (int i = 0; i < 9; i++)
			ck_assert_str_eq(found.entries[i].run, ids[8 - i]);
	}
	begin("repo");
	ck_assert_int_eq(ended_runs(), 9);
}
END_TEST

/* One that ended long ago, and is replaced late, has its place behind those that ended since. */
START_TEST(test_the_history_is_in_the_order_of_ends_and_bounded)
{
	struct claim first = begin("env");
	end(&first);
	for (int i = 0; i < 1010; i++) {
		clock_sleep_ms(i < 20 ? 2 : 0);
		struct claim claim = begin("repo");
		end(&claim);
	}
	ck_assert_int_eq(STORE_NUMBER(redis, "LLEN", HISTORY), 1000);
	read_all(STREAM_HISTORY, 200);
	ck_assert_uint_eq(found.count, 1002);
	ck_assert_str_eq(found.entries[1001].run, first.run.id);
	begin("env");
	read_all(STREAM_HISTORY, 200);
	ck_assert_uint_eq(found.count, 1001);
	ck_assert_str_ne(found.entries[1000].run, first.run.id);
}
END_TEST

START_TEST(test_no_run_suffers_from_a_broken_history)
{
	struct claim repo = begin("repo");
	end(&repo);
	STORE_TELL(redis, "SET", HISTORY, "broken");
	repo = begin("repo");
	end(&repo);
	ck_assert_int_eq(ended_runs(), 1);
	STORE_TELL(redis, "DEL", HISTORY);
	STORE_TELL(redis, "RPUSH", HISTORY, "by hand", "1-1", "\n\n", "");
	repo = begin("repo");
	end(&repo);
	read_all(STREAM_HISTORY, 2);
	ck_assert_uint_eq(found.count, 2);
	ck_assert_str_eq(found.entries[0].run, repo.run.id);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_each_event_says_which_run_it_is_of,
		test_the_last_events_are_kept_and_each_says_what_it_is_of,
		test_what_comes_meanwhile_is_on_no_later_page,
		test_a_clock_that_goes_back_takes_no_id_twice,
		test_what_a_hand_has_written_there_hides_nothing,
		test_each_run_that_ended_is_in_the_history_once,
		test_the_history_is_in_the_order_of_ends_and_bounded,
		test_no_run_suffers_from_a_broken_history, NULL };
	return store_suite_main("streams", tests, set_up, tear_down);
}
