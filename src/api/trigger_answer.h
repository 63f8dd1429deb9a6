/*
 * What trigger and plan have in common: what they take, what they send, and what they answer.
 */
#ifndef SLIPWAY_API_TRIGGER_ANSWER_H
#define SLIPWAY_API_TRIGGER_ANSWER_H

#include "api/request.h"
#include "api/target.h"

/* inputs must be an object and force a boolean, where they are given. ERROR_INVALID_REQUEST with the place. */
enum error_class check_inputs(const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Triggers the target's step; needs are the steps that must be done before (NULL: none), secrets those of the app.
 * Answers 202 for a new run, 200
 * for the same or a reused one, a problem for a conflict and for needs that are not done.
 */
enum error_class trigger_send(const struct service *service, const struct target *target, const struct step_set *needs,
	const cJSON *input, const cJSON *secrets, bool force, struct response *response,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
