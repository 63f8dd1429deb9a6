/*
 * Checks URLs, and builds them from path templates, with libcurl's own parser.
 */
#ifndef SLIPWAY_HTTP_URL_H
#define SLIPWAY_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "slipway/provider.h"

/* The parts of a URL that say what it reaches. */
struct url_parts {
	char *scheme, *host, *port, *path;
};

/*
 * Parses and checks a URL: https (or http to this machine if allow_loopback), without user and
 * password. The caller must release *ret_parts, even after an error. ERROR_INVALID_INPUT,
 * ERROR_OUT_OF_MEMORY.
 */
enum error_class url_check(const char *text, bool allow_loopback, struct url_parts *ret_parts,
	struct error *error) SLIPWAY_MUST_CHECK;
void url_parts_release(struct url_parts *parts);

/*
 * Builds a URL from base, whose path is kept as a prefix, the path template, in which each {name}
 * is replaced by the next parameter, percent-encoded, and the query. Pairs with a NULL value are
 * left out. The arena owns *ret_url. ERROR_INVALID_INPUT if the base is not a URL or a parameter is
 * missing.
 */
enum error_class url_build(const char *base, const struct provider_request *request,
	const struct string_pair *extra, struct arena *arena, const char **ret_url,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
