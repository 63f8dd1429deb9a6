/*
 * A few appends for each value. JSON text that is already as cJSON prints it goes in as it is; all
 * other is parsed and printed.
 */
#include "base/json_write.h"

#include <string.h>

#include "base/text.h"

#define DIGITS_EXACT ((int64_t)1000000000000000) /* from here on cJSON prints exponents */
#define DEPTH_MAX    32                          /* of text that goes in as it is */

struct json_writer json_writer_to(struct buffer *buffer, size_t usual)
{
	const bool has_room = usual == 0 || buffer_room(buffer, usual) != NULL;

	return (struct json_writer){ .buffer = buffer, .complete = has_room };
}

/* Room for a comma, where one is due, and `length` bytes; NULL: there is none. */
static char *begin_value(struct json_writer *writer, size_t length)
{
	char *to = writer->complete ? buffer_room(writer->buffer, length + 1) : NULL;

	writer->complete = to != NULL;
	if (to != NULL && writer->behind_value) {
		*to++ = ',';
		buffer_use(writer->buffer, 1);
	}
	writer->behind_value = true;
	return to;
}

static void append(struct json_writer *writer, const char *bytes, size_t length)
{
	writer->complete = writer->complete && buffer_append(writer->buffer, bytes, length);
}

static void write_plain(struct json_writer *writer, const char *bytes, size_t length)
{
	char *to = begin_value(writer, length);

	if (to == NULL)
		return;
	memcpy(to, bytes, length);
	buffer_use(writer->buffer, length);
}

void json_open(struct json_writer *writer, char bracket)
{
	write_plain(writer, &bracket, 1);
	writer->behind_value = false;
}

void json_close(struct json_writer *writer, char bracket)
{
	append(writer, &bracket, 1);
	writer->behind_value = true;
}

/* ---- texts ---- */

static bool is_plain(char character)
{
	return (unsigned char)character >= ' ' && character != '"' && character != '\\';
}

/* Of eight characters at a time: each byte is looked at in its place in a word, in which a borrow
 * from one place to the next is of no matter, as then the first is not plain. */
#define EACH(byte)     ((uint64_t)(byte)*0x0101010101010101U)
#define LESS(word, by) (((word)-EACH(by)) & ~(word)&EACH(0x80))

static bool are_plain(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return (LESS(word, ' ') | LESS(word ^ EACH('"'), 1) | LESS(word ^ EACH('\\'), 1)) == 0;
}

/* Of the first `length` characters, how many come before one that is not plain. */
static size_t plain_length(const char *text, size_t length)
{
	size_t plain = 0;

	while (length - plain >= sizeof(uint64_t) && are_plain(text + plain))
		plain += sizeof(uint64_t);
	while (plain < length && is_plain(text[plain]))
		plain++;
	return plain;
}

static void append_escape(struct json_writer *writer, char character)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt",
			  digits[] = "0123456789abcdef";
	const char *found = strchr(named, character);

	if (found != NULL)
		append(writer, (const char[]){ '\\', letters[found - named] }, 2);
	else
		append(writer,
			(const char[]){ '\\', 'u', '0', '0', digits[character >> 4 & 0xf],
				digits[character & 0xf] },
			6);
}

void json_write_text(struct json_writer *writer, const char *text)
{
	if (text == NULL) {
		write_plain(writer, "null", 4);
		return;
	}

	size_t left = strlen(text);
	size_t length = plain_length(text, left);
	char *to = begin_value(writer, length + 2);
	if (to == NULL)
		return;
	*to = '"';
	memcpy(to + 1, text, length);
	left -= length;
	if (left == 0) {
		to[length + 1] = '"';
		buffer_use(writer->buffer, length + 2);
		return;
	}

	buffer_use(writer->buffer, length + 1);
	for (text += length; left > 0; text += length, left -= length) {
		append_escape(writer, *text++);
		left--;
		length = plain_length(text, left);
		append(writer, text, length);
	}
	append(writer, "\"", 1);
}

static char *put(char *to, const char *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

void json_write_name(struct json_writer *writer, const char *name)
{
	size_t length = strlen(name);
	char *to = begin_value(writer, length + 3);

	if (to == NULL)
		return;
	*to = '"';
	put(put(to + 1, name, length), "\":", 2);
	buffer_use(writer->buffer, length + 3);
	writer->behind_value = false;
}

/* ---- numbers and the like ---- */

void json_write_integer(struct json_writer *writer, int64_t value)
{
	char text[INTEGER_TEXT_SIZE];

	if (value <= -DIGITS_EXACT || value >= DIGITS_EXACT) {
		CLEANUP_JSON cJSON *number = json_integer(value);
		json_write_tree(writer, number);
		return;
	}
	const char *digits = text_of_integer(text, value);
	write_plain(writer, digits, strlen(digits));
}

void json_write_boolean(struct json_writer *writer, bool value)
{
	write_plain(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_write_tree(struct json_writer *writer, const cJSON *json)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	if (text != NULL)
		write_plain(writer, text, strlen(text));
	writer->complete = writer->complete && text != NULL;
	cJSON_free(text);
}

/* ---- JSON text ---- */

/* Each gives the end of what it is about, where that is as cJSON prints it; else NULL. */
static const char *skip_value(const char *text, int depth);

static const char *skip_text(const char *text)
{
	if (*text != '"')
		return NULL;
	for (text++; *text != '"'; text++) {
		if (*text == '\\' && text[1] != '\0' && strchr("\"\\bfnrt", text[1]) != NULL)
			text++;
		else if (!is_plain(*text))
			return NULL;
	}
	return text + 1;
}

/* An integer that a double holds, and no more digits than are printed without an exponent. */
static const char *skip_integer(const char *text)
{
	const char *digits = *text == '-' ? text + 1 : text;
	size_t count = strspn(digits, "0123456789");

	if (count == 0 || count > 15 || (*digits == '0' && (count > 1 || *text == '-')))
		return NULL;
	return digits + count;
}

static const char *skip_literal(const char *text)
{
	static const char *const literals[] = { "null", "true", "false" };

	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++)
		if (strncmp(text, literals[i], strlen(literals[i])) == 0)
			return text + strlen(literals[i]);
	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static const char *skip_member(const char *text, int depth)
{
	text = skip_text(text);
	return text != NULL && *text == ':' ? skip_value(text + 1, depth) : NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static const char *skip_nested(const char *text, int depth)
{
	const bool is_object = *text++ == '{';
	const char end = is_object ? '}' : ']';

	if (depth == DEPTH_MAX)
		return NULL;
	if (*text == end)
		return text + 1;
	for (;; text++) {
		text = is_object ? skip_member(text, depth + 1) : skip_value(text, depth + 1);
		if (text == NULL || *text != ',')
			break;
	}
	return text != NULL && *text == end ? text + 1 : NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static const char *skip_value(const char *text, int depth)
{
	if (*text == '{' || *text == '[')
		return skip_nested(text, depth);
	if (*text == '"')
		return skip_text(text);
	return *text == '-' || (*text >= '0' && *text <= '9') ? skip_integer(text)
							      : skip_literal(text);
}

void json_write_json(struct json_writer *writer, const char *json)
{
	if (json == NULL) {
		json_write_text(writer, NULL);
		return;
	}

	const char *end = skip_value(json, 0);
	if (end != NULL && *end == '\0') {
		write_plain(writer, json, (size_t)(end - json));
		return;
	}
	CLEANUP_JSON cJSON *tree = cJSON_Parse(json);
	json_write_tree(writer, tree);
}

void json_write_made(struct json_writer *writer, const char *json)
{
	write_plain(writer, json, strlen(json));
}
