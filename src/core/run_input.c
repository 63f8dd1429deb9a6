/* Walks over the inputs of a run. */
#include "core/run_input.h"

#include "base/record.h"
#include "core/dry_run.h"
#include "core/input.h"

static enum error_class visit_text(const struct action_definition *action, const char *text,
	run_input_visit *visit, void *context, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;

	if (input_read(text, &input, error) != ERROR_NONE)
		return error->class;
	return visit(context, action, input, error);
}

enum error_class run_inputs_visit(const struct workflow_definition *workflow,
	const struct step_definition *step, const char *text, struct arena *arena,
	run_input_visit *visit, void *context, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct dry_run_input input;

	if (!step_is_dry_run(step))
		return visit_text(step->action, text, visit, context, error);
	if (input_read(text, &json, error) != ERROR_NONE ||
		record_decode(&dry_run_input_record, json, RECORD_LENIENT, "/input", arena, &input,
			error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < input.steps.count; i++) {
		const struct dry_run_input_step *one =
			(const struct dry_run_input_step *)input.steps.items + i;
		const struct step_definition *of = workflow_step(workflow, one->id);
		if (of != NULL && one->input != NULL &&
			visit_text(of->action, one->input, visit, context, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
