/*
 * The programs' log: one line an event on standard error, `time level program event name=value ...`, values quoted
 * where they need it, secrets cut out. Library code does not log: it returns errors.
 */
#ifndef SLIPWAY_BASE_LOG_H
#define SLIPWAY_BASE_LOG_H

#include "slipway/error.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
};

/* Sets the name that stands in each line and the least level that is written. The name is borrowed for good. */
void log_init(const char *program, enum log_level least);

/* debug, info, warning or error; LOG_INFO for anything else, NULL included. */
enum log_level log_level_by_name(const char *name);

/*
 * Writes one line: the event in a few words, then pairs of name and value (const char *), ended by NULL. A pair
 * whose value is NULL is left out. A line is written at once and is at most 2048 bytes; more is cut.
 */
void log_write(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* A line for an error: its class, message, place. */
void log_error(const char *event, const struct error *error);

#endif
