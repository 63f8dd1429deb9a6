/*
 * Functions in references: ${config.name|slug}, ${config.branch|default:main},
 * ${config.name|default:Site|slug}. They are applied from left to right, by whoever resolves the
 * reference.
 *
 * A pipe rather than slug(config.name): the kind stays right behind "${", where everything that
 * looks for references finds it; no quotation marks are needed, which JSON would have to escape;
 * and a chain reads in the order in which it is applied. An argument is all up to the next '|' or
 * '}', so it may have dots, colons and spaces, but no reference of its own.
 */
#ifndef SLIPWAY_CORE_REFERENCE_FUNCTION_H
#define SLIPWAY_CORE_REFERENCE_FUNCTION_H

#include "base/json.h"

enum reference_function {
	FUNCTION_DEFAULT, /* the argument, for what is absent, null or an empty text */
	FUNCTION_LOWER,   /* in lower case */
	FUNCTION_SLUG,    /* as a name for hosts: a-z, 0-9 and single dashes, at most 63 bytes */
};

#define REFERENCE_CALLS_MAX 4
#define SLUG_MAX            63 /* bytes: a label of a host name */

/* One call. The argument is borrowed from the text of the reference. */
struct reference_call {
	enum reference_function function;
	const char *argument;
	size_t length;
};

struct reference_calls {
	struct reference_call list[REFERENCE_CALLS_MAX];
	size_t count;
};

/* Parses what begins with the first '|' of a reference and ends before its '}'; an empty text is no
 * call. ERROR_INVALID_INPUT for an unknown function, or an argument too many or too few. */
enum error_class reference_calls_parse(const char *text, size_t length,
	struct reference_calls *ret_calls, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the calls have a default, so that the value may be missing. */
bool reference_calls_default(const struct reference_calls *calls);

/* Whether one of them writes a text itself: a default with an argument that is not empty. */
bool reference_calls_write(const struct reference_calls *calls);

/* Whether one of them needs a single value: a text, a number or a boolean. */
bool reference_calls_need_text(const struct reference_calls *calls);

/* Replaces *value, which stays the caller's also after an error, by what the calls make of it. JSON
 * null stays null where there is no default. */
enum error_class reference_calls_apply(
	const struct reference_calls *calls, cJSON **value, struct error *error) SLIPWAY_MUST_CHECK;

#endif
