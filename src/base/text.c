/*
 * Copies and formats into fixed arrays. A text that is too long is cut where a UTF-8 character
 * begins, never inside one.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

/* Drops an incomplete UTF-8 sequence at the end of a text that was cut. */
static void drop_partial_character(char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (length - (start - 1) < whole)
		text[start - 1] = '\0';
}

static bool copy(char *target, size_t size, const char *source, size_t length)
{
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memmove(target, source, length);
	target[length] = '\0';
	if (!fits)
		drop_partial_character(target, length);
	return fits;
}

bool text_copy(char *target, size_t size, const char *source)
{
	return copy(target, size, source, strlen(source));
}

bool text_copy_part(char *target, size_t size, const char *source, size_t length)
{
	return copy(target, size, source, strnlen(source, length));
}

bool text_format_list(char *target, size_t size, const char *format, va_list arguments)
{
	int length = vsnprintf(target, size, format, arguments);

	if (length < 0) {
		target[0] = '\0';
		return false;
	}

	if ((size_t)length < size)
		return true;
	drop_partial_character(target, size - 1);
	return false;
}

bool text_format(char *target, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	bool fits = text_format_list(target, size, format, arguments);
	va_end(arguments);
	return fits;
}

bool text_append(char *target, size_t size, const char *format, ...)
{
	size_t length = strlen(target);
	va_list arguments;

	va_start(arguments, format);
	bool fits = text_format_list(target + length, size - length, format, arguments);
	va_end(arguments);
	return fits;
}

const char *text_of_integer(char text[INTEGER_TEXT_SIZE], int64_t value)
{
	/* Of the lowest number there is no positive one. */
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *first = &text[INTEGER_TEXT_SIZE - 1];

	*first = '\0';
	do
		*--first = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		*--first = '-';
	return first;
}

bool text_to_integer(const char *text, int64_t *ret_value)
{
	const bool is_negative = *text == '-';
	int64_t value = 0;

	if (is_negative)
		text++;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		const int digit = *text - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, is_negative ? -digit : digit, &value))
			return false;
	}

	*ret_value = value;
	return true;
}

bool text_join(char *target, size_t size, const char *const *parts, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		const size_t part = strlen(parts[i]);
		if (part >= size - length) {
			text_copy(target + length, size - length, parts[i]);
			return false;
		}
		memcpy(target + length, parts[i], part + 1);
		length += part;
	}
	return true;
}

bool text_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

uint32_t text_hash(const char *text)
{
	uint32_t hash = 2166136261U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

const char *text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

bool text_is_valid(const char *text)
{
	return u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

/* Most texts are: that is found in a fraction of the time. */
static bool is_ascii(const char *text, size_t length)
{
	const uint64_t high = 0x8080808080808080;
	uint64_t bits = 0, word;

	for (; length >= sizeof(word); text += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		bits |= word;
	}
	for (size_t i = 0; i < length; i++)
		bits |= (unsigned char)text[i];
	return (bits & high) == 0;
}

void text_make_valid(char *text, size_t length)
{
	if (is_ascii(text, length))
		return;
	const uint8_t *bad = u8_check((const uint8_t *)text, length);
	while (bad != NULL) {
		size_t at = (size_t)(bad - (const uint8_t *)text);
		text[at] = '?';
		bad = u8_check((const uint8_t *)text + at, length - at);
	}
}

size_t text_control_length(const char *text, size_t left)
{
	unsigned char first = (unsigned char)text[0];

	if (first < ' ' || first == 0x7F)
		return 1;
	/* For a terminal, U+009B may begin an escape sequence. */
	return first == 0xC2 && left > 1 && (unsigned char)text[1] >= 0x80 &&
			(unsigned char)text[1] <= 0x9F
		? 2
		: 0;
}

bool text_is_plain(const char *text)
{
	for (const char *next = text; *next != '\0'; next++)
		if (text_control_length(next, 2) > 0)
			return false;
	return text_is_valid(text);
}

void text_make_plain(char *text)
{
	text_make_valid(text, strlen(text));
	while (*text != '\0') {
		size_t length = text_control_length(text, 2);
		if (length > 0)
			memset(text, strchr("\t\n\r", *text) != NULL ? ' ' : '?', length);
		text += length > 0 ? length : 1;
	}
}
