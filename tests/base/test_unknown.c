/*
 * Values that are not known yet: found in texts, shown in words, and taken by a record of a plan.
 *
 * covers: src/base/unknown.c
 */
#include "base/unknown.h"

#include <string.h>

#include "base/record.h"
#include "harness/suite.h"

static struct arena arena;

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_release(&arena);
}

START_TEST(test_an_unknown_is_found_in_a_text)
{
	struct unknown unknown;
	const char *id = unknown_format(&arena, true, "project", "id");
	const char *other = unknown_format(&arena, false, "docs.site.repo", "fullName");

	ck_assert(unknown_find(id, &unknown));
	ck_assert_str_eq(unknown.step, "project");
	ck_assert(unknown.is_new);
	ck_assert(unknown_find(arena_format(&arena, "https://%s/%s", other, id), &unknown));
	ck_assert_str_eq(unknown.step, "docs.site.repo");
	ck_assert(!unknown.is_new);
	ck_assert(unknown_find("/repositories/9223372036854775807", &unknown));
	ck_assert_str_eq(unknown.step, "");
	ck_assert(unknown.is_new);
	static const char *const known[] = { "", "acme/docs", "${step.project.id}", "\x1a",
		"\x1a\x1a", "\x1a+id\x1a", NULL };
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		ck_assert(!unknown_find(known[i], &unknown));
}
END_TEST

START_TEST(test_an_unknown_is_shown_in_words)
{
	const char *id = unknown_format(&arena, true, "project", "id");
	const char *other = unknown_format(&arena, false, "docs.site.repo", "fullName");
	const char *text = arena_format(&arena, "GET /%s/env of %s", id, other);

	ck_assert_str_eq(unknown_show(&arena, text),
		"GET /(id of 'project')/env of (fullName of 'docs.site.repo')");
	ck_assert_str_eq(unknown_show(&arena, "nothing of it"), "nothing of it");
	ck_assert_str_eq(unknown_show(&arena, "\x1a"), "\x1a");
	ck_assert_ptr_null(unknown_show(&arena, NULL));
}
END_TEST

struct subject {
	const char *name;
	int64_t id;
	bool wide;
	struct string_list keys;
};
static const struct field fields[] = {
	{ STRING_FIELD("name", struct subject, name), .pattern = "^[a-z]+$", .form = "letters" },
	{ INTEGER_FIELD("id", struct subject, id), .maximum = 9 },
	{ BOOLEAN_FIELD("wide", struct subject, wide) },
	{ STRINGS_FIELD("keys", struct subject, keys) },
};
static const struct record record = RECORD(struct subject, fields);

static enum error_class decode(
	const char *name, const char *value, enum record_mode mode, struct subject *ret_subject)
{
	struct error error;
	cJSON *json = cJSON_CreateObject();

	ck_assert(json_add(json, name, cJSON_CreateString(value)));
	enum error_class class =
		record_decode(&record, json, mode, "", &arena, ret_subject, &error);
	cJSON_Delete(json);
	return class;
}

START_TEST(test_a_record_of_a_plan_takes_unknowns)
{
	struct subject subject;
	const char *id = unknown_format(&arena, true, "project", "id");

	ck_assert_int_eq(decode("name", id, RECORD_PLANNED, &subject), ERROR_NONE);
	ck_assert_str_eq(subject.name, id);
	ck_assert_int_eq(decode("id", id, RECORD_PLANNED, &subject), ERROR_NONE);
	ck_assert_int_eq(subject.id, UNKNOWN_INTEGER);
	ck_assert_int_eq(decode("wide", id, RECORD_PLANNED, &subject), ERROR_NEEDS_NOT_DONE);
	ck_assert_int_eq(decode("keys", id, RECORD_PLANNED, &subject), ERROR_NEEDS_NOT_DONE);
	/* All else is as strict as ever, and no other record takes one. */
	ck_assert_int_eq(decode("name", "A1", RECORD_PLANNED, &subject), ERROR_INVALID_INPUT);
	ck_assert_int_eq(decode("other", "a", RECORD_PLANNED, &subject), ERROR_INVALID_INPUT);
	ck_assert_int_eq(decode("id", id, RECORD_STRICT, &subject), ERROR_INVALID_INPUT);
	ck_assert_int_eq(decode("name", id, RECORD_REFERENCES, &subject), ERROR_INVALID_INPUT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_an_unknown_is_found_in_a_text,
		test_an_unknown_is_shown_in_words, test_a_record_of_a_plan_takes_unknowns, NULL };
	return suite_main("unknown", tests, setup, teardown);
}
