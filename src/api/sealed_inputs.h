/*
 * Seals secrets that a request contains in clear text, before anything of it is stored or passed
 * on.
 */
#ifndef SLIPWAY_API_SEALED_INPUTS_H
#define SLIPWAY_API_SEALED_INPUTS_H

#include "api/request.h"
#include "slipway/workflow.h"

/*
 * Seals, in place, the secret fields in the request's inputs: those of the workflow's steps (NULL:
 * of any workflow). *ret_count: how many texts were in clear. ERROR_INVALID_REQUEST if there is no
 * key to seal with, ERROR_INVALID_INPUT with the place if a value cannot be sealed.
 */
enum error_class seal_inputs(const struct service *service, const char *app,
	const struct workflow_definition *workflow, cJSON *body, size_t *ret_count,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
