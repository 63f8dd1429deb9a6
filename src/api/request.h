/*
 * A request and its response, independent of the transport: FastCGI, CGI, or a test.
 */
#ifndef SLIPWAY_API_REQUEST_H
#define SLIPWAY_API_REQUEST_H

#include "base/buffer.h"
#include "base/identifier.h"
#include "base/json_write.h"
#include "base/settings.h"
#include "core/budget.h"
#include "core/run.h"
#include "core/token.h"
#include "store/redis.h"

struct hold;
struct holds;

#define REQUEST_BODY_MAX ((size_t)256 * 1024)
#define REQUEST_ID_SIZE  33 /* 32 hexadecimal digits, as nginx makes them */

/* What came in. Borrowed from the transport, "" where absent. */
struct request {
	const char *id; /* made by the web server, never by the client; see request_id_valid */
	const char *method;
	const char *path; /* decoded and normalised by the web server */
	const char *app;  /* what stands for {app} in the path of the route; "" where it has none */
	const char *query;
	const char *host;                   /* the Host header, without checks */
	const char *authorization, *origin; /* these headers, without checks */
	const char *content_type;
	const char *content_encoding;
	const char *if_none_match;
	const char *body; /* body_length bytes */
	size_t body_length;
	bool body_too_large; /* it exceeds REQUEST_BODY_MAX and was not read */
	bool overloaded;     /* too many others are before it: it is to be refused at once */
	struct hold *hold;   /* by which it may be held (api/holds.h); NULL: it may not */
};

/* What a request is about, for the log. "" where it is not given or not valid. */
struct request_subject {
	const char *path; /* of the route; NULL: none was found */
	char mode[16];
	char app[IDENTIFIER_SIZE], workflow[IDENTIFIER_SIZE], step[IDENTIFIER_SIZE];
	bool reads;                /* it changes nothing */
	char token[TOKEN_ID_SIZE]; /* id of the caller's */
	char tenant[IDENTIFIER_SIZE];
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
	/* Whose pages may read it, ended by a blank or the end: it stands in the settings, for the
	 * texts of the request are gone when the response is sent. NULL: those of no other site. */
	const char *allow_origin;
	bool preflight; /* it says what such a page may send */
	bool varies;    /* pages of another origin may get another one */
	struct buffer body;
	/* There is none yet, and nothing else is filled in: the request is held, and the handler
	 * called again when its hold is due. */
	bool held;
};

/* Handles one request. The context is the caller's. One that is marked as overloaded is refused
 * without waiting for anything: it may be called outside of a coroutine. */
typedef void request_handler(
	void *context, const struct request *request, struct response *response);

/* What a handler works with. */
struct service {
	const struct settings *settings;
	/* Whose the request is, and who sends it; set once, when it was authorised */
	const char *tenant;
	const struct token *caller;
	char budgets[BUDGETS_TEXT_SIZE]; /* of the tenant, for scripts: budgets_print */
	struct redis *redis;
	struct arena *arena;       /* of this request */
	struct holds *holds;       /* NULL: no request may be held */
	struct together *together; /* NULL: each trigger is a call of its own */
};

/* An app of the tenant that the request is of. Borrows both. */
struct app_name service_app(const struct service *service, const char *app);

/* Finds the route of a request and calls its handler; an error becomes a problem document. Never
 * fails. */
void request_handle(
	const struct service *service, const struct request *request, struct response *response);

/* Whether the text is 32 lower-case hexadecimal digits, as nginx's $request_id is. */
bool request_id_valid(const char *text);

/* Logs a request after its response, and the run that it ended. docs/operations.md says at which
 * level. The request's arena must still exist. */
void request_log(const struct request *request, const struct response *response, int64_t took_ms);

/* Appends a request that changes something, or was refused that, to the audit, before its response
 * goes out. One of nobody, which has no valid token, stands in the log alone. */
void request_audit(const struct service *service, const struct request *request,
	const struct response *response);

#define RESPONSE_HEAD_SIZE 1024
#define RESPONSE_MAX       ((size_t)4 << 20) /* of a body */

/* Writes the header lines of a response, and the empty line behind them, as CGI has them. */
void response_head(const struct response *response, char head[RESPONSE_HEAD_SIZE]);

/* A response of 200 without a body. response_release in any case. */
void response_init(struct response *response);
void response_release(struct response *response);

/* ---- for the handlers ---- */

/* Fills the response with JSON. Takes json over. */
enum error_class response_json(
	struct response *response, int status, cJSON *json, struct error *error) SLIPWAY_MUST_CHECK;

/* The same with what the writer wrote into the response's body, which was empty before. */
enum error_class response_written(struct response *response, int status,
	const struct json_writer *writer, struct error *error) SLIPWAY_MUST_CHECK;

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
