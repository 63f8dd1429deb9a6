/*
 * Records of what was said to a provider and what it answered, for people who debug against the real services: one JSON
 * file an exchange, with secrets cut out. The setting SLIPWAY_RECORD turns them on.
 *
 *	{"at","provider","method","url","requestHeaders","requestBody","status","responseHeaders","requestId",
 *	 "responseBody","tookMs","error"?}
 *
 * Bodies are values where they are JSON, else strings, null where there is none. Without an answer, status is 0 and
 * error says why.
 */
#ifndef SLIPWAY_HTTP_TRACE_H
#define SLIPWAY_HTTP_TRACE_H

#include "http/client.h"

/* One exchange. All borrowed. */
struct http_record {
	const char *provider;          /* its id */
	const char *request_id_header; /* which of the kept headers names the exchange; NULL: none */
	const char *const
		*secret_members; /* names of members that are left out beside those that all have; NULL: none */
	const char *token;       /* cut out wherever it stands, beside all that redact_add knows; NULL: none */
	const struct http_request *request;
	const struct http_response *response; /* NULL: none came */
	const struct error *failure;          /* why none came */
	int64_t took_ms;
};

/*
 * Writes folder/<UTC time>-<pid>-<sequence>.json for its owner alone; it appears whole or not at all. Left out or
 * replaced by asterisks: the header Authorization, every known secret by its value, and members of both bodies by their
 * name (value, token, secret, key and such), in full. The error says what to do.
 */
enum error_class http_record_write(
	const char *folder, const struct http_record *record, struct error *error) SLIPWAY_MUST_CHECK;

#endif
