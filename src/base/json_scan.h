/*
 * Checks JSON text against the grammar of RFC 8259 and reports where it is wrong. Builds no tree.
 */
#ifndef SLIPWAY_BASE_JSON_SCAN_H
#define SLIPWAY_BASE_JSON_SCAN_H

#include <stddef.h>

#include "slipway/error.h"

enum json_limits {
	JSON_LIMITS_CLIENT, /* depth 32, 4,096 nodes, no control characters except tab, line feed,
			       carriage return */
	JSON_LIMITS_WIDE,   /* depth 128, 400,000 nodes, control characters if escaped; U+007F
			       also as it is, for so it is printed */
};

/* ERROR_INVALID_REQUEST if the bytes are not exactly one JSON text within the limits. */
enum error_class json_scan(const char *text, size_t length, enum json_limits limits,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
