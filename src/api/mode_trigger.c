#include <string.h>

#include "api/routes.h"
#include "api/target.h"
#include "core/input.h"
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

static enum error_class answer_conflict(
	const struct trigger_result *result, struct response *response, struct error *error)
{
	cJSON *current;
	error_set(error, ERROR_RUN_CONFLICT, "'%s' is running for '%s' with another input (run %s)", result->run.action,
		result->run.app, result->run.run);
	struct error problem = *error;
	if (run_status(&result->run, &current, error) != ERROR_NONE)
		return error->class;
	response_problem(response, &problem, NULL, current);
	return ERROR_NONE;
}

static enum error_class answer_needs(
	const struct trigger_result *result, struct response *response, struct error *error)
{
	cJSON *needs = cJSON_CreateArray();
	bool complete = needs != NULL;
	for (size_t i = 0; complete && i < result->missing_count; i++)
		complete = json_append(needs, cJSON_CreateString(result->missing[i]));
	error_set(error, ERROR_NEEDS_NOT_DONE, "'%s' needs %zu step%s that %s not done", result->run.action,
		result->missing_count, result->missing_count == 1 ? "" : "s",
		result->missing_count == 1 ? "is" : "are");
	if (complete)
		response_problem(response, error, needs, NULL);
	cJSON_Delete(needs);
	return complete ? ERROR_NONE : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the answer");
}

static enum error_class answer_run(const struct trigger_result *result, struct response *response, struct error *error)
{
	cJSON *status;
	if (run_status(&result->run, &status, error) != ERROR_NONE)
		return error->class;
	if (result->outcome == TRIGGER_REUSED && !json_add(status, "reused", cJSON_CreateTrue())) {
		cJSON_Delete(status);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the answer");
	}
	return response_json(response, result->outcome == TRIGGER_NEW ? 202 : 200, status, error);
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
	if (result.outcome == TRIGGER_CONFLICT)
		return answer_conflict(&result, response, error);
	if (result.outcome == TRIGGER_NEEDS_NOT_DONE)
		return answer_needs(&result, response, error);
	return answer_run(&result, response, error);
}

/* inputs must be an object and force a boolean, where they are given. */
static enum error_class check_members(const cJSON *body, struct error *error)
{
	const cJSON *inputs = json_member(body, "inputs"), *force = json_member(body, "force");
	if (inputs != NULL && !cJSON_IsObject(inputs)) {
		error_set(error, ERROR_INVALID_REQUEST, "it must be an object");
		return error_at(error, "/inputs");
	}
	if (force != NULL && !cJSON_IsBool(force)) {
		error_set(error, ERROR_INVALID_REQUEST, "it must be true or false");
		return error_at(error, "/force");
	}
	return ERROR_NONE;
}

enum error_class mode_trigger(const struct service *service, const struct request *request, const cJSON *body,
	struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	struct payload payload;
	cJSON *input;
	if (target_from_body(body, true, &target, error) != ERROR_NONE || check_members(body, error) != ERROR_NONE ||
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
