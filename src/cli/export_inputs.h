/*
 * The inputs of a deployment as a stack file has them: what was configured and given becomes one,
 * and what was sealed a reference to a secret.
 */
#ifndef SLIPWAY_CLI_EXPORT_INPUTS_H
#define SLIPWAY_CLI_EXPORT_INPUTS_H

#include "base/json.h"

/* From an entry of the list of deployments, whose `inputs` and `configured` it changes. A null one,
 * which was too large to be kept, counts as empty. taken has the names of secrets that no other may
 * have, as members; those that are made up are added. *ret_inputs is the caller's. */
enum error_class export_inputs(cJSON *deployment, cJSON *taken, cJSON **ret_inputs,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Sets `adopt` in the inputs of each step of the workflow (of GET /api/workflows) that has such a
 * member and made one of the resources. False: memory is short. */
bool export_adoption(
	const cJSON *workflow, const cJSON *resources, cJSON *inputs) SLIPWAY_MUST_CHECK;

#endif
