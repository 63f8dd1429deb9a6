/*
 * A scan of JSON text by RFC 8259's grammar, with the place of whatever is wrong; builds nothing.
 */
#ifndef SLIPWAY_BASE_JSON_SCAN_H
#define SLIPWAY_BASE_JSON_SCAN_H

#include <stddef.h>

#include "slipway/error.h"

enum json_limits {
	JSON_LIMITS_CLIENT, /* depth 32, 4,096 nodes, no control characters but tab, line feed, carriage return */
	JSON_LIMITS_WIDE,   /* depth 128, 400,000 nodes, control characters where they are escaped */
};

/* ERROR_INVALID_REQUEST where the bytes are not one JSON text within the limits. */
enum error_class json_scan(
	const char *text, size_t length, enum json_limits limits, struct error *error) SLIPWAY_MUST_CHECK;

#endif
