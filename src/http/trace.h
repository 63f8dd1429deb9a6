/*
 * Writes each exchange with a provider to a JSON file, with secrets masked, to debug against the
 * real services. The setting SLIPWAY_RECORD turns this on.
 *
 *	{"at","provider","method","url","requestHeaders","requestBody","status",
 *	 "responseHeaders","requestId","responseBody","tookMs","error"?}
 *
 * A body is a JSON value if it is JSON, else a string, or null if there is none. Without a
 * response, status is 0 and error says why.
 */
#ifndef SLIPWAY_HTTP_TRACE_H
#define SLIPWAY_HTTP_TRACE_H

#include "http/client.h"

/* One exchange. All borrowed. */
struct http_record {
	const char *provider;              /* its id */
	const char *request_id_header;     /* the kept header with the request id; NULL: none */
	const char *const *secret_members; /* further names of members to mask; NULL: none */
	/* masked everywhere, like everything that redact_add knows; NULL: none */
	const char *token;
	const struct http_request *request;
	const struct http_response *response; /* NULL: none came */
	const struct error *failure;          /* why none came */
	int64_t took_ms;
};

/*
 * Writes folder/<UTC time>-<pid>-<sequence>.json atomically, readable only by its owner. Masked in
 * full: the header Authorization, the value of every known secret, and members of both bodies with
 * names such as value, token, secret or key. The error says what to do.
 */
enum error_class http_record_write(const char *folder, const struct http_record *record,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
