/*
 * mode plan: a dry run of a whole workflow, queued as a run of the step `plan` that every workflow
 * has. Invalid input of one step is part of the plan, because people want to see all steps at once.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/plan_input.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "core/dry_run.h"
#include "store/payload.h"

/* Builds the inputs twice where they contain secrets in clear text: once to check them, and once
 * sealed, to store. */
static enum error_class plan_sealed(const struct service *service, const struct target *target,
	const struct payload *payload, cJSON *body, cJSON **ret_input, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	const struct input_sources sources = { target->workflow, NULL, payload->inputs,
		json_member(body, "inputs"), payload->config, payload->env, payload->secrets, NULL,
		target->app };
	size_t sealed = 0;

	if (plan_input_build(service, &sources, NULL, &input, error) != ERROR_NONE ||
		seal_inputs(service, target->app, target->workflow, body, &sealed, error) !=
			ERROR_NONE)
		return error->class;
	if (sealed > 0)
		return plan_input_build(service, &sources, NULL, ret_input, error);

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
