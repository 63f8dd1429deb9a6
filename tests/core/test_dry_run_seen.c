/*
 * The hash of a plan, and what has moved between two.
 *
 * covers: src/core/dry_run_seen.c
 */
#include "core/dry_run_seen.h"

#include <string.h>

#include "harness/suite.h"

#define REFUSED(message, id)                                                                       \
	"{\"class\":\"not_found\",\"message\":\"" message "\",\"requestId\":\"" id "\"}"

static struct arena arena;
static struct error error;

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

static const char *const same_differences[] = { "SITE is different", "API does not exist" };
static const char *const project[] = { "project" };

static void fill(struct dry_run_effect steps[3])
{
	steps[0] = (struct dry_run_effect){ .id = "repo", .change = "nothing", .seen = "aa" };
	steps[1] = (struct dry_run_effect){ .id = "env",
		.change = "update",
		.text = "POST /env of Vercel",
		.differences = { same_differences, 2 },
		.seen = "bb" };
	steps[2] = (struct dry_run_effect){ .id = "domain",
		.change = "blocked",
		.text = "no such project",
		.error = REFUSED("no such project", "one"),
		.seen = "cc" };
}

static const char *hash_of(const struct dry_run_effect *steps, size_t count)
{
	const struct dry_run_output plan = { .steps = { steps, count } };
	char hash[DIGEST_SIZE];
	ck_assert_int_eq(dry_run_hash(&plan, hash, &error), ERROR_NONE);
	return arena_string(&arena, hash);
}

/* The sentences, one a line. */
static const char *moved(const struct dry_run_effect *before, size_t before_count,
	const struct dry_run_effect *now, size_t now_count)
{
	const struct dry_run_output one = { .steps = { before, before_count } },
				    other = { .steps = { now, now_count } };
	struct string_list list;
	const char *text = "";

	ck_assert_int_eq(dry_run_moved(&one, &other, &arena, &list, &error), ERROR_NONE);
	for (size_t i = 0; i < list.count; i++)
		text = arena_format(&arena, "%s%s\n", text, list.items[i]);
	return text;
}

START_TEST(test_what_changes_each_time_is_not_in_the_hash)
{
	struct dry_run_effect one[3], other[3];

	fill(one);
	fill(other);
	other[2].error = REFUSED("no such project", "another");
	ck_assert_str_eq(hash_of(one, 3), hash_of(other, 3));
	ck_assert_str_eq(moved(one, 3, other, 3), "");
	const struct dry_run_calls calls = { .provider = "github", .reads = 7, .remaining = 12 };
	const struct dry_run_output plan = { { one, 3 }, { &calls, 1 }, "old" };
	char hash[DIGEST_SIZE];
	ck_assert_int_eq(dry_run_hash(&plan, hash, &error), ERROR_NONE);
	ck_assert_str_eq(hash, hash_of(one, 3));
}
END_TEST

static const char *const less[] = { "SITE is different", "NEW does not exist" };

/* Each with the sentence that it makes; none is left out of the hash. */
START_TEST(test_all_that_moves_is_in_the_hash_and_is_told)
{
	static const struct {
		size_t step;
		struct dry_run_effect now;
		const char *sentences;
	} cases[] = {
		{ 0, { .id = "repo", .change = "create", .text = "POST /repos", .seen = "aa" },
			"repo: it was 'nothing' and is 'create': POST /repos\n" },
		{ 0, { .id = "repo", .change = "nothing", .seen = "other" },
			"repo: its input, or what it finds at the provider, is another\n" },
		{ 0, { .id = "repo", .change = "nothing", .seen = "aa", .gone = true },
			"repo: its input, or what it finds at the provider, is another\n" },
		{ 0,
			{ .id = "repo",
				.change = "nothing",
				.seen = "aa",
				.kind = "repository",
				.name = "acme/docs" },
			"repo: it is 'nothing' still, but otherwise: nothing to add\n" },
		{ 0, { .id = "repo", .change = "nothing", .seen = "aa", .after = { project, 1 } },
			"repo: it waits for: project\n" },
		{ 1,
			{ .id = "env",
				.change = "update",
				.text = "POST /env of Vercel",
				.differences = { less, 2 },
				.seen = "bb" },
			"env: it is so now: NEW does not exist\n"
			"env: it is so no longer: API does not exist\n" },
		{ 2,
			{ .id = "domain",
				.change = "blocked",
				.text = "no such team",
				.error = REFUSED("no such team", "one"),
				.seen = "cc" },
			"domain: it is 'blocked' still, but otherwise: no such team\n" },
	};
	struct dry_run_effect before[3], now[3];

	fill(before);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fill(now);
		now[cases[i].step] = cases[i].now;
		ck_assert_str_ne(hash_of(before, 3), hash_of(now, 3));
		ck_assert_str_eq(moved(before, 3, now, 3), cases[i].sentences);
		ck_assert_str_ne(moved(now, 3, before, 3), "");
	}
}
END_TEST

START_TEST(test_steps_that_come_and_go_are_told)
{
	struct dry_run_effect steps[3];

	fill(steps);
	ck_assert_str_ne(hash_of(steps, 3), hash_of(steps, 2));
	ck_assert_str_eq(moved(steps, 3, steps, 2), "domain: this step is there no longer\n");
	ck_assert_str_eq(moved(steps, 2, steps, 3), "domain: the plan did not have this step\n");
	ck_assert_str_eq(moved(NULL, 0, NULL, 0), "");
}
END_TEST

START_TEST(test_a_stored_plan_that_is_broken_is_refused)
{
	struct dry_run_effect steps[3];
	struct string_list list;
	char hash[DIGEST_SIZE];

	fill(steps);
	steps[2].error = "{";
	const struct dry_run_output plan = { .steps = { steps, 3 } };
	ck_assert_int_ne(dry_run_hash(&plan, hash, &error), ERROR_NONE);
	ck_assert_int_ne(dry_run_moved(&plan, &plan, &arena, &list, &error), ERROR_NONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_changes_each_time_is_not_in_the_hash,
		test_all_that_moves_is_in_the_hash_and_is_told,
		test_steps_that_come_and_go_are_told, test_a_stored_plan_that_is_broken_is_refused,
		NULL };
	return suite_main("dry_run_seen", tests, setup, teardown);
}
