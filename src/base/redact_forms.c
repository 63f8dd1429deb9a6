/* Readings of a text, one within another, and the search in them. */
#include "base/redact_forms.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "slipway/field.h"

#define DEPTH_MAX    2 /* readings in one another: JSON in JSON, base64 of JSON, a URL in HTML */
#define BASE64_LEAST 8 /* characters: of the shortest secret */

void redact_needle_prepare(struct redact_needle *needle)
{
	size_t fits = 0;

	needle->falls_to[0] = 0;
	for (size_t i = 1; i < needle->length; i++) {
		while (fits > 0 && needle->text[i] != needle->text[fits])
			fits = needle->falls_to[fits - 1];
		if (needle->text[i] == needle->text[fits])
			fits++;
		needle->falls_to[i] = (uint16_t)fits;
	}
}

/* ---- a reading ---- */

/* Byte i was read from the bytes of the text from begins[i] up to ends[i]. */
struct reading {
	char *bytes;
	uint32_t *begins, *ends; /* NULL: it is the text itself */
	size_t length;
};

static uint32_t begin_of(const struct reading *reading, size_t index)
{
	return reading->begins != NULL ? reading->begins[index] : (uint32_t)index;
}

static uint32_t end_of(const struct reading *reading, size_t index)
{
	return reading->ends != NULL ? reading->ends[index] : (uint32_t)index + 1;
}

/* Room for as many bytes as what is read has: no reading is longer. */
static bool reading_init(struct reading *reading, size_t room)
{
	*reading = (struct reading){ malloc(room + 1), calloc(room + 1, sizeof(uint32_t)),
		calloc(room + 1, sizeof(uint32_t)), 0 };
	return reading->bytes != NULL && reading->begins != NULL && reading->ends != NULL;
}

/* What was read may be a secret. */
static void reading_release(struct reading *reading)
{
	if (reading->bytes != NULL)
		explicit_bzero(reading->bytes, reading->length);
	free(reading->bytes);
	free(reading->begins);
	free(reading->ends);
}

static void add_byte(struct reading *reading, char byte, uint32_t begin, uint32_t end)
{
	reading->bytes[reading->length] = byte;
	reading->begins[reading->length] = begin;
	reading->ends[reading->length++] = end;
}

/* ---- escapes ---- */

/* What an escape stands for; a length of 0: it is none. */
struct piece {
	size_t length; /* bytes of the escape */
	size_t count;
	char bytes[8];
};

static struct piece one_byte(size_t length, char byte)
{
	return (struct piece){ length, 1, { byte } };
}

static struct piece one_character(size_t length, uint32_t character)
{
	struct piece piece = { 0, 0, { 0 } };
	int count = u8_uctomb((uint8_t *)piece.bytes, character, sizeof(piece.bytes));
	if (count <= 0 || character == 0)
		return (struct piece){ 0, 0, { 0 } };
	piece.length = length;
	piece.count = (size_t)count;
	return piece;
}

/* Reads up to `most` digits; gives how many there are. */
static size_t read_digits(
	const char *text, size_t left, size_t most, unsigned base, uint32_t *ret_number)
{
	size_t count = 0;

	*ret_number = 0;
	for (; count < left && count < most; count++) {
		unsigned char digit = (unsigned char)text[count];
		if (base == 16 ? !isxdigit(digit) : !isdigit(digit))
			break;
		uint32_t value =
			(uint32_t)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
		*ret_number = *ret_number > 0x110000 ? 0x110000 : *ret_number * base + value;
	}

	return count;
}

/* \u00e4, or two of them for a character above U+FFFF. */
static struct piece read_code_point(const char *text, size_t left)
{
	uint32_t high, low;
	if (read_digits(text + 2, left - 2, 4, 16, &high) != 4)
		return (struct piece){ 0, 0, { 0 } };
	if (high >= 0xD800 && high < 0xDC00 && left >= 12 && text[6] == '\\' && text[7] == 'u' &&
		read_digits(text + 8, left - 8, 4, 16, &low) == 4 && low >= 0xDC00 && low < 0xE000)
		return one_character(12, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
	return one_character(6, high);
}

/* JSON, and what JavaScript writes besides. */
static struct piece read_json(const char *text, size_t left)
{
	static const char letters[] = "\"\\/bfnrt'`", meanings[] = "\"\\/\b\f\n\r\t'`";
	uint32_t byte;

