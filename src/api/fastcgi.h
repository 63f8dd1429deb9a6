/*
 * The only door to libfcgi: kept connections of one listener, each with its FCGX_Request, in one poll loop; and the
 * same binary as a plain CGI program.
 */
#ifndef SLIPWAY_API_FASTCGI_H
#define SLIPWAY_API_FASTCGI_H

#include "api/request.h"

/* One process holds no more connections; others wait, or go to another process of the pool. */
#define FASTCGI_CONNECTIONS_MAX 256

/* Answers one request. The context is the caller's. */
typedef void request_handler(void *context, const struct request *request, struct response *response);

/* Whether the server started this process as a CGI program: then fd 0 is no listening socket. */
bool fastcgi_is_cgi(void);

/* Opens a unix socket to listen on, replacing what stands at the path. */
enum error_class fastcgi_listen(const char *path, int *ret_socket, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Serves the listening socket until SIGTERM; requests that have begun are answered first. Only for a process that
 * does nothing else.
 */
enum error_class fastcgi_serve(
	int listener, request_handler *handler, void *context, struct error *error) SLIPWAY_MUST_CHECK;

/* Answers the one request of a CGI program: environment and standard input in, standard output out. */
enum error_class cgi_serve(request_handler *handler, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
