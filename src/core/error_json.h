/*
 * An error as JSON, the same wherever a client reads one: in a run's status, in a plan and in an
 * event.
 */
#ifndef SLIPWAY_CORE_ERROR_JSON_H
#define SLIPWAY_CORE_ERROR_JSON_H

#include "base/json.h"

/* class, message, retryable, provider, remedy, ..., in the arena. */
enum error_class error_print(const struct error *source, struct arena *arena, const char **ret_text,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The text of an error made of a class and a message; NULL where memory is short. */
const char *error_text(struct arena *arena, enum error_class class, const char *message);

#endif
