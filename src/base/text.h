/*
 * Text into fixed arrays: always ended by a NUL, and cut at a character boundary of UTF-8 where it does not fit.
 */
#ifndef SLIPWAY_BASE_TEXT_H
#define SLIPWAY_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slipway/error.h"

/* Copies; a source longer than the target is cut. Returns whether all of it fitted. size is at least 1. */
bool text_copy(char *target, size_t size, const char *source);

/* printf into the target, cut where it does not fit. Returns whether all of it fitted. */
bool text_format(char *target, size_t size, const char *format, ...) SLIPWAY_FORMAT(3, 4);
bool text_format_list(char *target, size_t size, const char *format, va_list arguments) SLIPWAY_FORMAT(3, 0);

/* The same behind the text that is there. */
bool text_append(char *target, size_t size, const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Reads a whole decimal number, sign allowed, nothing around it. False where it is none or does not fit. */
bool text_to_integer(const char *text, int64_t *ret_value) SLIPWAY_MUST_CHECK;

/* Whether text begins with the prefix. */
bool text_has_prefix(const char *text, const char *prefix);

/* The text, or NULL where it is "". */
const char *text_or_null(const char *text);

/* Whether it is well-formed UTF-8. */
bool text_is_valid(const char *text);

/* Makes it UTF-8 in place: each byte at which it is none becomes a question mark. */
void text_make_valid(char *text, size_t length);

#endif
