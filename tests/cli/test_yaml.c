/*
 * YAML as it is read, where its values stand, and what is refused with which words.
 *
 * covers: src/cli/yaml.c src/cli/yaml_plain.c
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
	assert_json("a: 1\nb: -2.5\nc: 0\nd: true\ne: null\nf: text\n",
		"{\"a\":1,\"b\":-2.5,\"c\":0,\"d\":true,\"e\":null,\"f\":\"text\"}");
	assert_json("a: 999999999999999\nb: 0.1\nc: 3.14159\n",
		"{\"a\":999999999999999,\"b\":0.1,\"c\":3.14159}");
	assert_json("a: \"1\"\nb: 'yes'\nc: \"\"\nd: {}\ne: []\n",
		"{\"a\":\"1\",\"b\":\"yes\",\"c\":\"\",\"d\":{},\"e\":[]}");
	assert_json("list:\n- a\n- b: 1\n  c: 2\n- [x, z]\n",
		"{\"list\":[\"a\",{\"b\":1,\"c\":2},[\"x\",\"z\"]]}");
	assert_json("a: |\n  one\n  two\nb: >-\n  one\n  two\n",
		"{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}");
	assert_json("# comment\na: ${step.repo.url} # another\n", "{\"a\":\"${step.repo.url}\"}");
	assert_json("a: 1.2.3\nb: 2026-11\nc: v1\nd: 127.0.0.1:80\ne: a-b\nf: 3rd\ng: 1e\n",
		"{\"a\":\"1.2.3\",\"b\":\"2026-11\",\"c\":\"v1\",\"d\":\"127.0.0.1:80\",\"e\":"
		"\"a-b\",\"f\":\"3rd\",\"g\":\"1e\"}");
	assert_json("yes-or-no: a\n\"y\": b\n'1': c\nv1.10: d\n",
		"{\"yes-or-no\":\"a\",\"y\":\"b\",\"1\":\"c\",\"v1.10\":\"d\"}");
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
	/* Of its numbers there is one reading only. */
	assert_json("{\"a\":[1e+20,1.10,1E-7,-0.0,1.0]}", "{\"a\":[1e+20,1.1,1e-07,-0,1]}");
	/* YAML would end the line there. */
	assert_json("{\"a\":\"x \xe2\x80\xa8 y \xc2\x85 z\"}",
		"{\"a\":\"x \xe2\x80\xa8 y \xc2\x85 z\"}");
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
		"Null", "0123", "010", "0x1F", "0X1f", "0b1", "0o17", "1_000", "+5", ".5", "5.",
		".inf", "-.INF", ".nan", "-0123", "1234e56", "1e3", "1.5E-3", "1_0e3", "1.10",
		"1.0", "-0", "0.00001", "0.12345678901234567", "12:30", "12:30:45", "-1:30.5",
		"2026-11-28", "2026-1-2", "2026-11-28T12:30:45Z", "2026-11-28 12:30:45", "=" };
	char text[64];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), "a: %s\n", values[i]);
		assert_refused(text, "stack.yaml:1:4:", "");
		ck_assert_ptr_nonnull(strstr(error.message, "write \""));
	}
	assert_refused(
		"a: 1.10\n", "stack.yaml:1:4:", "write \"1.10\" if a text is meant, else 1.1");
	assert_refused("a: 9007199254740991\n", "stack.yaml:1:4:", "too many digits for a number");
	assert_refused("a: 12345678901234567890\n", "stack.yaml:1:4:", "too large for a number");
	assert_refused("{\"a\": 1e999}", "stack.yaml:1:7:", "too large for a number");
	assert_refused("a:\nb: 1\n", "stack.yaml:1:3:", "a value is missing");
	assert_refused("a:\n- \n", "stack.yaml:2:", "a value is missing");
}
END_TEST

START_TEST(test_names_that_are_ambiguous_are_refused)
{
	static const char *const names[] = { "y", "on", "No", "null", "true", "~", "010", "123",
		"1.5", "2026-11-28", "12:30", "1e3", "=" };
	char text[64], words[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "a:\n  %s: x\n", names[i]);
		snprintf(words, sizeof(words), "write \"%s\"", names[i]);
		assert_refused(text, "stack.yaml:2:3:", words);
		snprintf(text, sizeof(text), "a: {%s: x}\n", names[i]);
		assert_refused(text, "stack.yaml:1:5:", words);
		snprintf(text, sizeof(text), "a:\n  \"%s\": x\n", names[i]);
		ck_assert_int_eq(parse(text), ERROR_NONE);
	}
	assert_refused("a:\n  ?\n  : x\n", "stack.yaml:", "a name is missing");
}
END_TEST

