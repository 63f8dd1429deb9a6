/*
 * Sends a trigger to Redis and turns its outcome into a response. The modes trigger and plan differ
 * only in how they build the input.
 */
#include "api/trigger_response.h"

#include <string.h>

#include "api/ring.h"
#include "api/together.h"
#include "base/text.h"
#include "core/definition_memory.h"
#include "core/input.h"
#include "store/deployments.h"
#include "store/runs.h"

static enum error_class respond_conflict(const struct trigger_result *result,
	const struct trigger_options *options, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *current = NULL;

	if (run_status(&result->run, &current, error) != ERROR_NONE)
		return error->class;
	error_set(error, ERROR_RUN_CONFLICT,
		"'%s' is already running for '%s' with a different input (run %s)",
		result->run.name.step, result->run.name.app, result->run.id);
	if (options->sealed)
		error_remedy(error, NULL,
			"The request contains a secret in clear text, which makes a new input each "
			"time. Wait until the run has ended. To be able to send the same request "
			"again, configure the secret once and write ${secret.NAME} in its place.");
	response_problem(response, error, NULL, current);
	return ERROR_NONE;
}

static enum error_class respond_needs(
	const struct trigger_result *result, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *needs = cJSON_CreateArray();
	bool complete = needs != NULL;
	char names[300] = ""; /* may be truncated; the list is complete */

	for (size_t i = 0; complete && i < result->missing_count; i++) {
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", result->missing[i]);
		complete = json_append(needs, cJSON_CreateString(result->missing[i]));
	}

	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	error_set(error, ERROR_NEEDS_NOT_DONE, "'%s' needs %zu step%s that %s not done: %s",
		result->run.name.step, result->missing_count, result->missing_count == 1 ? "" : "s",
		result->missing_count == 1 ? "is" : "are", names);
	response_problem(response, error, needs, NULL);
	return ERROR_NONE;
}

static enum error_class respond_run(
	const struct trigger_result *result, struct response *response, struct error *error)
{
	struct json_writer writer = json_writer_to(&response->body, 0);

	json_open(&writer, '{');
	if (run_status_write(&result->run, &writer, error) != ERROR_NONE)
		return error->class;
	if (result->outcome == TRIGGER_REUSED) {
		json_write_name(&writer, "reused");
		json_write_boolean(&writer, true);
	}
	json_close(&writer, '}');
	return response_written(
		response, result->outcome == TRIGGER_NEW ? 202 : 200, &writer, error);
}

static enum error_class respond(const struct trigger_result *result,
	const struct trigger_options *options, struct response *response, struct error *error)
{
	switch (result->outcome) {
	case TRIGGER_CONFLICT:
		return respond_conflict(result, options, response, error);
	case TRIGGER_NEEDS_NOT_DONE:
		return respond_needs(result, response, error);
	case TRIGGER_RING:
		return refuse_ring(result->missing, result->missing_count, error);
	default:
		return respond_run(result, response, error);
	}
}

/* Whether a list of words, with a blank between them, has this one. */
static bool has_word(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
		const size_t end = strcspn(at, " ");
		if (end == length && memcmp(at, word, length) == 0)
			return true;
		at += end;
	}
	return false;
}

enum error_class trigger_find(const struct service *service, const struct target *target,
	const char *id, struct response *response, bool *ret_found, struct error *error)
{
	const struct run_name name = target_name(target);
	struct trigger_result result = { .outcome = TRIGGER_SAME };

	*ret_found = false;
	if (id == NULL)
		return ERROR_NONE;
	if (run_read(service->redis, &name, service->arena, &result.run, error) != ERROR_NONE)
		return error->class;
	*ret_found = has_word(result.run.triggers, id);
	return *ret_found ? respond_run(&result, response, error) : ERROR_NONE;
}

static enum error_class trigger_run(const struct service *service, const struct trigger *trigger,
	struct trigger_result *ret_result, struct error *error)
{
	return service->together != NULL
		? together_trigger(service->together, trigger, service->arena, ret_result, error)
		: run_trigger(service->redis, trigger, service->arena, ret_result, error);
}

enum error_class trigger_send(const struct service *service, const struct target *target,
	const struct trigger_options *options, struct response *response, bool *ret_outdated,
	struct error *error)
{
	char digest[DIGEST_SIZE], definition[DEFINITION_SIZE];
	struct trigger_result result;
	struct trigger trigger = {
		.name = target_name(target),
		.input = json_print(service->arena, options->input),
		.digest = digest,
		.definition = definition,
		.force = options->force || target->step->action->reuse == ACTION_ALWAYS,
		.hold_ms = options->hold ? DEPLOYMENT_HOLD_MS : 0,
		.needs = options->needs,
		.uses = options->uses,
		.id = options->id,
		.config = options->config,
		.config_at = options->config_at,
		.request = options->request,
		.actor = service->caller->id,
		.budgets = service->budgets,
		.run_ms = (int64_t)step_run_timeout_s(target->step) * 1000,
		.attempts = step_max_attempts(target->step),
		.retention_seconds = service->settings->retention_days * 86400,
	};

	if (trigger.input == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
	step_digest_known(target->workflow, target->step, definition);
	trigger.outputs = step_outputs(target->step, service->arena);
	if (trigger.outputs == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the outputs");
	if (input_digest(options->input, options->secrets, digest, error) != ERROR_NONE ||
		trigger_run(service, &trigger, &result, error) != ERROR_NONE)
		return error->class;
	*ret_outdated = result.outcome == TRIGGER_OUTDATED;
	return *ret_outdated ? ERROR_NONE : respond(&result, options, response, error);
}
