/*
 * Responses as records of FastCGI, for requests that have no streams of libfcgi any more.
 */
#ifndef SLIPWAY_API_RECORDS_H
#define SLIPWAY_API_RECORDS_H

#include "api/request.h"

/* What a whole response takes at most. */
#define RECORDS_MAX ((size_t)5 << 20)

/* Appends a response to the request of that number, and its end. The response to a HEAD has no
 * body. False: no memory. */
bool records_append(struct buffer *records, int number, const struct response *response,
	bool has_body) SLIPWAY_MUST_CHECK;

#endif
