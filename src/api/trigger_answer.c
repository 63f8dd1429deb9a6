#include "api/trigger_answer.h"

enum error_class check_inputs(const cJSON *body, struct error *error)
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

enum error_class answer_trigger(const struct trigger_result *result, struct response *response, struct error *error)
{
	if (result->outcome == TRIGGER_CONFLICT)
		return answer_conflict(result, response, error);
	if (result->outcome == TRIGGER_NEEDS_NOT_DONE)
		return answer_needs(result, response, error);
	return answer_run(result, response, error);
}
