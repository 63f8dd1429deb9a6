/*
 * The text of a stack file that `slipway export` prints, and whether `slipway apply` can send what
 * it has.
 */
#ifndef SLIPWAY_CLI_EXPORT_TEXT_H
#define SLIPWAY_CLI_EXPORT_TEXT_H

#include <stdio.h>

#include "base/json.h"

/* Prints the stack as JSON that is YAML as well. False: memory is short. */
bool export_text_print(const cJSON *stack, FILE *stream) SLIPWAY_MUST_CHECK;

/* Whether one request can have config, env and the inputs of one workflow, as apply sends them to
 * be checked. Each may be NULL; true also where memory is short. */
bool export_text_fits(const cJSON *config, const cJSON *env, const cJSON *inputs);

#endif
