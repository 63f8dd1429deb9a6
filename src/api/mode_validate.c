/*
 * mode validate: checks the inputs of all steps of a workflow, so that a mistake in the last step
 * is known before the first one creates something. Calls no provider and writes nothing.
 *
 * The request may contain what the client is about to configure; it counts as if it were stored
 * already.
 */
#include "api/body.h"
#include "api/checked_inputs.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "api/target.h"

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

	inputs_refuse(target->workflow, errors, response);
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
	if (inputs_check(service, &sources, errors, error) != ERROR_NONE)
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

	if (target_from_body(service, body, false, &target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		body_payload(service, target.app, body, &changes, error) != ERROR_NONE ||
		app_payload_read(service, target.app, &payload, error) != ERROR_NONE)
		return error->class;

	changes.inputs = NULL; /* they are the request's own, over what is stored */
	if (payload_apply(&payload, &changes, error) != ERROR_NONE)
		return error->class;
	return validate(service, &target, body, &payload, response, error);
}

const struct mode mode_validate = {
	.name = "validate",
	.role = ROLE_READ,
	.members =
		(const char *const[]){ "workflowId", "inputs", "config", "env", "secrets", NULL },
	.reads = true,
	.handle = handle_validate,
};
