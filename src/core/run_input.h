/*
 * The inputs that a run carries: its own, and in that of a dry run those of all steps that it goes
 * through. Who answers an executor judges by them what it may ask for.
 */
#ifndef SLIPWAY_CORE_RUN_INPUT_H
#define SLIPWAY_CORE_RUN_INPUT_H

#include "core/workflow.h"

/* Is given the input of one step, borrowed; an error ends the visit. */
typedef enum error_class run_input_visit(void *context, const struct action_definition *action,
	const cJSON *input, struct error *error);

/*
 * Visits the inputs of a run of this step, whose own input is `text`. Steps that the workflow has
 * not got are left out. ERROR_INVALID_INPUT if an input cannot be read; else the visitor's error.
 * The arena holds texts meanwhile.
 */
enum error_class run_inputs_visit(const struct workflow_definition *workflow,
	const struct step_definition *step, const char *text, struct arena *arena,
	run_input_visit *visit, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
