/*
 * Writes text into fixed arrays: always NUL-terminated, and truncated at a UTF-8 character boundary
 * if it does not fit.
 */
#ifndef SLIPWAY_BASE_TEXT_H
#define SLIPWAY_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slipway/error.h"

/* Copies the text, truncated if it does not fit. Returns whether it fitted. size is at least 1. */
bool text_copy(char *target, size_t size, const char *source);

/* The same of the first `length` bytes, or of all that there are before a NUL. */
bool text_copy_part(char *target, size_t size, const char *source, size_t length);

/* The same with a format. */
bool text_format(char *target, size_t size, const char *format, ...) SLIPWAY_FORMAT(3, 4);
bool text_format_list(char *target, size_t size, const char *format, va_list arguments)
	SLIPWAY_FORMAT(3, 0);

/* The same, appended to the text in the target. */
bool text_append(char *target, size_t size, const char *format, ...) SLIPWAY_FORMAT(3, 4);

#define INTEGER_TEXT_SIZE 21

/* The digits of the value, behind a minus where it is negative; in `text`, though not from its
 * beginning. */
const char *text_of_integer(char text[INTEGER_TEXT_SIZE], int64_t value);

/* All parts, one behind the other; there is at least one. Returns whether they fitted. */
bool text_join(char *target, size_t size, const char *const *parts, size_t count);

/* Parses a decimal integer with an optional sign and nothing around it. False if the text is
 * anything else or out of range. */
bool text_to_integer(const char *text, int64_t *ret_value) SLIPWAY_MUST_CHECK;

/* Whether text begins with the prefix. */
bool text_has_prefix(const char *text, const char *prefix);

/* For the places of a table: FNV-1a of its bytes. Whoever makes texts can make two with the same.
 */
uint32_t text_hash(const char *text);

/* The text, or NULL if it is "". */
const char *text_or_null(const char *text);

/* Whether it is well-formed UTF-8. */
bool text_is_valid(const char *text);

/* Bytes of the control character that a text of `left` bytes (1 at least) begins with, those from
 * U+0080 to U+009F included; 0: it begins with another character. */
size_t text_control_length(const char *text, size_t left);

/* Whether it may be shown to a person as it is: well-formed UTF-8 without control characters, nor
 * those from U+0080 to U+009F. */
bool text_is_plain(const char *text);

/* Makes it so in place: line ends and tabs become spaces, other control characters and bytes that
 * are not part of a character question marks. The length is unchanged. */
void text_make_plain(char *text);

/* Makes it well-formed UTF-8 in place: each byte that is not part of a character becomes a question
 * mark. */
void text_make_valid(char *text, size_t length);

#endif
