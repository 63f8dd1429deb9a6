/*
 * A scanner without memory of its own: it walks the text once, counts depth and nodes, and stops at
 * the first byte that RFC 8259 does not allow.
 */
#include "base/json_scan.h"

#include <string.h>
#include <unistr.h>

#include "base/json_pointer.h"
#include "base/text.h"
#include "slipway/field.h"

static const struct {
	int depth;
	int nodes;
	bool control_characters; /* escaped ones beside tab, line feed and carriage return */
} limit_rows[] = {
	[JSON_LIMITS_CLIENT] = { 32, 4096, false },
	[JSON_LIMITS_WIDE] = { 128, 400000, true },
};

struct scan {
	const char *text;
	size_t length;
	size_t next; /* offset of the byte to be read */
	enum json_limits limits;
	int depth;
	int nodes;
	char place[192]; /* JSON pointer of the value that is being read */
	struct error *error;
};

static enum error_class scan_fail(struct scan *scan, const char *what)
{
	error_set(scan->error, ERROR_INVALID_REQUEST, "not valid JSON at byte %zu: %s", scan->next,
		what);
	return error_at(scan->error, "%s", scan->place);
}

/* The next byte, or -1 at the end. */
static int scan_peek(const struct scan *scan)
{
	return scan->next < scan->length ? (unsigned char)scan->text[scan->next] : -1;
}

static bool scan_take(struct scan *scan, char expected)
{
	if (scan_peek(scan) != expected)
		return false;
	scan->next++;
	return true;
}

static void scan_space(struct scan *scan)
{
	while (scan->next < scan->length && strchr(" \t\n\r", scan->text[scan->next]) != NULL &&
		scan->text[scan->next] != '\0')
		scan->next++;
}

static bool is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static bool scan_digits(struct scan *scan)
{
	if (!is_digit(scan_peek(scan)))
		return false;
	while (is_digit(scan_peek(scan)))
		scan->next++;
	return true;
}

static enum error_class scan_number(struct scan *scan)
{
	size_t start = scan->next;

	scan_take(scan, '-');
	if (!scan_take(scan, '0') && !scan_digits(scan))
		return scan_fail(scan, "a value was expected");
	if (is_digit(scan_peek(scan)))
		return scan_fail(scan, "a number must not begin with 0");
	if (scan_take(scan, '.') && !scan_digits(scan))
		return scan_fail(scan, "a digit was expected behind the point");
	if (scan_take(scan, 'e') || scan_take(scan, 'E')) {
		if (!scan_take(scan, '+'))
			scan_take(scan, '-');
		if (!scan_digits(scan))
			return scan_fail(scan, "a digit was expected in the exponent");
	}

	/* cJSON copies a number into 64 bytes and would silently read the
	 * rest as something else. */
	if (scan->next - start > 40)
		return scan_fail(scan, "the number has too many digits");
	return ERROR_NONE;
}

