/*
 * One write(2) a line, so that lines of several processes on one pipe do not mix. Secrets are
 * redacted from each value, not from the finished line, for escaping would hide them.
 */
#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/unset.h"

#define VALUE_SIZE 1024

static const char *log_program = "slipway";
static enum log_level log_least = LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warning", "error" };

void log_init(const char *program, enum log_level least)
{
	log_program = program;
	log_least = least;
}

enum log_level log_level_by_name(const char *name)
{
	for (int level = LOG_DEBUG; name != NULL && level <= LOG_ERROR; level++)
		if (strcmp(level_names[level], name) == 0)
			return (enum log_level)level;
	return LOG_INFO;
}

/* ---- one value ---- */

/* What ends a line, moves a cursor or turns the direction of writing for some reader of the log. */
static bool is_harmful(ucs4_t character)
{
	return character < 0x20 || (character >= 0x7F && character <= 0x9F) ||
		(character >= 0x2028 && character <= 0x202E) ||
		(character >= 0x2066 && character <= 0x2069);
}

/* Writes the character as it is to stand between quotes; at most 6 bytes. */
static size_t escape(ucs4_t character, const char *bytes, size_t length, char escaped[8])
{
	static const char plain[] = "\n\r\t\"\\", letters[] = "nrt\"\\";
	const char *found =
		character != 0 && character < 0x7F ? strchr(plain, (int)character) : NULL;

	if (found != NULL)
		text_format(escaped, 8, "\\%c", letters[found - plain]);
	else if (is_harmful(character))
		text_format(escaped, 8, "\\u%04x", (unsigned int)character);
	else
		text_format(escaped, 8, "%.*s", (int)length, bytes);
	return strlen(escaped);
}

/* Whether all of it may stand without quotes. */
static bool is_bare(const char *value)
{
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value > '~' || strchr("\"\\=", *value) != NULL)
			return false;
	return true;
}

/* Of each value: room for what ends it, and the line. */
#define ROOM (LOG_LINE_MAX - 3)

static void append_bare(struct log_line *line, const char *value)
{
	size_t length = strlen(value), room = ROOM - line->length;

	if (length > room)
		length = room;
	memcpy(line->text + line->length, value, length);
	line->length += length;
}

static void append_quoted(struct log_line *line, const char *value)
{
	char escaped[8];

	line->text[line->length++] = '"';
	for (size_t left = strlen(value), length; left > 0; value += length, left -= length) {
		ucs4_t character;
		length = (size_t)u8_mbtouc(&character, (const uint8_t *)value, left);
		size_t size = escape(character, value, length, escaped);
		if (line->length + size > ROOM)
			break;
		memcpy(line->text + line->length, escaped, size);
		line->length += size;
	}
	line->text[line->length++] = '"';
}

/* ---- a line ---- */

static bool is_wanted(const struct log_line *line)
{
	return line->level >= log_least;
}

static void append_pair(struct log_line *line, const char *name, const char *value)
{
	size_t length = strlen(name);

	if (line->length + length + 8 > LOG_LINE_MAX)
		return;
	if (line->length > 0)
		line->text[line->length++] = ' ';
	memcpy(line->text + line->length, name, length);
	line->length += length;
	line->text[line->length++] = '=';
	if (is_bare(value))
		append_bare(line, value);
	else
		append_quoted(line, value);
}

void log_text(struct log_line *line, const char *name, const char *value)
{
	UNSET char copy[VALUE_SIZE];

	if (!is_wanted(line) || value == NULL || value[0] == '\0')
		return;

	/* A part of a value may be a part of a secret, which is not found any more: all of it, or
	 * none. */
	if (text_copy(copy, sizeof(copy), value)) {
		redact_text(copy);
		text_make_valid(copy, strlen(copy));
	} else {
		text_format(
			copy, sizeof(copy), "(%zu bytes, too long to be logged)", strlen(value));
	}

	append_pair(line, name, copy);
	explicit_bzero(copy, sizeof(copy));
}

void log_number(struct log_line *line, const char *name, int64_t value)
{
	char text[INTEGER_TEXT_SIZE];

	if (is_wanted(line))
		append_pair(line, name, text_of_integer(text, value));
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
	char now[CLOCK_TEXT_SIZE];

	line->level = level;
	line->length = 0;
	if (!is_wanted(line))
		return;
	clock_format(clock_wall_ms(), now);
	append_pair(line, "time", now);
	append_pair(line, "level", level_names[level]);
	append_pair(line, "program", log_program);
	log_number(line, "pid", getpid());
	log_text(line, "event", event);
}

void log_end(struct log_line *line)
{
	if (!is_wanted(line))
		return;
	line->text[line->length++] = '\n';
	/* Nothing can be done where the log itself cannot be written. */
	ssize_t written = write(STDERR_FILENO, line->text, line->length);
	(void)written;
}

void log_write(enum log_level level, const char *event, ...)
{
	struct log_line line;
	va_list pairs;
	log_begin(&line, level, event);
	va_start(pairs, event);
	for (const char *name; (name = va_arg(pairs, const char *)) != NULL;)
		log_text(&line, name, va_arg(pairs, const char *));
	va_end(pairs);
	log_end(&line);
}

void log_failure(struct log_line *line, const struct error *error)
{
	/* Before it is taken apart: a message that was cut may end with the
	 * beginning of a secret. */
	struct error redacted = *error;

	redact_error(&redacted);
	log_text(line, "class", error_class_facts(error->class)->name);
	log_text(line, "message", redacted.message);
	log_text(line, "place", redacted.place);
	log_text(line, "provider", redacted.provider);
	if (redacted.http_status != 0)
		log_number(line, "provider_status", redacted.http_status);
	log_text(line, "provider_request", redacted.request_id);
}

void log_error(const char *event, const struct error *error)
{
	struct log_line line;
	log_begin(&line, LOG_ERROR, event);
	log_failure(&line, error);
	log_text(&line, "remedy", error->remedy);
	log_end(&line);
}
