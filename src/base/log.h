/*
 * The programs' log: one line of logfmt per event on standard error, `time=... level=... program=... pid=...
 * event=... name=value ...`. Values are quoted and escaped where they need it, so that no value can end the line or
 * pass for another pair, and secrets are cut out. Library code does not log: it returns errors, or adds pairs to a line
 * that a program has begun.
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

#define LOG_LINE_MAX 2048 /* below PIPE_BUF: one write, which no other process's line comes into */

/* A line that is being made. Nothing to release: where log_end is not called, it is not written. */
struct log_line {
	enum log_level level;
	size_t length;
	char text[LOG_LINE_MAX];
};

/* Sets the name that stands in each line and the least level that is written. The name is borrowed for good. */
void log_init(const char *program, enum log_level least);

/* debug, info, warning or error; LOG_INFO for anything else, NULL included. */
enum log_level log_level_by_name(const char *name);

/* Begins a line: the event in a few words. Below the least level, this and all that follows does nothing. */
void log_begin(struct log_line *line, enum log_level level, const char *event);

/* Adds a pair; NULL and "" add nothing. Names are our own words. What goes beyond LOG_LINE_MAX is cut. */
void log_text(struct log_line *line, const char *name, const char *value);
void log_number(struct log_line *line, const char *name, int64_t value);

/* Adds what there is of an error: class, message, place, and the provider's response that it comes of. */
void log_failure(struct log_line *line, const struct error *error);

/* Writes the line, by one write. */
void log_end(struct log_line *line);

/* A whole line: the event, then pairs of name and value (const char *), ended by NULL. */
void log_write(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A line for an error. */
void log_error(const char *event, const struct error *error);

#endif
