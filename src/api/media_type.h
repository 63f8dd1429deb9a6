/*
 * Whether the headers of a body say that it is plain JSON in UTF-8. Other charsets and compression
 * are not decoded.
 */
#ifndef SLIPWAY_API_MEDIA_TYPE_H
#define SLIPWAY_API_MEDIA_TYPE_H

#include "slipway/error.h"

/*
 * Checks the headers Content-Type and Content-Encoding ("" where absent).
 * ERROR_UNSUPPORTED_MEDIA_TYPE for anything but application/json, with charset=utf-8 or none, and
 * no encoding but identity. Other parameters are ignored.
 */
enum error_class media_type_check(const char *content_type, const char *content_encoding,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
