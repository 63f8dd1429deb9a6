/*
 * A request and its response, independent of the transport: FastCGI, CGI, or a test.
 */
#ifndef SLIPWAY_API_REQUEST_H
#define SLIPWAY_API_REQUEST_H

#include "base/buffer.h"
#include "base/identifier.h"
#include "base/json.h"
#include "base/settings.h"
#include "core/run.h"
#include "store/redis.h"

#define REQUEST_BODY_MAX ((size_t)256 * 1024)
#define REQUEST_ID_SIZE  33 /* 32 hexadecimal digits, as nginx makes them */

/* What came in. Borrowed from the transport, "" where absent. */
struct request {
	const char *id; /* made by the web server, never by the client; see request_id_valid */
	const char *method;
	const char *path; /* decoded and normalised by the web server */
	const char *app;  /* what stands for {app} in the path of the route; "" where it has none */
	const char *query;
	const char *host; /* the Host header, without checks */
	const char *content_type;
	const char *content_encoding;
	const char *if_none_match;
	const char *body; /* body_length bytes */
	size_t body_length;
	bool body_too_large; /* it exceeds REQUEST_BODY_MAX and was not read */
};

/* What a request is about, for the log. "" where it is not given or not valid. */
struct request_subject {
	const char *path; /* of the route; NULL: none was found */
	char mode[16];
	char app[IDENTIFIER_SIZE], workflow[IDENTIFIER_SIZE], step[IDENTIFIER_SIZE];
	bool reads; /* it changes nothing */
};

/* What goes out. Zeroed before use; response_release. */
struct response {
	int status;
	enum error_class class; /* of the problem; ERROR_NONE: the response is not one */
	struct request_subject subject;
	const struct run *ended;     /* the run that this request ended, in its arena; NULL: none */
	const char *content_type;    /* borrowed; NULL: no body */
	char etag[72];               /* with its quotes; "": none */
	int64_t retry_after_seconds; /* 0: none */
	char allow[32];              /* for 405: the methods of the path; else "" */
	struct buffer body;
};

/* What a handler works with. */
struct service {
	const struct settings *settings;
	struct redis *redis;
	struct arena *arena; /* of this request */
};

/* Finds the route of a request and calls its handler; an error becomes a problem document. Never
 * fails. */
void request_handle(
	const struct service *service, const struct request *request, struct response *response);

/* Whether the text is 32 lower-case hexadecimal digits, as nginx's $request_id is. */
bool request_id_valid(const char *text);

/* Logs a request after its response, and the run that it ended. docs/operations.md says at which
 * level. The request's arena must still exist. */
void request_log(const struct request *request, const struct response *response, int64_t took_ms);

/* A response of 200 without a body. response_release in any case. */
void response_init(struct response *response);
void response_release(struct response *response);

/* ---- for the handlers ---- */

/* Fills the response with JSON. Takes json over. */
enum error_class response_json(
	struct response *response, int status, cJSON *json, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Fills the response with an RFC 9457 problem document. needs (may be NULL) are the names of steps
 * that are not done; current (may be NULL) is the status of the run that is in the way.
 */
void response_problem(struct response *response, const struct error *problem, const cJSON *needs,
	const cJSON *current);

/* The same for inputs with several invalid places: errors is a list of what problem_place makes. */
void response_faults(struct response *response, const struct error *problem, const cJSON *errors);

/* One invalid place; step (may be NULL) is the step whose input it is. The caller's; NULL if memory
 * is short. */
cJSON *problem_place(const char *step, const struct error *fault);

/* Keeps for the log which app, workflow and step the body or query names, as far as these are valid
 * ids. */
void response_subject(struct response *response, const cJSON *body);

#endif
