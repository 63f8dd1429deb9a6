/*
 * YAML as it is read, where its values stand, and what is refused with which words.
 *
 * covers: src/cli/yaml.c
 */
#include <stdio.h>
#include <string.h>

#include "cli/yaml.h"
#include "harness/suite.h"

static struct yaml_document document;
static struct error error;

static enum error_class parse(const char *text)
{
	yaml_release(&document);
	return yaml_parse("stack.yaml", text, strlen(text), &document, &error);
}

static void assert_json(const char *text, const char *json)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	ck_assert_msg(parse(text) == ERROR_NONE, "%s: %s", text, error.message);
	ck_assert_str_eq(json_print(&arena, document.json), json);
}

/* The message begins with the place and has the words. */
static void assert_refused(const char *text, const char *place, const char *words)
{
	ck_assert_msg(parse(text) == ERROR_INVALID_INPUT, "not refused: %s", text);
	ck_assert_msg(strncmp(error.message, place, strlen(place)) == 0 &&
			strstr(error.message, words) != NULL,
		"%s: %s", text, error.message);
	ck_assert_ptr_null(document.json);
}

START_TEST(test_values)
{
	assert_json("a: 1\nb: -2.5\nc: 1e3\nd: true\ne: null\nf: text\n",
		"{\"a\":1,\"b\":-2.5,\"c\":1000,\"d\":true,\"e\":null,\"f\":\"text\"}");
	assert_json("a: \"1\"\nb: 'yes'\nc: \"\"\nd: {}\ne: []\n",
		"{\"a\":\"1\",\"b\":\"yes\",\"c\":\"\",\"d\":{},\"e\":[]}");
	assert_json("list:\n- a\n- b: 1\n  c: 2\n- [x, z]\n",
		"{\"list\":[\"a\",{\"b\":1,\"c\":2},[\"x\",\"z\"]]}");
	assert_json("a: |\n  one\n  two\nb: >-\n  one\n  two\n",
		"{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}");
	assert_json("# comment\na: ${step.repo.url} # another\n", "{\"a\":\"${step.repo.url}\"}");
	assert_json("a: 1.2.3\nb: 2026-11-28\nc: v1\nd: 127.0.0.1:80\ne: a-b\nf: 12:30\n",
		"{\"a\":\"1.2.3\",\"b\":\"2026-11-28\",\"c\":\"v1\",\"d\":\"127.0.0.1:80\",\"e\":"
		"\"a-b\","
		"\"f\":\"12:30\"}");
	assert_json(
		"a: \"\\u00e4\"\n\"b c\": \xc3\xa4\n", "{\"a\":\"\xc3\xa4\",\"b c\":\"\xc3\xa4\"}");
}
END_TEST

START_TEST(test_json_is_read)
{
	assert_json("{\"a\":{\"b\":[1,true,null,\"x\\/y\"]},\n\t\"c\":\"\\u20ac\"}",
		"{\"a\":{\"b\":[1,true,null,\"x/y\"]},\"c\":\"\xe2\x82\xac\"}");
	/* libyaml takes no pairs of surrogates. */
	assert_json("{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}");
	assert_refused("{\"a\":1,\"a\":2}", "stack.yaml:1:8:", "'a' is there twice");
	assert_refused("{\"a\":1,}x", "stack.yaml:1:", "");
}
END_TEST

START_TEST(test_places)
{
	char text[200];

	ck_assert_int_eq(parse("apps:\n  docs:\n    inputs:\n      repo: {owner: acme}\n    "
			       "after:\n    - one\n    - two\n"),
		ERROR_NONE);
	static const char *const places[][2] = {
		{ "/apps/docs", "stack.yaml:2:3" },
		{ "/apps/docs/inputs/repo/owner", "stack.yaml:4:14" },
		{ "/apps/docs/after/1", "stack.yaml:7:7" },
		{ "/apps/docs/inputs/repo/name", "stack.yaml:4:7" }, /* not there: its parent */
		{ "/nothing/at/all", "stack.yaml:1:1" },
		{ "", "stack.yaml:1:1" },
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		yaml_place(&document, places[i][0], text, sizeof(text));
		ck_assert_str_eq(text, places[i][1]);
	}

	ck_assert_int_eq(parse("{\"a\":\"\\ud83d\\ude00\"}"), ERROR_NONE);
	yaml_place(&document, "/a", text, sizeof(text));
	ck_assert_str_eq(text, "stack.yaml: /a");
}
END_TEST

