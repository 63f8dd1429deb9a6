/*
 * What trigger and plan have in common: what they send, and what they answer.
 */
#ifndef SLIPWAY_API_TRIGGER_RESPONSE_H
#define SLIPWAY_API_TRIGGER_RESPONSE_H

#include "api/request.h"
#include "api/target.h"

/* All borrowed. */
struct trigger_options {
	const struct step_set *needs; /* the steps that must be done before; NULL: none */
	const cJSON *input;
	const cJSON *secrets; /* of the app */
	bool force;
	const char *id;      /* by which the client knows it again; NULL: none */
	const char *request; /* the id of the request that it came with */
	bool sealed;         /* the request brought secrets in clear, which are another input each time */
};

/* Triggers the target's step. Answers 202 for a new run, 200 for the same or a reused one, a problem for a conflict and
 * for needs that are not done. */
enum error_class trigger_send(const struct service *service, const struct target *target,
	const struct trigger_options *options, struct response *response, struct error *error) SLIPWAY_MUST_CHECK;

#endif
