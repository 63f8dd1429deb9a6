/*
 * mode retry: goes on with a deployment. What failed runs again, with fresh counters and
 * credentials, and with changed inputs where the request has any; what is done stays done while it
 * was made from the same.
 *
 * The inputs are those that the deployment was started with; config, env and secrets are the app's
 * as they are now, for it is there that people mend what was wrong.
 */
#include <string.h>

#include "api/body.h"
#include "api/launch.h"
#include "api/mode.h"
#include "core/input.h"

static enum error_class read_json(const char *text, cJSON **ret_json, struct error *error)
{
	return input_read(text[0] != '\0' ? text : "{}", ret_json, error);
}

/* Puts the inputs of the deployment below those of the request. */
static enum error_class merge_inputs(
	const struct deployment *deployment, cJSON *body, struct error *error)
{
	CLEANUP_JSON cJSON *inputs = NULL;
	const cJSON *given = json_member(body, "inputs");

	if (read_json(deployment->inputs, &inputs, error) != ERROR_NONE ||
		(given != NULL && json_merge(&inputs, given, error) != ERROR_NONE))
		return error->class;
	cJSON_DeleteItemFromObjectCaseSensitive(body, "inputs");
	return json_add(body, "inputs", json_take(&inputs))
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the inputs");
}

static enum error_class retry(const struct service *service, const struct target *target,
	struct launch *launch, struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	CLEANUP_JSON cJSON *configured = NULL;
	struct deployment deployment;
	struct start_result result;
	bool sent;

	if (deployment_read(service->redis, &name, service->arena, &deployment, error) !=
		ERROR_NONE)
		return error->class;
	if (launch->deployment == NULL)
		launch->deployment = deployment.id; /* none other that is started meanwhile */
	if (deployment.id[0] == '\0' || strcmp(deployment.id, launch->deployment) != 0)
		return launch_respond(
			&(struct start_result){ .outcome = START_NONE, .deployment = deployment },
			response, error);

	if (merge_inputs(&deployment, launch->body, error) != ERROR_NONE ||
		read_json(deployment.configured, &configured, error) != ERROR_NONE)
		return error->class;
	launch->configured = configured;
	launch->after = deployment.after[0] != '\0' ? deployment.after : NULL;
	if (launch_send(service, target, launch, response, &sent, &result, error) != ERROR_NONE)
		return error->class;
	return sent ? launch_respond(&result, response, error) : ERROR_NONE;
}

static enum error_class handle_retry(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	struct target target;
	struct launch launch = {
		.payload = &payload, .body = body, .request = request->id, .retry = true
	};

	if (target_from_body(body, false, &target, error) != ERROR_NONE ||
		body_identifier_optional(body, "deploymentId", &launch.deployment, error) !=
			ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		payload_read(service->redis, target.app, &payload, error) != ERROR_NONE)
		return error->class;
	return retry(service, &target, &launch, response, error);
}

const struct mode mode_retry = {
	.name = "retry",
	.members = (const char *const[]){ "workflowId", "deploymentId", "inputs", "startId", NULL },
	.handle = handle_retry,
};
