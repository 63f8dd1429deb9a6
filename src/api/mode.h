/*
 * A mode of POST /api/deploy: one file mode_*.c with one const struct, and a line in
 * route_deploy.c. Its method in client/slipway.js and its section in docs/protocol.md are asked for
 * by tests/client/types.test.mjs.
 */
#ifndef SLIPWAY_API_MODE_H
#define SLIPWAY_API_MODE_H

#include "api/request.h"

struct mode {
	const char *name; /* as `mode` of the body has it */
	/* which the body may have beside mode and appId; ended by NULL */
	const char *const *members;
	bool reads;     /* it changes nothing */
	enum role role; /* that a caller needs; without one it is refused to all */

	/* Fills the response and returns ERROR_NONE, or gives an error, which becomes a problem
	 * document. The body is an object of no other members; it is the handler's to change, and
	 * secrets are sealed in place. */
	enum error_class (*handle)(const struct service *service, const struct request *request,
		cJSON *body, struct response *response, struct error *error);
};

/* The mode of this name; NULL where there is none. */
const struct mode *mode_find(const char *name);

#endif
