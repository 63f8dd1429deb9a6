/*
 * Requests of the command line to the endpoint: JSON over HTTP.
 */
#ifndef SLIPWAY_CLI_ENDPOINT_H
#define SLIPWAY_CLI_ENDPOINT_H

#include "base/json.h"
#include "http/client.h"

struct endpoint {
	const char *url; /* borrowed */
	struct http_client *client;
};

/* On a local, which begins as ENDPOINT_EMPTY: closes it at the end of the block. */
#define CLEANUP_ENDPOINT CLEANUP(endpoint_close)
#define ENDPOINT_EMPTY   ((struct endpoint){ .client = NULL })

/* Prepares a client; sends nothing yet. */
enum error_class endpoint_open(
	struct endpoint *endpoint, const char *url, struct error *error) SLIPWAY_MUST_CHECK;

/* Closes it; one that was never opened is fine. */
void endpoint_close(struct endpoint *endpoint);

/*
 * GET of a path with pairs (ended by a NULL name; NULL: none). *ret_json is the caller's. A problem
 * document becomes an error of its class with place, remedy and retry_after_ms.
 */
enum error_class endpoint_get(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* POST /api/deploy with the body, which is borrowed. */
enum error_class endpoint_post(const struct endpoint *endpoint, const cJSON *body, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a caller that needs the whole problem document: *ret_problem, which is the caller's,
 * is the document that refused the request, else NULL. */
enum error_class endpoint_ask(const struct endpoint *endpoint, const cJSON *body, cJSON **ret_json,
	cJSON **ret_problem, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the same request may succeed later: there was no response, or a 429, 502, 503 or 504. */
bool endpoint_may_retry(const struct error *error);

#endif