static int hexadecimal_value(int byte)
{
	if (is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* The four digits of \uXXXX; -1 where they are none. */
static int scan_code_unit(struct scan *scan)
{
	int unit = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hexadecimal_value(scan_peek(scan));
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
		scan->next++;
	}

	return unit;
}

static enum error_class scan_unicode_escape(struct scan *scan)
{
	int unit = scan_code_unit(scan);

	if (unit < 0)
		return scan_fail(scan, "four hexadecimal digits were expected behind \\u");
	if (unit == 0)
		return scan_fail(scan, "U+0000 is not allowed");
	bool control =
		(unit < 0x20 && unit != '\t' && unit != '\n' && unit != '\r') || unit == 0x7F;
	if (control && !limit_rows[scan->limits].control_characters)
		return scan_fail(scan, "control characters are not allowed");
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return scan_fail(scan, "a lone low surrogate");
	if (unit < 0xD800 || unit > 0xDBFF)
		return ERROR_NONE;
	if (!scan_take(scan, '\\') || !scan_take(scan, 'u'))
		return scan_fail(scan, "a lone high surrogate");
	int low = scan_code_unit(scan);
	return low >= 0xDC00 && low <= 0xDFFF ? ERROR_NONE
					      : scan_fail(scan, "a lone high surrogate");
}

static enum error_class scan_escape(struct scan *scan)
{
	int byte = scan_peek(scan);
	if (byte <= 0 || strchr("\"\\/bfnrtu", byte) == NULL)
		return scan_fail(scan, "an unknown escape");
	if ((byte == 'b' || byte == 'f') && !limit_rows[scan->limits].control_characters)
		return scan_fail(scan, "control characters are not allowed");
	scan->next++;
	return byte == 'u' ? scan_unicode_escape(scan) : ERROR_NONE;
}

static enum error_class scan_string(struct scan *scan)
{
	if (!scan_take(scan, '"'))
		return scan_fail(scan, "a string was expected");
	for (;;) {
		int byte = scan_peek(scan);
		if (byte < 0)
			return scan_fail(scan, "the string has no end");
		if (byte < 0x20 || (byte == 0x7F && !limit_rows[scan->limits].control_characters))
			return scan_fail(scan, "control characters must not stand in a string");
		scan->next++;
		if (byte == '"')
			return ERROR_NONE;
		if (byte == '\\' && scan_escape(scan) != ERROR_NONE)
			return scan->error->class;
	}
}

static enum error_class scan_value(struct scan *scan);

/* Scans the member's or item's value with its name on the place, and takes the name off again. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_child(struct scan *scan, const char *name)
{
	size_t length = strlen(scan->place);
	json_pointer_append(scan->place, sizeof(scan->place), name);
	if (scan_value(scan) != ERROR_NONE)
		return scan->error->class;
	scan->place[length] = '\0';
	scan_space(scan);
	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_member(struct scan *scan)
{
	scan_space(scan);
	size_t start = scan->next + 1;
	if (scan_string(scan) != ERROR_NONE)
		return scan->error->class;

	/* The name as it is written, escapes included: good enough to find the place. */
	char name[80];
	size_t length = scan->next - 1 - start;
	if (length >= sizeof(name))
		length = sizeof(name) - 1;
	memcpy(name, scan->text + start, length);
	name[length] = '\0';
	scan_space(scan);
	if (!scan_take(scan, ':'))
		return scan_fail(scan, "a colon was expected");
	return scan_child(scan, name);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_object(struct scan *scan)
{
	scan_space(scan);
	if (scan_take(scan, '}'))
		return ERROR_NONE;
	do {
		if (scan_member(scan) != ERROR_NONE)
			return scan->error->class;
	} while (scan_take(scan, ','));
	return scan_take(scan, '}') ? ERROR_NONE : scan_fail(scan, "a comma or } was expected");
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_array(struct scan *scan)
{
	scan_space(scan);
	if (scan_take(scan, ']'))
		return ERROR_NONE;
	int index = 0;
	do {
		char number[16];
		text_format(number, sizeof(number), "%d", index++);
		if (scan_child(scan, number) != ERROR_NONE)
			return scan->error->class;
	} while (scan_take(scan, ','));
	return scan_take(scan, ']') ? ERROR_NONE : scan_fail(scan, "a comma or ] was expected");
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_nested(struct scan *scan)
{
	bool object = scan->text[scan->next++] == '{';
	if (++scan->depth > limit_rows[scan->limits].depth)
		return scan_fail(scan, "it is nested too deeply");
	if ((object ? scan_object(scan) : scan_array(scan)) != ERROR_NONE)
		return scan->error->class;
	scan->depth--;
	return ERROR_NONE;
}

static enum error_class scan_literal(struct scan *scan)
{
	static const char *const literals[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		size_t length = strlen(literals[i]);
		if (scan->length - scan->next >= length &&
			memcmp(scan->text + scan->next, literals[i], length) == 0) {
			scan->next += length;
			return ERROR_NONE;
		}
	}

	return scan_number(scan);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class scan_value(struct scan *scan)
{
	scan_space(scan);
	if (++scan->nodes > limit_rows[scan->limits].nodes)
		return scan_fail(scan, "it has too many values");
	int byte = scan_peek(scan);
	if (byte == '{' || byte == '[')
		return scan_nested(scan);
	if (byte == '"')
		return scan_string(scan);
	return scan_literal(scan);
}

enum error_class json_scan(
	const char *text, size_t length, enum json_limits limits, struct error *error)
{
	struct scan scan = { .text = text, .length = length, .limits = limits, .error = error };
	const uint8_t *bad = u8_check((const uint8_t *)text, length);

	if (bad != NULL) {
		scan.next = (size_t)(bad - (const uint8_t *)text);
		return scan_fail(&scan, "the text is not well-formed UTF-8");
	}

	if (scan_value(&scan) != ERROR_NONE)
		return error->class;
	scan_space(&scan);
	return scan.next == length ? ERROR_NONE : scan_fail(&scan, "there is more behind the end");
}
