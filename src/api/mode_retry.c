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

#define RETRY_ROUNDS 5

static enum error_class read_json(const char *text, cJSON **ret_json, struct error *error)
{
	return input_read(text[0] != '\0' ? text : "{}", ret_json, error);
}

/* Gives the request the inputs of the deployment, with what it changes over them. */
static enum error_class merge_inputs(
	const struct deployment *deployment, const cJSON *changes, cJSON *body, struct error *error)
{
	CLEANUP_JSON cJSON *inputs = NULL;

	if (read_json(deployment->inputs, &inputs, error) != ERROR_NONE ||
		(changes != NULL && json_merge(&inputs, changes, error) != ERROR_NONE))
		return error->class;
	cJSON_DeleteItemFromObjectCaseSensitive(body, "inputs");
	return json_add(body, "inputs", json_take(&inputs))
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the inputs");
}

/* Goes on with the deployment as it was read. */
static enum error_class send(const struct service *service, const struct target *target,
	const struct deployment *deployment, struct launch *launch, struct response *response,
	bool *ret_sent, struct start_result *ret_result, struct error *error)
{
	CLEANUP_JSON cJSON *configured = NULL;

	if (read_json(deployment->configured, &configured, error) != ERROR_NONE ||
		expectation_read(service, deployment, &launch->expected, error) != ERROR_NONE)
		return error->class;
	launch->seen = deployment->digest;
	launch->after = deployment->after[0] != '\0' ? deployment->after : NULL;
	launch->configured = configured;
	enum error_class class =
		launch_send(service, target, launch, response, ret_sent, ret_result, error);
	launch->configured = NULL;
	return class;
}

/* Where another client has changed the inputs since they were read, they are read again: neither
 * takes back what the other has changed. */
static enum error_class retry(const struct service *service, const struct target *target,
	struct launch *launch, struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	CLEANUP_JSON cJSON *changes =
		cJSON_DetachItemFromObjectCaseSensitive(launch->body, "inputs");
	struct start_result result = { .outcome = START_CHANGED };
	struct deployment deployment;
	bool sent = true;

	for (int i = 0; i < RETRY_ROUNDS && sent && result.outcome == START_CHANGED; i++) {
		if (deployment_read(service->redis, &name, service->arena, &deployment, error) !=
			ERROR_NONE)
			return error->class;
		if (launch->deployment == NULL)
			launch->deployment = deployment.id; /* none that is started meanwhile */
		result = (struct start_result){ START_NONE, .deployment = deployment };
		if (deployment.id[0] == '\0' || strcmp(deployment.id, launch->deployment) != 0)
			break;
		if (merge_inputs(&deployment, changes, launch->body, error) != ERROR_NONE ||
			send(service, target, &deployment, launch, response, &sent, &result,
				error) != ERROR_NONE)
			return error->class;
	}

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
	bool found;

	if (target_from_body(service, body, false, &target, error) != ERROR_NONE ||
		body_identifier_optional(body, "deploymentId", &launch.deployment, error) !=
			ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		launch_find(service, &target, body, true, response, &found, error) != ERROR_NONE)
		return error->class;
	if (found)
		return ERROR_NONE;

	if (app_payload_read(service, target.app, &payload, error) != ERROR_NONE)
		return error->class;
	return retry(service, &target, &launch, response, error);
}

const struct mode mode_retry = {
	.name = "retry",
	.role = ROLE_DEPLOY,
	.members = (const char *const[]){ "workflowId", "deploymentId", "inputs", "startId", NULL },
	.handle = handle_retry,
};
