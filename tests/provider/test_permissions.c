/*
 * What the permissions of actions are held to where workflows are checked.
 *
 * covers: src/provider/permissions.c
 */
#include "provider/permissions.h"

#include <string.h>

#include "harness/suite.h"
#include "provider/providers.h"

static struct error error;

static const struct string_pair table[] = { { "issues", "write" }, { NULL, NULL } };
static const struct action_definition without = { .id = "github.label" },
				      elsewhere = { .id = "vercel.hook" },
				      other = { .id = "vercel.hook", .other_provider = "github" },
				      with = { .id = "github.label", .permissions = table },
				      undone = { .id = "github.label",
					      .permissions = table,
					      .undo = &without };

static enum error_class check(const struct action_definition *action)
{
	const struct step_definition steps[] = { { .id = "first", .action = &with },
		{ .id = "second", .action = action } };
	const struct workflow_definition workflow = {
		.id = "w", .steps = steps, .step_count = ARRAY_LEN(steps)
	};

	memset(&error, 0, sizeof(error));
	return permissions_check(&workflow, &error);
}

static void expect_refused(const struct action_definition *action, const char *name)
{
	ck_assert_int_eq(check(action), ERROR_INVALID_INPUT);
	ck_assert_msg(strstr(error.message, name) != NULL, "%s", error.message);
	ck_assert_msg(strstr(error.message, "GitHub") != NULL, "%s", error.message);
	ck_assert_msg(
		strstr(error.remedy, ".permissions = permissions,") != NULL, "%s", error.remedy);
	ck_assert_msg(strstr(error.remedy, "{ NULL, NULL }") != NULL, "%s", error.remedy);
}

START_TEST(test_an_action_that_calls_a_provider_of_apps_has_a_table)
{
	expect_refused(&without, "'github.label'");
	expect_refused(&other, "'vercel.hook'");
	expect_refused(&undone, "'github.label'");
}
END_TEST

START_TEST(test_others_need_none)
{
	ck_assert_int_eq(check(&with), ERROR_NONE);
	ck_assert_int_eq(check(&elsewhere), ERROR_NONE);
}
END_TEST

START_TEST(test_what_is_compiled_in_has_them)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		ck_assert_msg(
			permissions_check(workflows[i], &error) == ERROR_NONE, "%s", error.message);
}
END_TEST

START_TEST(test_to_read_is_left_of_all_that_can_be_read)
{
	static const struct string_pair pairs[] = { { "contents", "write" },
		{ "repository_projects", "admin" }, { "workflows", "write" },
		{ "members", "read" } };
	const struct string_map whole = { pairs, 4 }, flows = { &pairs[2], 1 }, none = { NULL, 0 };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct string_map read;

	ck_assert_int_eq(
		permissions_to_read(provider_find("github"), &whole, &arena, &read, &error),
		ERROR_NONE);
	ck_assert_uint_eq(read.count, 3);
	for (size_t i = 0; i < read.count; i++)
		ck_assert_str_eq(read.items[i].value, "read");
	ck_assert_str_eq(read.items[1].name, "repository_projects");
	ck_assert_str_eq(read.items[2].name, "members");
	for (const struct string_map *empty = &flows; empty != NULL;
		empty = empty == &flows ? &none : NULL) {
		ck_assert_int_eq(
			permissions_to_read(provider_find("github"), empty, &arena, &read, &error),
			ERROR_NONE);
		ck_assert_uint_eq(read.count, 1);
		ck_assert_str_eq(read.items[0].name, "metadata");
	}
}
END_TEST

START_TEST(test_of_no_repository_is_what_is_the_organisations)
{
	static const struct string_pair pairs[] = { { "contents", "write" },
		{ "organization_secrets", "write" }, { "administration", "write" },
		{ "members", "read" }, { "metadata", "read" } };
	const struct string_map whole = { pairs, 5 }, none = { NULL, 0 };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct string_map left;

	ck_assert_int_eq(permissions_of_no_repository(
				 provider_find("github"), &whole, &arena, &left, &error),
		ERROR_NONE);
	ck_assert_uint_eq(left.count, 3);
	ck_assert_str_eq(left.items[0].name, "organization_secrets");
	ck_assert_str_eq(left.items[0].value, "write");
	ck_assert_str_eq(left.items[1].name, "members");
	ck_assert_str_eq(left.items[2].name, "metadata");
	ck_assert_int_eq(
		permissions_of_no_repository(provider_find("github"), &none, &arena, &left, &error),
		ERROR_NONE);
	ck_assert_uint_eq(left.count, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_an_action_that_calls_a_provider_of_apps_has_a_table,
		test_others_need_none, test_to_read_is_left_of_all_that_can_be_read,
		test_of_no_repository_is_what_is_the_organisations,
		test_what_is_compiled_in_has_them, NULL };
	return suite_main("permissions", tests, NULL, NULL);
}
