/*
 * The strict door to JSON.
 *
 * covers: src/base/json.c src/base/json_scan.c src/base/json_pointer.c
 */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "harness/suite.h"

static struct error error;

static enum error_class parse(const char *text)
{
	cJSON *json = NULL;
	enum error_class class = json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &json, &error);
	cJSON_Delete(json);
	return class;
}

START_TEST(test_accepts_json)
{
	static const char *const good[] = { "{}",
		" [1, -2.5e+3, true, null, \"a\\u00e9\\ud83d\\ude00\\n\"] ", "0", "-0", "\"\"",
		"{\"a\":{\"b\":[{}]}}", "1e5" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(parse(good[i]) == ERROR_NONE, "%s: %s", good[i], error.message);
}
END_TEST

START_TEST(test_refuses_what_is_no_json)
{
	static const char *const bad[] = { "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.",
		".5", "+1", "1e", "nul", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "{} x", "[1] [2]",
		"\"a\tb\"", "\"\\u0001\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"",
		"\"\\ud800\\u0041\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}",
		"{\"a\":1,\"a\":2}", "{\"x\":[{\"b\":1,\"c\":2,\"b\":3}]}", "\"\\b\"", "1e309",
		"{\"a\":[-1e400]}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(bad[i]) == ERROR_INVALID_REQUEST, "accepted: %s", bad[i]);
}
END_TEST

START_TEST(test_names_the_place)
{
	parse("{\"x\":[{\"b\":1,\"c/d\":2,\"c/d\":3}]}");
	ck_assert_str_eq(error.place, "/x/0/c~1d");
	parse("{\"x\":[1,1e999]}");
	ck_assert_str_eq(error.place, "/x/1");
	parse("{\"inputs\":{\"repo\":{\"owner\":\"\\u0000\"}}}");
	ck_assert_str_eq(error.place, "/inputs/repo/owner");
	ck_assert_ptr_nonnull(strstr(error.message, "U+0000"));
}
END_TEST

/* Where it is too long as well: it stands in a response. */
START_TEST(test_a_place_is_well_formed)
{
	char text[600], name[256];
	for (size_t before = 0; before < 4; before++) {
		memset(name, 'a', before);
		for (size_t i = before; i + 4 < sizeof(name); i += 3)
			memcpy(name + i, "\xe2\x82\xac", 4);
		ck_assert(text_format(text, sizeof(text), "{\"%s\":[1,]}", name));
		parse(text);
		ck_assert_msg(text_is_valid(error.place), "%s", error.place);
		ck_assert(text_format(text, sizeof(text), "{\"%s\":1,\"%s\":2}", name, name));
		parse(text);
		ck_assert_msg(text_is_valid(error.place), "%s", error.place);
		ck_assert_uint_gt(strlen(error.place), sizeof(error.place) - 8);
	}
	parse("{\"a\\nb\":1,\"a\\nb\":2}");
	ck_assert_str_eq(error.message, "the member 'a b' is given twice");
	ck_assert_str_eq(error.place, "/a b");
}
END_TEST

/* Outputs are printed, kept, and read again. */
START_TEST(test_what_is_printed_is_read_again)
{
	struct arena arena;
	cJSON *json, *again;
	static const char text[] = "[\"\\u007f\\u001f\\b\\f\",\"\x7f\",0.1,-0,1e-9,1e300]";

	arena_init(&arena, 0);
	ck_assert_int_eq(parse("\"\x7f\""), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(
		json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, &error), ERROR_NONE);
	const char *printed = json_print(&arena, json);
	ck_assert_int_eq(
		json_parse(printed, strlen(printed), JSON_LIMITS_WIDE, &again, &error), ERROR_NONE);
	ck_assert(cJSON_Compare(json, again, true));
	cJSON_Delete(again);
	cJSON_Delete(json);
	arena_release(&arena);
}
END_TEST

START_TEST(test_nul_byte_inside_is_refused)
{
	cJSON *json;
	static const char text[] = "{\"a\":\0 1}";
	ck_assert_int_eq(json_parse(text, sizeof(text) - 1, JSON_LIMITS_CLIENT, &json, &error),
		ERROR_INVALID_REQUEST);
}
END_TEST

START_TEST(test_depth_and_size_are_bounded)
{
	char text[20000] = "";
	memset(text, '[', 33);
	memset(text + 33, ']', 33);
	ck_assert_int_eq(parse(text), ERROR_INVALID_REQUEST);
	memset(text, 0, sizeof(text));
	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	ck_assert_int_eq(parse(text), ERROR_NONE);
	memset(text, 0, sizeof(text));
	text[0] = '[';
	for (size_t i = 0; i < 4095; i++)
		memcpy(text + 1 + 2 * i, "1,", 2);
	memcpy(text + 1 + 2 * 4095 - 1, "]", 2);
	ck_assert_int_eq(parse(text), ERROR_NONE);
	memcpy(text + 1 + 2 * 4095 - 1, ",1]", 4);
	ck_assert_int_eq(parse(text), ERROR_INVALID_REQUEST);
}
END_TEST

static char *merged(struct arena *arena, const char *target_text, const char *patch_text)
{
	cJSON *target = cJSON_Parse(target_text), *patch = cJSON_Parse(patch_text);
	ck_assert_int_eq(json_merge(&target, patch, &error), ERROR_NONE);
	char *text = json_print_canonical(arena, target);
	cJSON_Delete(target);
	cJSON_Delete(patch);
	return text;
}

/* The cases of RFC 7396, appendix A. */
START_TEST(test_merge_patch)
{
	static const char *const cases[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
			"{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(merged(&arena, cases[i][0], cases[i][1]), cases[i][2]);
	arena_release(&arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_accepts_json, test_refuses_what_is_no_json,
		test_names_the_place, test_a_place_is_well_formed,
		test_what_is_printed_is_read_again, test_nul_byte_inside_is_refused,
		test_depth_and_size_are_bounded, test_merge_patch, NULL };
	return suite_main("json", tests, NULL, NULL);
}
