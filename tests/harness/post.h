/*
 * A POST to the endpoint as a client sends it, without a web server.
 */
#ifndef SLIPWAY_TESTS_HARNESS_POST_H
#define SLIPWAY_TESTS_HARNESS_POST_H

#include "api/request.h"

/* Serves /api/deploy with this body; the response was set up by response_init, and is the
 * caller's. */
void post_deploy(const struct service *service, const char *body, struct response *ret_response);

#endif
