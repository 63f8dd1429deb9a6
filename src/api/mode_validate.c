/*
 * mode validate: checks the inputs of all steps of a workflow, so that a mistake in the last step
 * is known before the first one creates something. Calls no provider and writes nothing.
 *
 * The request may contain what the client is about to configure; it counts as if it were stored
 * already.
 */
#include <string.h>

#include "api/body.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "core/input.h"

/* Steps may share an input; a fault in it is listed once. */
static bool is_listed(const cJSON *errors, const struct error *fault)
{
	const cJSON *entry;
	cJSON_ArrayForEach (entry, errors) {
		if (strcmp(json_member_string(entry, "place"), fault->place) == 0 &&
			strcmp(json_member_string(entry, "message"), fault->message) == 0)
			return true;
	}
	return false;
}

static enum error_class add_faults(
	cJSON *errors, const char *step, const struct faults *faults, struct error *error)
{
	for (size_t i = 0; i < faults->count; i++)
		if (!is_listed(errors, &faults->list[i]) &&
			!json_append(errors, problem_place(step, &faults->list[i])))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	return ERROR_NONE;
}

static enum error_class check_all(const struct service *service, struct input_sources *sources,
	cJSON *errors, struct error *error)
{
	struct faults *faults = arena_allocate(service->arena, sizeof(*faults));

	if (faults == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to check the inputs");

	/* If there are more than the list holds, those in it are enough to begin with. */
	if (input_check_keys(sources, faults, error) != ERROR_NONE &&
		error->class != ERROR_INVALID_INPUT)
		return error->class;
	if (add_faults(errors, NULL, faults, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < sources->workflow->step_count; i++) {
		sources->step = &sources->workflow->steps[i];
		if (input_faults(sources, faults, error) != ERROR_NONE ||
			add_faults(errors, sources->step->id, faults, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

static enum error_class respond(const struct target *target, const cJSON *errors,
	struct response *response, struct error *error)
{
	int count = cJSON_GetArraySize(errors);

	if (count == 0) {
		CLEANUP_JSON cJSON *valid = cJSON_CreateObject();
		if (valid == NULL || !json_add(valid, "valid", cJSON_CreateTrue()))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
		return response_json(response, 200, json_take(&valid), error);
	}

	error_set(error, ERROR_INVALID_INPUT, "%d place%s in the inputs of '%s' %s invalid", count,
		count == 1 ? "" : "s", target->workflow->id, count == 1 ? "is" : "are");
	error_remedy(error, NULL, "Correct the named places and send the request again.");
	response_faults(response, error, errors);
	return ERROR_NONE;
}

static enum error_class validate(const struct service *service, const struct target *target,
	cJSON *body, const struct payload *payload, struct response *response, struct error *error)
{
	struct input_sources sources = { target->workflow, NULL, payload->inputs,
		json_member(body, "inputs"), payload->config, payload->env, payload->secrets, NULL,
		target->app };
	CLEANUP_JSON cJSON *errors = cJSON_CreateArray();
	size_t sealed = 0;

	if (errors == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	if (check_all(service, &sources, errors, error) != ERROR_NONE)
		return error->class;

	/* Valid inputs may still be ones that this server has no key to seal. */
	if (cJSON_GetArraySize(errors) == 0 &&
		seal_inputs(service, target->app, target->workflow, body, &sealed, error) !=
			ERROR_NONE)
		return error->class;
	return respond(target, errors, response, error);
}

static enum error_class handle_validate(const struct service *service,
	const struct request *request, cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	struct payload changes;
	struct target target;
	(void)request;

	if (target_from_body(body, false, &target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		body_payload(service, target.app, body, &changes, error) != ERROR_NONE ||
		payload_read(service->redis, target.app, &payload, error) != ERROR_NONE)
		return error->class;

	changes.inputs = NULL; /* they are the request's own, over what is stored */
	if (payload_apply(&payload, &changes, error) != ERROR_NONE)
		return error->class;
	return validate(service, &target, body, &payload, response, error);
}

const struct mode mode_validate = {
	.name = "validate",
	.members =
		(const char *const[]){ "workflowId", "inputs", "config", "env", "secrets", NULL },
	.reads = true,
	.handle = handle_validate,
};
