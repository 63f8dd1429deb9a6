#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"

#define LINE_MAX_BYTES 2048

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

/* Appends name="value" with what would break the line or the quotes escaped. */
static void append_pair(char line[LINE_MAX_BYTES], const char *name, const char *value)
{
	size_t length = strlen(line);
	text_format(line + length, LINE_MAX_BYTES - length, " %s=", name);
	length = strlen(line);
	bool quote = value[0] == '\0' || strpbrk(value, " \t\r\n\"\\=") != NULL;
	if (quote && length + 1 < LINE_MAX_BYTES)
		line[length++] = '"';
	for (; *value != '\0' && length + 4 < LINE_MAX_BYTES; value++) {
		unsigned char byte = (unsigned char)*value;
		if (byte == '"' || byte == '\\')
			line[length++] = '\\';
		line[length++] = byte < 0x20 || byte == 0x7F ? ' ' : *value;
	}
	if (quote && length + 1 < LINE_MAX_BYTES)
		line[length++] = '"';
	line[length] = '\0';
}

void log_write(enum log_level level, const char *event, ...)
{
	if (level < log_least)
		return;
	char line[LINE_MAX_BYTES];
	char now[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms(), now);
	text_format(
		line, sizeof(line) - 1, "%s %s %s[%d] %s", now, level_names[level], log_program, (int)getpid(), event);
	va_list pairs;
	va_start(pairs, event);
	for (const char *name; (name = va_arg(pairs, const char *)) != NULL;) {
		const char *value = va_arg(pairs, const char *);
		if (value != NULL)
			append_pair(line, name, value);
	}
	va_end(pairs);
	redact_text(line);
	size_t length = strlen(line);
	line[length] = '\n';
	/* Nothing can be done where the log itself cannot be written. */
	ssize_t written = write(STDERR_FILENO, line, length + 1);
	(void)written;
}

void log_error(const char *event, const struct error *error)
{
	/* Before the line is made of it: that is cut, and a line break of a secret is a space in it. */
	struct error redacted = *error;
	redact_error(&redacted);
	log_write(LOG_ERROR, event, "class", error_class_facts(error->class)->name, "message", redacted.message,
		"place", redacted.place[0] != '\0' ? redacted.place : NULL, NULL);
}
