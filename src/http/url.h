/*
 * URLs, by libcurl's own parser: what may be requested, and how one is put together from a path template.
 */
#ifndef SLIPWAY_HTTP_URL_H
#define SLIPWAY_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "slipway/provider.h"

/* The parts of a URL that say whom it reaches. */
struct url_parts {
	char *scheme, *host, *port, *path;
};

/*
 * Parses and checks a URL: https (http to this machine where allow_loopback), no user or password in it.
 * *ret_parts is to be released whatever comes of it. ERROR_INVALID_INPUT, ERROR_OUT_OF_MEMORY.
 */
enum error_class url_check(
	const char *text, bool allow_loopback, struct url_parts *ret_parts, struct error *error) SLIPWAY_MUST_CHECK;
void url_parts_release(struct url_parts *parts);

/*
 * Puts a URL together: base, its path kept as a prefix, then the path template with each {name} replaced by the next
 * parameter, percent-encoded, and the query's pairs. Pairs whose value is NULL are left out. *ret_url lies in the
 * arena. ERROR_INVALID_INPUT where the base is no URL or a parameter is missing.
 */
enum error_class url_build(const char *base, const struct provider_request *request, const struct string_pair *extra,
	struct arena *arena, const char **ret_url, struct error *error) SLIPWAY_MUST_CHECK;

#endif
