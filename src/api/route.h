/*
 * A path that is answered: one file route_*.c with one const struct, and a line in routes.c. The
 * struct says who may call it and how; what a refusal names (Allow, the paths that there are) is
 * made of these structs.
 */
#ifndef SLIPWAY_API_ROUTE_H
#define SLIPWAY_API_ROUTE_H

#include "api/request.h"

struct route {
	const char *method; /* HEAD is answered as GET */
	const char *path;   /* "{app}" in it stands for the id of an app: request->app */
	bool open;          /* answered without a token: it tells nothing about any app */
	enum role role;     /* that a caller needs; without one it is refused to all */
	/* The mode as which a browser token may call it: "" is any, NULL none. */
	const char *mode;
	bool whole; /* it shows more than one app: not for a token of some apps only */

	/* Fills the response and returns ERROR_NONE, or gives an error, which becomes a problem
	 * document. */
	enum error_class (*handle)(const struct service *service, const struct request *request,
		struct response *response, struct error *error);
};

#endif
