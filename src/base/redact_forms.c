/* Readings of a text, one within another, and the search in them. */
#include "base/redact_forms.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/redact.h"
#include "base/text.h"
#include "slipway/field.h"

#define DEPTH_MAX    2 /* readings in one another: JSON in JSON, base64 of JSON, a URL in HTML */
#define WHITE        " \t\n\r"
#define BASE64_LEAST 8 /* characters: of the shortest secret */

/* ---- a reading ---- */

/* Byte i was read from the bytes of the text from begins[i] up to ends[i]. */
struct reading {
	char *bytes;
	uint32_t *begins, *ends; /* NULL: it is the text itself */
	size_t length;
};

static struct reading reading_of(const char *text, size_t length)
{
	char *borrowed;

	memcpy(&borrowed, &text, sizeof(borrowed));
	return (struct reading){ borrowed, NULL, NULL, length };
}

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

typedef struct piece read_piece(const char *text, size_t left);

static const struct form {
	char mark, also; /* what an escape begins with; without any there is nothing to read */
	read_piece *read;
} forms[] = { { '\\', '\\', read_json }, { '%', '%', read_url }, { '+', '+', read_form },
	{ '&', '&', read_html } };

/* Reads all escapes of a form. *ret_read: whether there was one, otherwise there is nothing to
 * release. False where memory is short. */
static bool read_pieces(
	read_piece *read, const struct reading *from, struct reading *into, bool *ret_read)
{
	*ret_read = false;
	if (!reading_init(into, from->length)) {
		reading_release(into);
		return false;
	}

	for (size_t i = 0; i < from->length;) {
		struct piece piece = read(from->bytes + i, from->length - i);
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

/* As a text for a person is made plain (base/text.h), but a row of white space is one blank. A NUL
 * stands for what is no base64 (below), and no secret has one. */
static struct piece read_line(const char *text, size_t left)
{
	size_t white = 0;

	if (text[0] == '\0')
		return (struct piece){ 0, 0, { 0 } };
	while (white < left && text[white] != '\0' && strchr(WHITE, text[white]) != NULL)
		white++;
	if (white > 0)
		return one_byte(white, ' ');
	size_t control = text_control_length(text, left);
	return (struct piece){ control, control, "??" };
}

/* ---- needles ---- */

static bool pattern_init(struct redact_pattern *pattern, const char *text, size_t length)
{
	size_t fits = 0;

	*pattern = (struct redact_pattern){ malloc(length + 1), length,
		calloc(length + 1, sizeof(uint16_t)) };
	if (pattern->text == NULL || pattern->falls_to == NULL)
		return false;
	memcpy(pattern->text, text, length);
	pattern->text[length] = '\0';
	for (size_t i = 1; i < length; i++) {
		while (fits > 0 && text[i] != text[fits])
			fits = pattern->falls_to[fits - 1];
		if (text[i] == text[fits])
			fits++;
		pattern->falls_to[i] = (uint16_t)fits;
	}

	return true;
}

static void pattern_release(struct redact_pattern *pattern)
{
	if (pattern->text != NULL)
		explicit_bzero(pattern->text, pattern->length);
	if (pattern->falls_to != NULL)
		explicit_bzero(pattern->falls_to, pattern->length * sizeof(uint16_t));
	free(pattern->text);
	free(pattern->falls_to);
	*pattern = (struct redact_pattern){ NULL, 0, NULL };
}

/* Blanks at its ends are not shown by everybody. */
static bool line_init(struct redact_pattern *line, const struct reading *whole)
{
	struct reading read;
	bool was_read, has_room = true;

	if (!read_pieces(read_line, whole, &read, &was_read))
		return false;
	if (!was_read)
		return true;
	size_t begin = read.length > 0 && read.bytes[0] == ' ' ? 1 : 0, end = read.length;
	if (end > begin && read.bytes[end - 1] == ' ')
		end--;
	if (end - begin >= REDACT_LENGTH_MIN)
		has_room = pattern_init(line, read.bytes + begin, end - begin);
	reading_release(&read);
	return has_room;
}

bool redact_needle_init(struct redact_needle *needle, const char *secret)
{
	size_t length = strlen(secret);
	struct reading whole = reading_of(secret, length);

	*needle = (struct redact_needle){ .exact = { NULL, 0, NULL } };
	if (pattern_init(&needle->exact, secret, length) && line_init(&needle->line, &whole))
		return true;
	redact_needle_release(needle);
	return false;
}

void redact_needle_release(struct redact_needle *needle)
{
	pattern_release(&needle->exact);
	pattern_release(&needle->line);
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

static void mark_pattern(
	struct search *search, const struct reading *reading, const struct redact_pattern *needle)
{
	size_t fits = 0;
	uint32_t marked = 0; /* up to there */

	if (needle->text == NULL ||
		memmem(reading->bytes, reading->length, needle->text, needle->length) == NULL)
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

/* Those that are in one line are searched in what is made one line. */
static bool mark_lines(struct search *search, const struct reading *reading)
{
	struct reading line;
	bool was_read, any = false;

	for (size_t i = 0; i < search->count && !any; i++)
		any = search->needles[i].line.text != NULL;
	if (!any)
		return true;
	if (!read_pieces(read_line, reading, &line, &was_read))
		return false;
	for (size_t i = 0; i < search->count; i++)
		mark_pattern(search, was_read ? &line : reading, &search->needles[i].line);
	if (was_read)
		reading_release(&line);
	return true;
}

static bool search_in(struct search *search, const struct reading *reading, int depth);

/* Searches in what was read, and lets go of it. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool search_within(struct search *search, struct reading *reading, int depth)
{
	bool searched = search_in(search, reading, depth);
	reading_release(reading);
	return searched;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool search_in(struct search *search, const struct reading *reading, int depth)
{
	struct reading into;

	for (size_t i = 0; i < search->count; i++)
		mark_pattern(search, reading, &search->needles[i].exact);
	if (!mark_lines(search, reading))
		return false;
	if (depth == DEPTH_MAX)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		bool was_read;
		if (memchr(reading->bytes, forms[i].mark, reading->length) == NULL)
			continue;
		if (!read_pieces(forms[i].read, reading, &into, &was_read) ||
			(was_read && !search_within(search, &into, depth + 1)))
			return false;
	}

	for (size_t left_out = 0; left_out < 4 && has_base64(reading); left_out++)
		if (!read_base64(reading, left_out, &into) ||
			!search_within(search, &into, depth + 1))
			return false;
	return true;
}

bool redact_mark(const char *text, size_t length, const struct redact_needle *needles, size_t count,
	bool *marks, bool *ret_found)
{
	struct search search = { needles, count, marks, false };
	struct reading whole = reading_of(text, length);
	if (length > UINT32_MAX)
		return false;
	bool searched = count == 0 || search_in(&search, &whole, 0);
	*ret_found = search.found;
	return searched;
}
