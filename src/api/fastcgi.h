/*
 * The only file that uses libfcgi: serves the persistent connections of a listening socket, many
 * requests at a time.
 */
#ifndef SLIPWAY_API_FASTCGI_H
#define SLIPWAY_API_FASTCGI_H

#include "api/incoming.h"
#include "base/loop.h"

/* Connections per process. Further ones wait, or are accepted by another process of the pool. */
#define FASTCGI_CONNECTIONS_MAX 8192

/* Requests that are served at a time, each on a stack of its own. */
#define FASTCGI_SERVED_MAX 32

/* Requests that may wait for that; who comes behind them is refused, and told to come back. */
#define FASTCGI_WAITING_MAX 2048

/* For how long a process that is told to stop finishes what it serves: less than its supervisor
 * gives it. */
#define FASTCGI_DRAIN_MS 4700

/* Whether this process was started as a CGI program, so that fd 0 is not a listening socket. */
bool fastcgi_is_cgi(void);

/* Opens a unix socket to listen on, replacing any file at the path. */
enum error_class fastcgi_listen(
	const char *path, int *ret_socket, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Serves the listening socket in the loop until SIGTERM, then finishes the requests under way. The
 * handler is called in a coroutine. Three quarters of the connections may have requests that are
 * held: the others are for those that ask for something. holds may be NULL: then none is. For a
 * process that does nothing else.
 */
enum error_class fastcgi_serve(struct loop *loop, struct holds *holds, int listener,
	request_handler *handler, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
