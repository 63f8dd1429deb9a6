/*
 * The only file that uses libfcgi: one poll loop over the persistent connections of a listening
 * socket. The same program also runs as plain CGI.
 */
#ifndef SLIPWAY_API_FASTCGI_H
#define SLIPWAY_API_FASTCGI_H

#include "api/request.h"

/* Connections per process. Further ones wait, or are accepted by another process of the pool. */
#define FASTCGI_CONNECTIONS_MAX 256

/* Handles one request. The context is the caller's. */
typedef void request_handler(
	void *context, const struct request *request, struct response *response);

/* Whether this process was started as a CGI program, so that fd 0 is not a listening socket. */
bool fastcgi_is_cgi(void);

/* Opens a unix socket to listen on, replacing any file at the path. */
enum error_class fastcgi_listen(
	const char *path, int *ret_socket, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Serves the listening socket until SIGTERM, then finishes the requests under way. For a process
 * that does nothing else.
 */
enum error_class fastcgi_serve(int listener, request_handler *handler, void *context,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Serves the single request of a CGI program: reads the environment and standard input, writes
 * standard output. */
enum error_class cgi_serve(
	request_handler *handler, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
