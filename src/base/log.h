/*
 * The programs' log: one line of logfmt per event on standard error, `time=... level=...
 * program=... pid=... event=... name=value ...`. Values are quoted and escaped as needed, so that
 * no value can end the line or forge another pair, and secrets are redacted. Library code does not
 * log: it returns errors, or adds pairs to a line that a program has begun.
 */
#ifndef SLIPWAY_BASE_LOG_H
#define SLIPWAY_BASE_LOG_H

#include <stddef.h>

#include "slipway/error.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
};

/* Below PIPE_BUF: a single write does not interleave with other processes' lines */
#define LOG_LINE_MAX 2048

/* A line under construction. Nothing to release; without log_end it is not written. */
struct log_line {
	enum log_level level;
	size_t length;
	char text[LOG_LINE_MAX];
};

/* Sets the program name in each line and the minimum level that is written. The name is borrowed
 * for good. */
void log_init(const char *program, enum log_level least);

/* debug, info, warning or error; LOG_INFO for anything else, NULL included. */
enum log_level log_level_by_name(const char *name);

/* Begins a line; the event in a few words. Below the minimum level, this and the calls that follow
 * do nothing. */
void log_begin(struct log_line *line, enum log_level level, const char *event);

/* Adds a pair; NULL and "" add nothing. The name must need no escaping. Lines are truncated at
 * LOG_LINE_MAX. */
void log_text(struct log_line *line, const char *name, const char *value);
void log_number(struct log_line *line, const char *name, int64_t value);

/* Adds an error: class, message, place, and the provider's response behind it. */
void log_failure(struct log_line *line, const struct error *error);

/* Writes the line with a single write. */
void log_end(struct log_line *line);

/* A whole line: the event, then pairs of name and value (const char *), ended by NULL. */
void log_write(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A line for an error. */
void log_error(const char *event, const struct error *error);

#endif
