/*
 * The words, numbers, times and dates of all versions. Where readers differ in the form, the widest
 * one counts: to quote a text that needed no quotation marks costs nobody anything.
 */
#include "cli/yaml_plain.h"

#include <string.h>

#include "slipway/field.h"

#define DIGITS "0123456789"

/* ---- numbers ---- */

/* Moves behind digits; returns whether there were any. */
static bool skip_digits(const char **next)
{
	const size_t digits = strspn(*next, DIGITS);

	*next += digits;
	return digits > 0;
}

/* Moves behind the digits of a JSON number up to its exponent; false: there is none. */
static bool skip_decimal(const char **next)
{
	*next += **next == '-' ? 1 : 0;
	const bool leading_zero = **next == '0' && strchr(DIGITS, (*next)[1]) != NULL;

	if ((leading_zero && (*next)[1] != '\0') || !skip_digits(next))
		return false;
	if (**next != '.')
		return true;
	(*next)++;
	return skip_digits(next);
}

bool yaml_plain_is_decimal(const char *text)
{
	return skip_decimal(&text) && *text == '\0';
}

bool yaml_plain_is_number(const char *text)
{
	if (!skip_decimal(&text))
		return false;
	if (*text == 'e' || *text == 'E') {
		text += text[1] == '+' || text[1] == '-' ? 2 : 1;
		if (!skip_digits(&text))
			return false;
	}
	return *text == '\0';
}

/* Digits with points, underscores and an exponent: 1_000, .5, 010, 1234e56. */
static bool is_number_somewhere(const char *text)
{
	const char *point = strchr(text, '.');
	const size_t mantissa = strspn(text, DIGITS "_.");
	const char *rest = text + mantissa;

	if (strcspn(text, DIGITS) >= mantissa ||
		(point != NULL && point < rest &&
			memchr(point + 1, '.', (size_t)(rest - point - 1))))
		return false;
	if (*rest == 'e' || *rest == 'E') {
		rest += rest[1] == '+' || rest[1] == '-' ? 2 : 1;
		if (!skip_digits(&rest))
			return false;
	}
	return *rest == '\0';
}

/* 0x1F, 0o17, 0b1 */
static bool has_base(const char *text)
{
	return text[0] == '0' && text[1] != '\0' && strchr("xXoObB", text[1]) != NULL;
}

/* 12:30:45, which YAML 1.1 takes for a number of base 60. */
static bool is_time(const char *text)
{
	const char *colon = strchr(text, ':');

	return strchr(DIGITS, text[0]) != NULL && colon != NULL &&
		strcspn(text, ".") > (size_t)(colon - text) &&
		text[strspn(text, DIGITS "_:.")] == '\0';
}

/* 2026-11-28, or a time that begins so. */
static bool is_date(const char *text)
{
	size_t year = strspn(text, DIGITS);

	if (year != 4 || text[4] != '-')
		return false;
	const char *month = text + 5;
	size_t length = strspn(month, DIGITS);
	if (length < 1 || length > 2 || month[length] != '-')
		return false;
	const char *day = month + length + 1;
	length = strspn(day, DIGITS);
	return length >= 1 && length <= 2 && strchr("Tt \t", day[length]) != NULL;
}

/* ---- all of them ---- */

bool yaml_plain_is_typed(const char *text)
{
	static const char *const words[] = { "yes", "no", "on", "off", "y", "n", "true", "false",
		"null", "~", ".inf", "-.inf", "+.inf", ".nan", "=", "<<" };
	const char *unsigned_text = text + strspn(text, "+-");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return has_base(unsigned_text) || is_number_somewhere(unsigned_text) ||
		is_time(unsigned_text) || is_date(text);
}
