/*
 * Copies and formats into fixed arrays. A text that is too long is cut where a UTF-8 character
 * begins, never inside one.
 */
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

bool text_copy(char *target, size_t size, const char *source)
{
	size_t length = strlen(source);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memmove(target, source, length);
	target[length] = '\0';
	if (!fits)
		drop_partial_character(target, length);
	return fits;
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

bool text_to_integer(const char *text, int64_t *ret_value)
{
	if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
		return false;
	char *end;
	errno = 0;
	intmax_t value = strtoimax(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	*ret_value = value;
	return true;
}

bool text_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

bool text_is_valid(const char *text)
{
	return u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

void text_make_valid(char *text, size_t length)
{
	const uint8_t *bad = u8_check((const uint8_t *)text, length);
	while (bad != NULL) {
		size_t at = (size_t)(bad - (const uint8_t *)text);
		text[at] = '?';
		bad = u8_check((const uint8_t *)text + at, length - at);
	}
}
