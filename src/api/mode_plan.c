/*
 * mode plan: a dry run of a whole workflow, queued as a run of the step `plan` that every workflow
 * has. Invalid input of one step is part of the plan, because people want to see all steps at once.
 */
#include <string.h>

#include "api/body.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "base/record.h"
#include "core/dry_run.h"
#include "core/error_json.h"
#include "core/input.h"
#include "store/payload.h"

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
		if (problem.class == ERROR_INVALID_INPUT)
			return error_print(&problem, service->arena, &question->error, error);
		*error = problem;
		return error->class;
	}

	question->input = json_print(service->arena, input);
	return question->input != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
}

static enum error_class plan_all_steps(const struct service *service, const struct target *target,
	const struct payload *payload, const cJSON *inputs, cJSON **ret_input, struct error *error)
{
	struct dry_run_input_step questions[WORKFLOW_STEPS_MAX];

	memset(questions, 0, sizeof(questions));

	/* All inputs are stored in one run, so they share one budget. */
	struct reference_budget budget = REFERENCE_BUDGET;
	struct input_sources sources = { target->workflow, NULL, payload->inputs, inputs,
		payload->config, payload->env, payload->secrets, &budget, target->app };
	if (input_check_keys(&sources, NULL, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < target->workflow->step_count; i++) {
		sources.step = &target->workflow->steps[i];
		if (plan_one_step(service, &sources, &questions[i], error) != ERROR_NONE)
			return error->class;
	}

	const struct dry_run_input input = { { questions, target->workflow->step_count } };
	return record_encode(&dry_run_input_record, &input, ret_input, error);
}

/* Builds the inputs twice where they contain secrets in clear text: once to check them, and once
 * sealed, to store. */
static enum error_class plan_sealed(const struct service *service, const struct target *target,
	const struct payload *payload, cJSON *body, cJSON **ret_input, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	const cJSON *inputs = json_member(body, "inputs");
	size_t sealed = 0;

	if (plan_all_steps(service, target, payload, inputs, &input, error) != ERROR_NONE ||
		seal_inputs(service, target->app, target->workflow, body, &sealed, error) !=
			ERROR_NONE)
		return error->class;
	if (sealed > 0)
		return plan_all_steps(service, target, payload, inputs, ret_input, error);

	*ret_input = json_take(&input);
	return ERROR_NONE;
}

static enum error_class handle_plan(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	CLEANUP_JSON cJSON *input = NULL;
	struct payload changes;
	struct target target;

	if (target_from_body(body, false, &target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		body_payload(service, target.app, body, &changes, error) != ERROR_NONE ||
		payload_read(service->redis, target.app, &payload, error) != ERROR_NONE)
		return error->class;
	changes.inputs = NULL; /* they are the request's own, over what is stored */
	if (payload_apply(&payload, &changes, error) != ERROR_NONE ||
		plan_sealed(service, &target, &payload, body, &input, error) != ERROR_NONE)
		return error->class;

	/* Forced: each plan looks again, because the world may have changed since the last one. */
	target.step = &dry_run_step;
	const struct trigger_options options = {
		.input = input, .secrets = payload.secrets, .force = true, .request = request->id
	};
	return trigger_send(service, &target, &options, response, error);
}

const struct mode mode_plan = {
	.name = "plan",
	.members = (const char *const[]){ "workflowId", "inputs", "config", "env", NULL },
	.handle = handle_plan,
};
