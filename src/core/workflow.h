/*
 * Questions about the compiled-in workflows.
 */
#ifndef SLIPWAY_CORE_WORKFLOW_H
#define SLIPWAY_CORE_WORKFLOW_H

#include "core/reference.h"
#include "slipway/workflow.h"

/* NULL where there is none of this id. Every workflow has the step of its dry run, see core/dry_run.h. */
const struct workflow_definition *workflow_find(const char *id);
const struct step_definition *workflow_step(const struct workflow_definition *workflow, const char *id);

/* Whether one of its steps takes the input of this key. */
bool workflow_takes_input(const struct workflow_definition *workflow, const char *key);

/* Limits of the step's action, with the defaults put in. */
uint32_t step_attempt_timeout_s(const struct step_definition *step);
uint32_t step_run_timeout_s(const struct step_definition *step);
uint32_t step_max_attempts(const struct step_definition *step);

/* A step of any app, this one or another. */
struct app_need {
	char app[IDENTIFIER_SIZE];
	const struct workflow_definition *workflow;
	const struct step_definition *step;
};
#define APP_NEEDS_MAX 32
#define NEEDS_MAX     (WORKFLOW_STEPS_MAX + APP_NEEDS_MAX) /* of one step, in all */

/* Steps of one workflow, in its order, and those that are referred to by their app. */
struct step_set {
	const struct workflow_definition *workflow;
	bool contains[WORKFLOW_STEPS_MAX];
	struct app_need others[APP_NEEDS_MAX];
	size_t other_count;
};

/*
 * The steps that must be done before this one: those that it names, those that its bindings refer to, and those
 * that the input refers to (NULL: no input yet). A reference to an unknown workflow, step or output, or to the step
 * itself, is ERROR_INVALID_INPUT with its place.
 */
enum error_class step_needs(const struct workflow_definition *workflow, const struct step_definition *step,
	const cJSON *input, const char *place, struct step_set *ret_needs, struct error *error) SLIPWAY_MUST_CHECK;

/* The same of all that the input refers to: notes what is wrong with it, and goes on. */
enum error_class step_check_needs(const struct workflow_definition *workflow, const struct step_definition *step,
	const cJSON *input, const char *place, struct step_set *ret_needs, struct faults *faults,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether one compiled-in workflow is sound: ids valid and once, needs and references known, no cycle, bindings
 * to fields that the action has. The error names workflow and step. */
enum error_class workflow_check(const struct workflow_definition *workflow, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for all in workflows/workflows.c, and that their ids are used once: what `make` runs. */
enum error_class workflow_check_all(struct error *error) SLIPWAY_MUST_CHECK;

#endif