	if (text[0] != '\\' || left < 2 || text[1] == '\0')
		return (struct piece){ 0, 0, { 0 } };
	const char *found = strchr(letters, text[1]);
	if (found != NULL)
		return one_byte(2, meanings[found - letters]);
	if (text[1] == 'u')
		return read_code_point(text, left);
	if (text[1] == 'x' && read_digits(text + 2, left - 2, 2, 16, &byte) == 2)
		return one_byte(4, (char)byte);
	return (struct piece){ 0, 0, { 0 } };
}

static struct piece read_url(const char *text, size_t left)
{
	uint32_t byte;
	if (text[0] == '%' && read_digits(text + 1, left - 1, 2, 16, &byte) == 2)
		return one_byte(3, (char)byte);
	return (struct piece){ 0, 0, { 0 } };
}

static struct piece read_form(const char *text, size_t left)
{
	return text[0] == '+' ? one_byte(1, ' ') : read_url(text, left);
}

/* &#39; &#x27; &#039;, with any number of zeros before; the semicolon may be left out. */
static struct piece read_number(const char *text, size_t left)
{
	uint32_t character;
	bool is_hexadecimal = left > 2 && (text[2] == 'x' || text[2] == 'X');
	size_t begin = is_hexadecimal ? 3 : 2;
	size_t count = left > begin
		? read_digits(text + begin, left - begin, 16, is_hexadecimal ? 16 : 10, &character)
		: 0;

	if (count == 0)
		return (struct piece){ 0, 0, { 0 } };
	size_t length = begin + count;
	return one_character(length < left && text[length] == ';' ? length + 1 : length, character);
}

static struct piece read_html(const char *text, size_t left)
{
	static const struct {
		const char *written;
		char means;
	} names[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
		{ "&apos;", '\'' } };
	if (text[0] != '&')
		return (struct piece){ 0, 0, { 0 } };
	if (left > 1 && text[1] == '#')
		return read_number(text, left);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (left >= strlen(names[i].written) &&
			memcmp(text, names[i].written, strlen(names[i].written)) == 0)
			return one_byte(strlen(names[i].written), names[i].means);
	return (struct piece){ 0, 0, { 0 } };
}

static const struct form {
	char mark, also; /* what an escape begins with; without any there is nothing to read */
	struct piece (*read)(const char *text, size_t left);
} forms[] = { { '\\', '\\', read_json }, { '%', '%', read_url }, { '+', '+', read_form },
	{ '&', '&', read_html } };

/* Reads all escapes of the form. *ret_read: whether there was one. False where memory is short. */
static bool read_form_of(
	const struct form *form, const struct reading *from, struct reading *into, bool *ret_read)
{
	*ret_read = false;
	if (memchr(from->bytes, form->mark, from->length) == NULL)
		return true;
	if (!reading_init(into, from->length)) {
		reading_release(into);
		return false;
	}

	for (size_t i = 0; i < from->length;) {
		struct piece piece = form->read(from->bytes + i, from->length - i);
		bool escape = piece.length > 0;
		if (!escape)
			piece = one_byte(1, from->bytes[i]);
		for (size_t k = 0; k < piece.count; k++)
			add_byte(into, piece.bytes[k], begin_of(from, i),
				end_of(from, i + piece.length - 1));
		*ret_read = *ret_read || escape;
		i += piece.length;
	}

	if (!*ret_read)
		reading_release(into);
	return true;
}

/* ---- base64 ---- */

static int base64_value(char character)
{
	if (character >= 'A' && character <= 'Z')
		return character - 'A';
	if (character >= 'a' && character <= 'z')
		return character - 'a' + 26;
	if (character >= '0' && character <= '9')
		return character - '0' + 52;
	return character == '+' || character == '-'    ? 62
		: character == '/' || character == '_' ? 63
						       : -1;
}

/* Whether some row of such characters is long enough; line breaks within it do not count. */
static bool has_base64(const struct reading *from)
{
	size_t length = 0;
	for (size_t i = 0; i < from->length && length < BASE64_LEAST; i++)
		if (base64_value(from->bytes[i]) >= 0)
			length++;
		else if (from->bytes[i] != '\r' && from->bytes[i] != '\n')
			length = 0;
	return length >= BASE64_LEAST;
}

/* Both alphabets, with line breaks or without. Where a row of such characters begins is not where
 * the base64 begins, so it is read four times, each time leaving out one character more. What is
 * none becomes a NUL. */
static bool read_base64(const struct reading *from, size_t left_out, struct reading *into)
{
	if (!reading_init(into, from->length)) {
		reading_release(into);
		return false;
	}

	size_t in_row = 0, before = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < from->length; i++) {
		int value = base64_value(from->bytes[i]);
		if (value < 0 && (from->bytes[i] == '\r' || from->bytes[i] == '\n'))
			continue;
		if (value < 0) {
			add_byte(into, '\0', begin_of(from, i), end_of(from, i));
			in_row = 0;
			continue;
		}
		bits = bits << 6 | (uint32_t)value;
		/* The first of four characters completes no byte, each of the others one. */
		size_t place = in_row - left_out;
		if (in_row >= left_out && place % 4 != 0)
			add_byte(into, (char)(bits >> (6 - 2 * (place % 4)) & 0xFF),
				begin_of(from, before), end_of(from, i));
		in_row++;
		before = i;
	}

