#include <string.h>

#include "api/routes.h"
#include "api/target.h"
#include "api/trigger_answer.h"
#include "core/input.h"
#include "core/plan.h"
#include "store/payload.h"
#include "store/runs.h"

static enum error_class take_needs(
	const struct target *target, const cJSON *input, struct trigger *trigger, struct error *error)
{
	struct step_set needs;
	if (step_needs(target->workflow, target->step, input, "/inputs", &needs, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < target->workflow->step_count; i++)
		if (needs.contains[i])
			trigger->needs[trigger->need_count++] = target->workflow->steps[i].id;
	return ERROR_NONE;
}

static enum error_class send_trigger(const struct service *service, const struct target *target, const cJSON *input,
	bool force, struct response *response, struct error *error)
{
	char digest[DIGEST_SIZE];
	struct trigger_result result;
	struct trigger trigger = {
		.name = target_name(target),
		.input = json_print(service->arena, input),
		.digest = digest,
		.force = force,
		.run_ms = (int64_t)step_run_seconds(target->step) * 1000,
		.attempts = step_attempts(target->step),
		.retention_seconds = service->settings->retention_days * 86400,
	};
	if (trigger.input == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
	if (json_digest(input, digest, error) != ERROR_NONE ||
		take_needs(target, input, &trigger, error) != ERROR_NONE ||
		run_trigger(service->redis, &trigger, service->arena, &result, error) != ERROR_NONE)
		return error->class;
	return answer_trigger(&result, response, error);
}

/* The step by which a workflow is planned has a mode of its own. */
static enum error_class refuse_plan(const struct target *target, struct error *error)
{
	if (target->step != &plan_step)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "a plan is not triggered as a step");
	error_remedy(error, NULL, "Send mode 'plan' without an actionId.");
	return error_at(error, "/actionId");
}

enum error_class mode_trigger(const struct service *service, const struct request *request, const cJSON *body,
	struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	struct payload payload;
	cJSON *input;
	if (target_from_body(body, true, &target, error) != ERROR_NONE || refuse_plan(&target, error) != ERROR_NONE ||
		check_inputs(body, error) != ERROR_NONE ||
		payload_read(service->redis, target.app, &payload, error) != ERROR_NONE)
		return error->class;
	const struct input_sources sources = { target.workflow, target.step, payload.inputs,
		json_member(body, "inputs"), payload.config, payload.env };
	enum error_class class = input_build(&sources, &input, error);
	if (class == ERROR_NONE) {
		bool force = cJSON_IsTrue(json_member(body, "force"));
		class = send_trigger(service, &target, input, force, response, error);
		cJSON_Delete(input);
	}
	payload_release(&payload);
	return class;
}
