/*
 * What the modes trigger and plan share: how a run is created, and the response.
 */
#ifndef SLIPWAY_API_TRIGGER_RESPONSE_H
#define SLIPWAY_API_TRIGGER_RESPONSE_H

#include "api/request.h"
#include "api/target.h"

/* All borrowed. */
struct trigger_options {
	const char *needs; /* the steps that must be done before: step_set_names; NULL: none */
	const char *uses;  /* step_set_uses; NULL: none */
	const cJSON *input;
	const cJSON *secrets; /* of the app */
	bool force;
	bool hold; /* needs that are not done hold the run as blocked, instead of refusing it */
	const int64_t *config; /* version of the payload that the input was built with; NULL: any */
	const int64_t *config_at; /* and when that was changed */
	const char *id;           /* the client's own id of this trigger; NULL: none */
	const char *request;      /* id of the HTTP request */
	bool sealed; /* the request had secrets in clear text, which make a new input each time */
};

/* Triggers the target's step. The response is 202 for a new run, 200 for a live or reused one, and
 * a problem for a conflict or for needs that are not done. *ret_outdated: nothing was done, for the
 * payload is another one than options name. */
enum error_class trigger_send(const struct service *service, const struct target *target,
	const struct trigger_options *options, struct response *response, bool *ret_outdated,
	struct error *error) SLIPWAY_MUST_CHECK;

/* A trigger that is sent again is answered before anything of it is checked, for much may have
 * changed since: where the step's run is of the trigger with this id (NULL: none), *ret_found, and
 * the response is that run. */
enum error_class trigger_find(const struct service *service, const struct target *target,
	const char *id, struct response *response, bool *ret_found,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