	return true;
}

/* ---- the search ---- */

struct search {
	const struct redact_needle *needles;
	size_t count;
	bool *marks, found;
};

static void mark_needle(
	struct search *search, const struct reading *reading, const struct redact_needle *needle)
{
	size_t fits = 0;
	uint32_t marked = 0; /* up to there */

	if (memmem(reading->bytes, reading->length, needle->text, needle->length) == NULL)
		return;
	search->found = true;
	for (size_t i = 0; i < reading->length; i++) {
		while (fits > 0 &&
			(fits == needle->length || reading->bytes[i] != needle->text[fits]))
			fits = needle->falls_to[fits - 1];
		if (reading->bytes[i] == needle->text[fits])
			fits++;
		if (fits < needle->length)
			continue;
		uint32_t begin = begin_of(reading, i + 1 - needle->length),
			 end = end_of(reading, i);
		for (uint32_t at = begin > marked ? begin : marked; at < end; at++)
			search->marks[at] = true;
		marked = end;
	}
}

static bool search_in(
	struct search *search, const struct reading *reading, int depth, bool is_base64);

/* Searches in what was read, and lets go of it. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool search_within(struct search *search, struct reading *reading, int depth, bool is_base64)
{
	bool searched = search_in(search, reading, depth, is_base64);
	reading_release(reading);
	return searched;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool search_in(
	struct search *search, const struct reading *reading, int depth, bool is_base64)
{
	struct reading into;

	for (size_t i = 0; i < search->count; i++)
		mark_needle(search, reading, &search->needles[i]);
	if (depth == DEPTH_MAX)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		bool was_read;
		if (!read_form_of(&forms[i], reading, &into, &was_read) ||
			(was_read && !search_within(search, &into, depth + 1, is_base64)))
			return false;
	}

	for (size_t left_out = 0; left_out < 4 && !is_base64 && has_base64(reading); left_out++)
		if (!read_base64(reading, left_out, &into) ||
			!search_within(search, &into, depth + 1, true))
			return false;
	return true;
}

bool redact_mark(const char *text, size_t length, const struct redact_needle *needles, size_t count,
	bool *marks, bool *ret_found)
{
	struct search search = { needles, count, marks, false };
	char *borrowed;

	memcpy(&borrowed, &text, sizeof(borrowed));
	const struct reading whole = { borrowed, NULL, NULL, length };
	if (length > UINT32_MAX)
		return false;
	bool searched = count == 0 || search_in(&search, &whole, 0, false);
	*ret_found = search.found;
	return searched;
}
