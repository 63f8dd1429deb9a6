/*
 * The inputs of all steps of a workflow, checked before anything is made of any of them.
 */
#ifndef SLIPWAY_API_CHECKED_INPUTS_H
#define SLIPWAY_API_CHECKED_INPUTS_H

#include "api/request.h"
#include "core/input.h"

/* Adds all that is wrong to the list errors, as problem_place makes it, each fault once. Sets the
 * step of the sources. The error is for what is not a fault of the inputs. */
enum error_class inputs_check(const struct service *service, struct input_sources *sources,
	cJSON *errors, struct error *error) SLIPWAY_MUST_CHECK;

/* Fills the response with the problem document of a list that is not empty. */
void inputs_refuse(
	const struct workflow_definition *workflow, const cJSON *errors, struct response *response);

#endif