/* YAML 1.1 ends a line there, YAML 1.2 and JSON do not. */
START_TEST(test_line_ends_of_one_version_are_refused)
{
	assert_refused("a: 1\nb: \"x \xe2\x80\xa8 y\"\n", "stack.yaml:2:7:", "\\u2028");
	assert_refused("a: \"x\xe2\x80\xa9\"\n", "stack.yaml:1:6:", "\\u2029");
	assert_refused("a: x\xc2\x85y\n", "stack.yaml:1:5:", "\\u0085");
	assert_json("a: \"x \\u2028 y\"\n", "{\"a\":\"x \xe2\x80\xa8 y\"}");
}
END_TEST

/* What a request may have, in the place where the file has it. */
START_TEST(test_what_the_server_takes_is_read)
{
	static char text[1 << 20];
	size_t length = 0;

	for (int i = 0; i < 36; i++)
		text[length++] = '[';
	for (int i = 0; i < 36; i++)
		text[length++] = ']';
	text[length] = '\0';
	ck_assert_msg(parse(text) == ERROR_NONE, "%s", error.message);
	/* A name that libyaml finds too long. */
	length = (size_t)snprintf(text, sizeof(text), "{\"a\":1.10,\"");
	memset(text + length, 'n', 70000);
	snprintf(text + length + 70000, 100, "\":[1,2]}");
	ck_assert_msg(parse(text) == ERROR_NONE, "%s", error.message);
	length = (size_t)snprintf(text, sizeof(text), "{\"a\":[1");
	for (int i = 0; i < 20000; i++)
		length += (size_t)snprintf(text + length, 10, ",%d", i % 10);
	snprintf(text + length, 10, "]}");
	ck_assert_msg(parse(text) == ERROR_NONE, "%s", error.message);
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
	const size_t most = suite_under_valgrind() ? 1 << 14 : sizeof(text);

	memset(text, '[', most - 1);
	assert_refused(text, "stack.yaml:1:37:", "nested deeper than 36");
	for (size_t i = 0; i + 2 < most; i += 2)
		memcpy(text + i, "- ", 3);
	assert_refused(text, "stack.yaml:1:73:", "nested deeper than 36");
	size_t length = (size_t)snprintf(text, sizeof(text), "{");
	for (int i = 0; i < 4097; i++)
		length += (size_t)snprintf(text + length, 20, "\"a%d\":1,", i);
	snprintf(text + length, 20, "\"a\":1}");
	assert_refused(text, "stack.yaml:1:", "more than 4096 members");
	/* The other reader of JSON has the same bounds. */
	snprintf(text + length, 40, "\"a\":\"\\ud83d\\ude00\"}");
	assert_refused(text, "stack.yaml:1:", "more than 4096 members");
	length = (size_t)snprintf(text, sizeof(text), "{\"b\":\"\\ud83d\\ude00\",\"a\":");
	memset(text + length, '[', 40);
	memset(text + length + 40, ']', 40);
	memcpy(text + length + 80, "}", 2);
	assert_refused(text, "stack.yaml:1:", "deeper than 36");
}
END_TEST

START_TEST(test_too_many_values_are_refused)
{
	static char text[1 << 20] = "[";
	size_t length = 1;

	for (int i = 0; i < 140000; i++, length += 2)
		memcpy(text + length, "1,", 3);
	memcpy(text + length, "]", 2);
	if (!suite_under_valgrind())
		assert_refused(text, "stack.yaml:1:", "more than 131072 values");
}
END_TEST

static void teardown(void)
{
	yaml_release(&document);
}

int main(void)
{
	const TTest *const tests[] = { test_values, test_json_is_read, test_places,
		test_what_is_ambiguous_is_refused, test_names_that_are_ambiguous_are_refused,
		test_line_ends_of_one_version_are_refused, test_what_the_server_takes_is_read,
		test_what_yaml_adds_is_refused, test_what_is_broken_is_refused,
		test_bombs_are_refused, test_too_many_values_are_refused, NULL };
	return suite_main("yaml", tests, NULL, teardown);
}
