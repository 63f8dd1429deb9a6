/*
 * Looks up the compiled-in workflows and their steps, finds the needs of a step, and checks the
 * definitions.
 */
#ifndef SLIPWAY_CORE_WORKFLOW_H
#define SLIPWAY_CORE_WORKFLOW_H

#include "core/reference.h"
#include "slipway/workflow.h"

/* NULL if there is none with this id. Every workflow has a step for its dry run, see
 * core/dry_run.h. */
const struct workflow_definition *workflow_find(const char *id);
const struct step_definition *workflow_step(
	const struct workflow_definition *workflow, const char *id);

/* Whether one of its steps has this input_key. */
bool workflow_takes_input(const struct workflow_definition *workflow, const char *key);

/* Whether the provider with this id is the one that the action is of, as github.files is of github;
 * action_calls: or another one that it may call. */
bool action_is_of(const struct action_definition *action, const char *provider);
bool action_calls(const struct action_definition *action, const char *provider);

/* Limits of the step's action, or the defaults. */
uint32_t step_attempt_timeout_s(const struct step_definition *step);
uint32_t step_run_timeout_s(const struct step_definition *step);
uint32_t step_max_attempts(const struct step_definition *step);

/* A step of the same or another app. */
struct app_need {
	char app[IDENTIFIER_SIZE];
	const struct workflow_definition *workflow;
	const struct step_definition *step;
	uint64_t uses; /* as in step_set */
};
#define APP_NEEDS_MAX 32
#define NEEDS_MAX     (WORKFLOW_STEPS_MAX + APP_NEEDS_MAX) /* of one step, in total */

/* Steps of one workflow, in its order, and steps that are referred to by app. */
struct step_set {
	const struct workflow_definition *workflow;
	bool contains[WORKFLOW_STEPS_MAX];
	/* Which outputs of it are referred to: bit i is row i of its output table. Those from row
	 * 64 on are not recorded. */
	uint64_t uses[WORKFLOW_STEPS_MAX];
	struct app_need others[APP_NEEDS_MAX];
	size_t other_count;
};

/*
 * Finds the steps that must be done before this one: its `needs`, and the steps that its bindings
 * and the input (NULL: none yet) refer to. A reference to an unknown workflow, step or output, or
 * to the step itself, is ERROR_INVALID_INPUT with its place.
 */
enum error_class step_needs(const struct workflow_definition *workflow,
	const struct step_definition *step, const cJSON *input, const char *place,
	struct step_set *ret_needs, struct error *error) SLIPWAY_MUST_CHECK;

/* The same, but records wrong references in the input as faults and continues. */
enum error_class step_check_needs(const struct workflow_definition *workflow,
	const struct step_definition *step, const cJSON *input, const char *place,
	struct step_set *ret_needs, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/* The names of a step's outputs, each between blanks; in the arena. NULL if out of memory. */
const char *step_outputs(const struct step_definition *step, struct arena *arena);

/* The needs of a step of this app as the store names runs, app:workflow:step with blanks between:
 * in the order of step_set_uses. In the arena; NULL if out of memory. */
const char *step_set_names(const char *app, const struct step_set *needs, struct arena *arena);

/* For each need, ended by `;`, the names of its outputs that are used: first those of the same
 * workflow, in its order, then the others. In the arena; NULL if out of memory. */
const char *step_set_uses(const struct step_set *needs, struct arena *arena);

/* Checks one compiled-in workflow: ids are valid and unique, needs and references exist, there is
 * no cycle, and the action has the bound fields. The error names workflow and step. */
enum error_class workflow_check(
	const struct workflow_definition *workflow, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for all workflows in workflows/workflows.c, and that their ids are unique: `make` runs
 * this. */
enum error_class workflow_check_all(struct error *error) SLIPWAY_MUST_CHECK;

#endif
