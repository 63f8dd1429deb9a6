/*
 * Sends a trigger to Redis and turns its outcome into an answer. Trigger and plan differ only in how they
 * build the input.
 */
#include "api/trigger_answer.h"

#include <string.h>

#include "base/text.h"
#include "core/input.h"
#include "store/runs.h"

static enum error_class answer_conflict(const struct trigger_result *result, const struct trigger_options *wish,
	struct response *response, struct error *error)
{
	cJSON *current;

	error_set(error, ERROR_RUN_CONFLICT, "'%s' is running for '%s' with another input (run %s)", result->run.action,
		result->run.app, result->run.run);
	if (wish->sealed)
		error_remedy(error, NULL,
			"The request has a secret in clear, which counts as another one each time. Wait until the run "
			"has "
			"ended; to send the same again, configure the secret once and write ${secret.NAME} in its "
			"place.");
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
	char names[300] = ""; /* what does not fit stands in the list */

	for (size_t i = 0; complete && i < result->missing_count; i++) {
		size_t length = strlen(names);
		text_format(names + length, sizeof(names) - length, "%s%s", i > 0 ? ", " : "", result->missing[i]);
		complete = json_append(needs, cJSON_CreateString(result->missing[i]));
	}

	error_set(error, ERROR_NEEDS_NOT_DONE, "'%s' needs %zu step%s that %s not done: %s", result->run.action,
		result->missing_count, result->missing_count == 1 ? "" : "s", result->missing_count == 1 ? "is" : "are",
		names);
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

static enum error_class answer_trigger(const struct trigger_result *result, const struct trigger_options *wish,
	struct response *response, struct error *error)
{
	if (result->outcome == TRIGGER_CONFLICT)
		return answer_conflict(result, wish, response, error);
	if (result->outcome == TRIGGER_NEEDS_NOT_DONE)
		return answer_needs(result, response, error);
	return answer_run(result, response, error);
}

static void take_needs(const struct step_set *needs, struct trigger *trigger)
{
	for (size_t i = 0; i < needs->workflow->step_count; i++)
		if (needs->contains[i])
			trigger->needs[trigger->need_count++] = needs->workflow->steps[i].id;
	for (size_t i = 0; i < needs->other_count; i++)
		trigger->others[trigger->other_count++] = (struct run_name){ needs->others[i].app,
			needs->others[i].workflow->id, needs->others[i].step->id };
}

enum error_class trigger_send(const struct service *service, const struct target *target,
	const struct trigger_options *wish, struct response *response, struct error *error)
{
	char digest[DIGEST_SIZE];
	struct trigger_result result;
	struct trigger trigger = {
		.name = target_name(target),
		.input = json_print(service->arena, wish->input),
		.digest = digest,
		.force = wish->force || target->step->action->reuse == ACTION_ALWAYS,
		.id = wish->id,
		.request = wish->request,
		.run_ms = (int64_t)step_run_timeout_s(target->step) * 1000,
		.attempts = step_max_attempts(target->step),
		.retention_seconds = service->settings->retention_days * 86400,
	};

	if (trigger.input == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
	if (wish->needs != NULL)
		take_needs(wish->needs, &trigger);
	if (input_digest(wish->input, wish->secrets, digest, error) != ERROR_NONE ||
		run_trigger(service->redis, &trigger, service->arena, &result, error) != ERROR_NONE)
		return error->class;
	return answer_trigger(&result, wish, response, error);
}
