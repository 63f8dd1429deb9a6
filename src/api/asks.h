/*
 * Where the fields of a workflow's inputs come from, and which of them a person must fill in.
 */
#ifndef SLIPWAY_API_ASKS_H
#define SLIPWAY_API_ASKS_H

#include "base/json.h"
#include "slipway/workflow.h"

/* A list with each required field and each bound one, once per input. The caller owns it; NULL if
 * there is no memory. */
cJSON *asks_describe(const struct workflow_definition *workflow);

#endif
