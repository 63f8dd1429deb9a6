/*
 * Puts together what a plan is asked. Invalid input of one step is part of the plan, because people
 * want to see all steps at once.
 */
#include "api/plan_input.h"

#include <string.h>

#include "base/faults.h"
#include "base/record.h"
#include "base/text.h"
#include "core/error_json.h"

/* The step's input, in which all references name something that exists. */
static enum error_class build_known(
	const struct input_sources *sources, cJSON **ret_input, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	char place[INPUT_PLACE_SIZE];
	struct step_set needs;

	input_place(sources->step, place);
	if (input_build(sources, &input, error) != ERROR_NONE ||
		step_needs(sources->workflow, sources->step, input, place, &needs, error) !=
			ERROR_NONE)
		return error->class;
	*ret_input = json_take(&input);
	return ERROR_NONE;
}

/* What the first mistake does not say: how many more there are. `validate` lists them. */
static enum error_class count_others(const struct service *service,
	const struct input_sources *sources, struct error *problem, struct error *error)
{
	struct faults *faults = arena_allocate(service->arena, sizeof(*faults));
	struct input_sources own = *sources;

	if (faults == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
	own.budget = NULL;
	if (input_faults(&own, faults, error) != ERROR_NONE)
		return error->class;
	if (faults->count > 1)
		text_append(problem->message, sizeof(problem->message),
			"; and %zu more mistake%s in this input", faults->count - 1,
			faults->count > 2 ? "s" : "");
	return ERROR_NONE;
}

static enum error_class plan_one_step(const struct service *service,
	const struct input_sources *sources, struct dry_run_input_step *question,
	struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	struct error problem;

	question->id = sources->step->id;
	if (build_known(sources, &input, &problem) != ERROR_NONE) {
		/* One step whose input is invalid or incomplete is part of the plan, not a reason
		 * to refuse all of it.
		 */
		if (problem.class != ERROR_INVALID_INPUT) {
			*error = problem;
			return error->class;
		}
		return count_others(service, sources, &problem, error) == ERROR_NONE
			? error_print(&problem, service->arena, &question->error, error)
			: error->class;
	}

	question->input = json_print(service->arena, input);
	return question->input != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
}

enum error_class plan_input_build(const struct service *service, const struct input_sources *given,
	const struct dry_run_input *expected, cJSON **ret_input, struct error *error)
{
	struct dry_run_input_step questions[WORKFLOW_STEPS_MAX];
	/* All inputs are stored in one run, so they share one budget. */
	struct reference_budget budget = REFERENCE_BUDGET;
	struct input_sources sources = *given;
	struct dry_run_input input = { .expect = NULL };

	memset(questions, 0, sizeof(questions));
	sources.budget = &budget;
	if (input_check_keys(&sources, NULL, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < sources.workflow->step_count; i++) {
		sources.step = &sources.workflow->steps[i];
		if (plan_one_step(service, &sources, &questions[i], error) != ERROR_NONE)
			return error->class;
	}

	if (expected != NULL)
		input = *expected;
	input.steps = (struct object_list){ questions, sources.workflow->step_count };
	return record_encode(&dry_run_input_record, &input, ret_input, error);
}
