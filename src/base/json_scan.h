/*
 * A scan of JSON text by RFC 8259's grammar, with the place of whatever is wrong; builds nothing.
 */
#ifndef SLIPWAY_BASE_JSON_SCAN_H
#define SLIPWAY_BASE_JSON_SCAN_H

#include "base/json.h"

/* ERROR_INVALID_REQUEST where the bytes are not one JSON text within the origin's limits. */
enum error_class json_scan(
	const char *text, size_t length, enum json_origin origin, struct error *error) SLIPWAY_MUST_CHECK;

#endif
