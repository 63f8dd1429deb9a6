/*
 * Requests of the command line to the endpoint: JSON over HTTP.
 */
#ifndef SLIPWAY_CLI_ENDPOINT_H
#define SLIPWAY_CLI_ENDPOINT_H

#include "base/json.h"
#include "base/settings.h"
#include "core/token.h"
#include "http/client.h"

struct endpoint {
	const char *url; /* borrowed */
	struct http_client *client;
	char authorization[sizeof("Authorization: Bearer ") + TOKEN_TEXT_SIZE]; /* "": no token */
};

/* On a local, which begins as ENDPOINT_EMPTY: closes it at the end of the block. */
#define CLEANUP_ENDPOINT CLEANUP(endpoint_close)
#define ENDPOINT_EMPTY   ((struct endpoint){ .client = NULL })

/* Prepares a client for the URL of the settings, which are borrowed, with their token or the one
 * that is kept for that URL; sends nothing yet. A token goes to an https URL, or to this machine.
 */
enum error_class endpoint_open(struct endpoint *endpoint, const struct settings *settings,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Closes it; one that was never opened is fine. */
void endpoint_close(struct endpoint *endpoint);

/*
 * GET of a path with pairs (ended by a NULL name; NULL: none). *ret_json is the caller's. A problem
 * document becomes an error of its class with place, remedy and retry_after_ms.
 */
enum error_class endpoint_get(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

#define ENDPOINT_TAG_SIZE 40

/* The same. ret_tag is the ETag of the response without its quotes; "": it has none. */
enum error_class endpoint_get_tagged(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, char ret_tag[ENDPOINT_TAG_SIZE], cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

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
