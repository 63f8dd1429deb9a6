/*
 * Pages of other sites (CORS). A browser lets them read nothing unless the response names their
 * origin, and send no token unless a preflight allows it. Only origins in SLIPWAY_ORIGINS are
 * named. Cookies play no part: whoever has no token gets nothing, wherever he comes from.
 */
#ifndef SLIPWAY_API_ORIGINS_H
#define SLIPWAY_API_ORIGINS_H

#include "api/request.h"

/* Whether each of the origins (NULL: none), separated by spaces, is a scheme and a host, with a
 * port where it has one, and nothing else. ERROR_INVALID_INPUT names the setting. */
enum error_class origins_check(const char *origins, struct error *error) SLIPWAY_MUST_CHECK;

/* Fills in for whose pages the response is. Whether the request was a preflight, which is answered
 * so: 204, without a token, as browsers send it. */
bool origins_apply(const char *origins, const struct request *request, struct response *response);

/* Appends the header lines. */
void origins_head(const struct response *response, char *head, size_t size);

#endif
