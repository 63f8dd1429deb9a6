/*
 * The handlers of the endpoint, one a route or mode.
 */
#ifndef SLIPWAY_API_ROUTES_H
#define SLIPWAY_API_ROUTES_H

#include "api/request.h"
#include "store/payload.h"

/*
 * A handler fills the response and returns ERROR_NONE, or gives an error, which becomes a problem document. body is
 * the checked request body of a POST, NULL for a GET.
 */
typedef enum error_class request_handler(const struct service *service, const struct request *request,
	const cJSON *body, struct response *response, struct error *error);

/* Modes of POST /api/deploy: mode_*.c. */
request_handler mode_trigger;
request_handler mode_poll;
request_handler mode_configure;
request_handler mode_cancel;
request_handler mode_plan;
request_handler mode_validate;

/* GET routes. */
request_handler route_poll;
request_handler route_workflows;
request_handler route_healthz;
request_handler route_readyz;
request_handler route_metrics;

/* POST /api/deploy: decodes the body and passes it to its mode. */
request_handler route_deploy;

/* A string member that is a valid identifier. Errors name the member. */
enum error_class body_identifier(
	const cJSON *body, const char *name, const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a member that may be absent: then NULL. */
enum error_class body_identifier_optional(
	const cJSON *body, const char *name, const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

/* The parts of an app's payload that a body has: borrowed from it, each NULL where it has none. Seals the secrets of
 * the body in place. */
enum error_class body_payload(const struct service *service, const char *app, const cJSON *body,
	struct payload *ret_changes, struct error *error) SLIPWAY_MUST_CHECK;

#endif
