/*
 * mode trigger: builds and checks the input of one step, then creates a run of it in Redis.
 * Everything that can be refused is refused here, before a worker is involved.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "core/dry_run.h"
#include "core/input.h"
#include "store/payload.h"

/* The step `plan` has a mode of its own; `as-planned` is of a deployment. */
static enum error_class refuse_plan(const struct target *target, struct error *error)
{
	if (!step_is_dry_run(target->step))
		return ERROR_NONE;
	if (target->step == &dry_run_guard) {
		error_set(error, ERROR_INVALID_REQUEST,
			"the step '" DRY_RUN_GUARD_ID "' cannot be triggered: only a start by the "
			"hash of a plan has it");
		error_remedy(error, NULL,
			"Use the mode 'retry', or 'start' with the hash of a new plan.");
		return error_at(error, "/actionId");
	}

	error_set(error, ERROR_INVALID_REQUEST, "the step 'plan' cannot be triggered");
	error_remedy(error, NULL, "Use the mode 'plan', without actionId.");
	return error_at(error, "/actionId");
}

/* Builds the input twice where it contains secrets in clear text: once to check it, and once
 * sealed, to store. */
static enum error_class build_sealed(const struct service *service,
	const struct input_sources *sources, cJSON *body, size_t *ret_sealed, cJSON **ret_input,
	struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;

	if (input_build(sources, &input, error) != ERROR_NONE ||
		seal_inputs(service, sources->app, sources->workflow, body, ret_sealed, error) !=
			ERROR_NONE)
		return error->class;
	if (*ret_sealed > 0)
		return input_build(sources, ret_input, error);

	*ret_input = json_take(&input);
	return ERROR_NONE;
}

static enum error_class handle_trigger(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	CLEANUP_JSON cJSON *input = NULL;
	struct target target;
	struct step_set needs;
	char place[INPUT_PLACE_SIZE];
	size_t sealed = 0;

	if (target_from_body(body, true, &target, error) != ERROR_NONE ||
		refuse_plan(&target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		payload_read(service->redis, target.app, &payload, error) != ERROR_NONE ||
		body_check_version(target.app, &payload, body, error) != ERROR_NONE)
		return error->class;

	const struct input_sources sources = { target.workflow, target.step, payload.inputs,
		json_member(body, "inputs"), payload.config, payload.env, payload.secrets, NULL,
		target.app };
	if (build_sealed(service, &sources, body, &sealed, &input, error) != ERROR_NONE)
		return error->class;

	input_place(target.step, place);
	if (step_needs(target.workflow, target.step, input, place, &needs, error) != ERROR_NONE)
		return error->class;

	const struct trigger_options options = {
		.needs = &needs,
		.input = input,
		.secrets = payload.secrets,
		.force = cJSON_IsTrue(json_member(body, "force")),
		.hold = cJSON_IsTrue(json_member(body, "hold")),
		.id = json_member_string(body, "triggerId"),
		.request = request->id,
		.sealed = sealed > 0,
	};
	return trigger_send(service, &target, &options, response, error);
}

const struct mode mode_trigger = {
	.name = "trigger",
	.members = (const char *const[]){ "workflowId", "actionId", "inputs", "force", "hold",
		"triggerId", "configVersion", NULL },
	.handle = handle_trigger,
};
