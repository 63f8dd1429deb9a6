/*
 * What is written straight into a buffer has the same bytes as what cJSON prints of a tree: looked
 * at for all that a text, a number and a JSON text may be, in thousands that are made up.
 *
 * covers: src/base/json_write.c
 */
#include <string.h>

#include "base/json_write.h"
#include "harness/suite.h"
#include "slipway/field.h"

#define MADE_UP 200000

static struct buffer buffer;
static struct json_writer writer;

static void begin(size_t limit)
{
	buffer_release(&buffer);
	buffer_init(&buffer, limit);
	writer = json_writer_to(&buffer, 0);
}

static void tear_down(void)
{
	buffer_release(&buffer);
}

/* The same in each run. */
static uint32_t seed = 1;
static uint32_t any(uint32_t below)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % below;
}

/* Of pieces that mean something to one who reads JSON. */
static void make_text(const char *const *pieces, uint32_t count, char *text, size_t size)
{
	size_t length = 0;
	for (uint32_t left = any(12); left > 0; left--) {
		const char *piece = pieces[any(count)];
		if (length + strlen(piece) >= size)
			break;
		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	text[length] = '\0';
}

static void expect_same(cJSON *tree, const char *from)
{
	char *printed = cJSON_PrintUnformatted(tree);
	ck_assert_msg(writer.complete, "refused: %s", from);
	ck_assert_msg(strcmp(buffer_text(&buffer), printed) == 0, "%s: %s instead of %s", from,
		buffer_text(&buffer), printed);
	cJSON_free(printed);
	cJSON_Delete(tree);
}

START_TEST(test_every_byte_of_a_text)
{
	for (int byte = 1; byte < 256; byte++) {
		const char texts[][4] = { { (char)byte, '\0' }, { 'a', (char)byte, '\0' },
			{ (char)byte, 'a', (char)byte, '\0' } };
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			begin(1000);
			json_write_text(&writer, texts[i]);
			expect_same(cJSON_CreateString(texts[i]), texts[i]);
		}
	}
	begin(1000);
	json_write_text(&writer, NULL);
	expect_same(cJSON_CreateNull(), "NULL");
}
END_TEST

START_TEST(test_numbers)
{
	static const int64_t around[] = { 0, 9, 99, 999999999999999, 1000000000000000,
		1234567890123456, JSON_INTEGER_MAX, INT64_MAX - 2 };
	for (size_t i = 0; i < ARRAY_LEN(around); i++)
		for (int64_t by = -2; by <= 2; by++)
			for (int sign = -1; sign <= 1; sign += 2) {
				int64_t value = sign * (around[i] + by);
				begin(1000);
				json_write_integer(&writer, value);
				expect_same(json_integer(value), "a number");
			}
	begin(1000);
	json_write_integer(&writer, INT64_MIN);
	expect_same(json_integer(INT64_MIN), "the least number");
}
END_TEST

START_TEST(test_json_text_is_as_if_it_were_parsed_and_printed)
{
	static const char *const pieces[] = { "{", "}", "[", "]", ",", ":", "\"", "\"a\"",
		"\"a\":", "1", "0", "-", ".5", "e3", "999999999999999", "1000000000000000", "null",
		"true", "false", "nul", " ", "\n", "\\", "\\n", "\\/", "/", "\\u00e9", "\\u0041",
		"\\\"", "\xc3\xa9", "\xff", "\x01", "\x7f", "{}", "[]", "\xef\xbb\xbf",
		"{\"a\":[1,\"b\"]}", "[{\"c\":null},-7]", "\"x\\\\y\"", "01", "-0",
		"\"\\b\\f\\r\\t\"" };
	char text[200];
	size_t good = 0;
	for (int i = 0; i < MADE_UP; i++) {
		make_text(pieces, ARRAY_LEN(pieces), text, sizeof(text));
		cJSON *tree = cJSON_Parse(text);
		begin(10000);
		json_write_json(&writer, text);
		if (tree != NULL)
			expect_same(tree, text);
		else
			ck_assert_msg(!writer.complete, "took %s", text);
		good += tree != NULL;
	}
	ck_assert_uint_gt(good, MADE_UP / 20);
}
END_TEST

static void expect_parsed(const char *text)
{
	begin(10000);
	json_write_json(&writer, text);
	expect_same(cJSON_Parse(text), text);
}

START_TEST(test_json_text_that_is_deep_or_long)
{
	char text[2001];
	expect_parsed("{\"url\":\"https://x.test/a?b=c&d\",\"n\":[1,2,{\"e\":[]}],\"t\":true}");
	for (size_t depth = 1; depth < 200; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		expect_parsed(text);
	}
	memset(text, 'x', 2000);
	text[0] = text[1999] = '"';
	text[2000] = '\0';
	expect_parsed(text);
	begin(10000);
	json_write_json(&writer, NULL);
	expect_same(cJSON_CreateNull(), "NULL");
}
END_TEST

static void write_document(void)
{
	CLEANUP_JSON cJSON *tree = cJSON_Parse("{\"z\":[1]}");
	json_open(&writer, '{');
	json_write_name(&writer, "empty");
	json_open(&writer, '[');
	json_close(&writer, ']');
	json_write_name(&writer, "list");
	json_open(&writer, '[');
	json_write_integer(&writer, 1);
	json_open(&writer, '{');
	json_close(&writer, '}');
	json_write_tree(&writer, tree);
	json_write_json(&writer, "[ 2 ]");
	json_write_text(&writer, "a\nb\"");
	json_close(&writer, ']');
	json_write_name(&writer, "is");
	json_write_boolean(&writer, false);
	json_write_name(&writer, "none");
	json_write_json(&writer, "{}");
	json_close(&writer, '}');
}

#define DOCUMENT                                                                                   \
	"{\"empty\":[],\"list\":[1,{},{\"z\":[1]},[2],\"a\\nb\\\"\"],\"is\":false,\"none\":{}}"

START_TEST(test_commas_stand_between_values)
{
	begin(1000);
	write_document();
	ck_assert(writer.complete);
	ck_assert_str_eq(buffer_text(&buffer), DOCUMENT);
}
END_TEST

/* Wherever the limit is: what does not fit is known at the end, and never more is written. */
START_TEST(test_a_buffer_that_is_too_small)
{
	for (size_t limit = 0; limit < strlen(DOCUMENT); limit++) {
		begin(limit);
		write_document();
		ck_assert_msg(!writer.complete, "all in %zu bytes", limit);
		ck_assert_uint_le(buffer.length, limit);
	}
	begin(1000);
	json_write_tree(&writer, NULL);
	ck_assert(!writer.complete);
	begin(1000);
	ck_assert(!json_writer_to(&buffer, 1001).complete);
	writer = json_writer_to(&buffer, 1000);
	write_document();
	ck_assert_str_eq(buffer_text(&buffer), DOCUMENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_every_byte_of_a_text, test_numbers,
		test_json_text_is_as_if_it_were_parsed_and_printed,
		test_json_text_that_is_deep_or_long, test_commas_stand_between_values,
		test_a_buffer_that_is_too_small, NULL };
	return suite_main("json_write", tests, NULL, tear_down);
}
