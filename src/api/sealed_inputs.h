/*
 * What a request brings in clear where a secret may stand is sealed before anything of it is stored or sent on.
 */
#ifndef SLIPWAY_API_SEALED_INPUTS_H
#define SLIPWAY_API_SEALED_INPUTS_H

#include "api/request.h"
#include "slipway/workflow.h"

/*
 * Seals in the request's inputs, in place, what the workflow's steps (NULL: those of any workflow) keep secret.
 * *ret_count: how many texts were clear. ERROR_INVALID_REQUEST where there is no key to seal with, ERROR_INVALID_INPUT
 * where something cannot be sealed, with the place.
 */
enum error_class seal_inputs(const struct service *service, const char *app, const struct workflow_definition *workflow,
	cJSON *body, size_t *ret_count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
