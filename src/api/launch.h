/*
 * What the modes start and retry share: the inputs of all steps are checked, then all runs of a
 * deployment are created at once.
 */
#ifndef SLIPWAY_API_LAUNCH_H
#define SLIPWAY_API_LAUNCH_H

#include "api/expectation.h"
#include "api/request.h"
#include "api/target.h"
#include "store/deployments.h"
#include "store/payload.h"

/* All borrowed. */
struct launch {
	const struct payload *payload; /* config, env and secrets of the app, as they are now */
	const cJSON *configured; /* the inputs that the app had configured when it was started */
	cJSON *body;             /* of the request; its `inputs` are those of the deployment */
	const char *request;     /* id of the HTTP request */
	const char *deployment;  /* retry: the deployment that is meant; NULL: the last one */
	const char *seen;        /* retry: as struct start has it */
	const char *after;       /* as struct start has it */
	struct expectation expected;
	bool retry;
};

/*
 * Where an input is invalid, the response lists all that are, and *ret_result is not set: false.
 * Else the deployment is as the result says; the response is not touched.
 */
enum error_class launch_send(const struct service *service, const struct target *target,
	const struct launch *launch, struct response *response, bool *ret_sent,
	struct start_result *ret_result, struct error *error) SLIPWAY_MUST_CHECK;

/* A start or retry that is sent again is answered before anything of it is checked, for much may
 * have changed since: where its startId is known, *ret_found, and the response is what has become
 * of its deployment. */
enum error_class launch_find(const struct service *service, const struct target *target,
	const cJSON *body, bool retry, struct response *response, bool *ret_found,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Responds with the deployment: 202 for one that was started or goes on, 200 for one that is as it
 * was, and a problem where another one, or a step with another input, is in the way. */
enum error_class launch_respond(const struct start_result *result, struct response *response,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