START_TEST(test_what_is_ambiguous_is_refused)
{
	static const char *const values[] = { "yes", "No", "on", "OFF", "y", "True", "FALSE", "~",
		"Null", "0123", "0x1f", "0o17", "1_000", "+5", ".5", "5.", ".inf", "-.INF", ".nan",
		"-0123" };
	char text[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), "a: %s\n", values[i]);
		assert_refused(text, "stack.yaml:1:4:", "");
		ck_assert_ptr_nonnull(strstr(error.message, "write \""));
	}
	assert_refused("a: 12345678901234567890\n", "stack.yaml:1:4:", "too large for a number");
	assert_refused("a: 1e999\n", "stack.yaml:1:4:", "too large for a number");
	assert_refused("a:\nb: 1\n", "stack.yaml:1:3:", "a value is missing");
	assert_refused("a:\n- \n", "stack.yaml:2:", "a value is missing");
}
END_TEST

START_TEST(test_what_yaml_adds_is_refused)
{
	assert_refused("a: &x 1\nb: *x\n", "stack.yaml:1:4:", "anchors");
	assert_refused("a: *x\n", "stack.yaml:1:4:", "aliases");
	assert_refused("a: &x {b: 1}\n", "stack.yaml:1:4:", "anchors");
	assert_refused("a: &x [b]\n", "stack.yaml:1:4:", "anchors");
	assert_refused("&x a: 1\n", "stack.yaml:1:1:", "anchors");
	assert_refused("a: !!str 1\n", "stack.yaml:1:4:", "tags");
	assert_refused("a: !x {}\n", "stack.yaml:1:4:", "tags");
	assert_refused("a:\n  <<: {b: 1}\n", "stack.yaml:2:3:", "merging");
	assert_refused("? [a]\n: 1\n", "stack.yaml:1:3:", "must be a text");
	assert_refused("a: 1\n---\nb: 2\n", "stack.yaml:2:1:", "second document");
	assert_refused("", "stack.yaml:1:1:", "empty");
	assert_refused("# nothing\n", "stack.yaml:", "empty");
}
END_TEST

START_TEST(test_what_is_broken_is_refused)
{
	assert_refused(
		"a: 1\nb: 2\na: 3\n", "stack.yaml:3:1:", "'a' is there twice, first in line 1");
	assert_refused("a:\n  b:\n\t  c: 1\n", "stack.yaml:3:1:", "a tab may not indent");
	assert_refused("a: b: c\n", "stack.yaml:1:5:", "mapping values are not allowed");
	assert_refused("a: [1, 2\n", "stack.yaml:2:1:", "not valid YAML");
	assert_refused("a: \"\\0\"\n", "stack.yaml:1:4:", "U+0000");
	assert_refused("\"a\\0\": 1\n", "stack.yaml:1:1:", "U+0000");
	assert_refused("a: 1\nb: \x1b[2J\n", "stack.yaml:2:4:", "control characters");
	assert_refused("a: \xff\n", "stack.yaml:1:4:", "UTF-8");
	assert_refused("a: @x\n", "stack.yaml:1:4:", "quotation marks");
}
END_TEST

/* A file that is small can neither become large nor take long. */
START_TEST(test_bombs_are_refused)
{
	static char text[1 << 20];

	memset(text, '[', sizeof(text) - 1);
	assert_refused(text, "stack.yaml:1:33:", "nested deeper than 32");
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "- ", 3);
	assert_refused(text, "stack.yaml:1:65:", "nested deeper than 32");
	size_t length = 1;
	text[0] = '[';
	for (int i = 0; i < 17000; i++, length += 2)
		memcpy(text + length, "1,", 3);
	memcpy(text + length, "]", 2);
	assert_refused(text, "stack.yaml:1:", "more than 16384 values");
}
END_TEST

static void teardown(void)
{
	yaml_release(&document);
}

int main(void)
{
	const TTest *const tests[] = { test_values, test_json_is_read, test_places,
		test_what_is_ambiguous_is_refused, test_what_yaml_adds_is_refused,
		test_what_is_broken_is_refused, test_bombs_are_refused, NULL };
	return suite_main("yaml", tests, NULL, teardown);
}
