/*
 * The requests of a command that follows a deployment. They are patient: a restart of the endpoint
 * is no reason to give up, and a request that is sent again does nothing twice. Ctrl-C ends a
 * request or a wait at once.
 *
 * 1. session_open
 * 2. session_get and session_post; session_catch_interrupts before what the server goes on with
 * 3. session_close
 */
#ifndef SLIPWAY_CLI_SESSION_H
#define SLIPWAY_CLI_SESSION_H

#include "cli/endpoint.h"

struct session {
	struct endpoint endpoint;
	cJSON *problem;    /* the problem document of the last request; NULL: it has none */
	bool answered;     /* the endpoint has responded once, so its address is right */
	int64_t silent_at; /* since when it has failed, monotonic; 0: the last request succeeded */
};

/* On a local, which begins as SESSION_EMPTY: closes it at the end of the block. */
#define CLEANUP_SESSION CLEANUP(session_close)
#define SESSION_EMPTY   ((struct session){ .problem = NULL })

/* Prepares requests, as endpoint_open; sends nothing yet. */
enum error_class session_open(struct session *session, const struct settings *settings,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Closes it; one that was never opened is fine. */
void session_close(struct session *session);

/* As endpoint_post and endpoint_get, for up to a minute of failure. A POST must be safe to repeat.
 * Once interrupted, they fail. */
enum error_class session_post(struct session *session, const cJSON *body, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;
enum error_class session_get(struct session *session, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* The same with the ETag of the response, as endpoint_get_tagged has it. */
enum error_class session_get_tagged(struct session *session, const char *path,
	const struct string_pair *query, char ret_tag[ENDPOINT_TAG_SIZE], cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* All entries of a list of the app, such as "resources", page after page to its end. The response
 * has them in a member of the same name. *ret_entries is the caller's. */
enum error_class session_get_all(struct session *session, const char *app, const char *list,
	cJSON **ret_entries, struct error *error) SLIPWAY_MUST_CHECK;

/* Prints why the last request failed, with all invalid places. Returns the exit status. */
int session_fail(const struct session *session, struct error *error);

/* From now on SIGINT and SIGTERM end requests and waits instead of the program; the second one ends
 * the program. */
void session_catch_interrupts(struct session *session);

/* The signal that arrived; 0: none. */
int session_interrupted(void);

#endif
