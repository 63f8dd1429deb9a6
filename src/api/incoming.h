/*
 * A request as a web server passes it to a program: parameters named as CGI does, and a body. What
 * FastCGI and CGI have in common.
 */
#ifndef SLIPWAY_API_INCOMING_H
#define SLIPWAY_API_INCOMING_H

#include <sys/types.h>

#include "api/held.h"

/* Where the parameters and the body of a request are read from. */
struct source {
	const char *(*parameter)(const void *context, const char *name); /* NULL: it has none */
	/* At most length bytes of the body; 0 or less: there are no more. */
	ssize_t (*read)(const void *context, char *bytes, size_t length);
	/* Neither is asked for any more; NULL: that is of no interest. */
	void (*end)(void *context);
	void *context;
};

/* "" where there is none. */
const char *source_parameter(const struct source *source, const char *name);

/*
 * Reads the request and handles it: fills the response, or keeps the request in `held`, which asks
 * a question then. False where the body could not be read. held may be NULL: then it is not held.
 */
bool incoming_serve(const struct source *source, request_handler *handler, void *context,
	struct held_request *held, struct response *response);

/* Calls the handler; again where the app changed before its request was held. Whether it is held
 * now: then there is no response yet. */
bool incoming_handle(request_handler *handler, void *context, const struct request *request,
	struct response *response);

#endif
