/*
 * mode cancel: ends a run, or a whole deployment. What is not executing ends at once; where a
 * worker executes a run, that worker is asked to stop. Undoes nothing at a provider.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/resources_list.h"
#include "api/target.h"
#include "store/deployments.h"
#include "store/runs.h"

static enum error_class cancel_run(const struct service *service, const struct target *target,
	struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	struct run run;
	struct run *ended = NULL;
	bool accepted;
	cJSON *status = NULL;

	if (run_cancel(service->redis, &name, service->arena, &accepted, &run, error) != ERROR_NONE)
		return error->class;

	if (!target_is_known(target) && run.id[0] == '\0')
		return target_unknown(target, error);

	/* A run that a worker has is ended and logged by that worker. Without memory, the end is
	 * not logged. */
	if (accepted && !run_is_live(&run) &&
		(ended = arena_allocate(service->arena, sizeof(*ended))) != NULL)
		*ended = run;
	response->ended = ended;
	if (run_status(&run, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, accepted ? 202 : 200, status, error);
}

/* The deployment, and what the app has at providers now: a cancel undoes nothing. */
static enum error_class describe_deployment(const struct service *service,
	const struct deployment *deployment, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	cJSON *resources;

	if (deployment_status(deployment, &json, error) != ERROR_NONE)
		return error->class;
	if (cJSON_IsObject(json)) {
		if (resources_list(service, deployment->app, &resources, error) != ERROR_NONE)
			return error->class;
		if (!json_add(json, "resources", resources))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	}
	*ret_json = json_take(&json);
	return ERROR_NONE;
}

static enum error_class cancel_deployment(const struct service *service,
	const struct target *target, const char *id, struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	struct deployment deployment;
	enum stop_outcome outcome;
	cJSON *status = NULL;

	if (deployment_stop(service->redis, &name, id, service->arena, &outcome, &deployment,
		    error) != ERROR_NONE)
		return error->class;
	if (!target_is_known(target) && deployment.id[0] == '\0')
		return target_unknown(target, error);
	if (outcome == STOP_OTHER) {
		error_set(error, ERROR_NOT_FOUND,
			"the last deployment of '%s' by '%s' is %s, not %s", target->app,
			target->workflow_id, deployment.id[0] != '\0' ? deployment.id : "none", id);
		return error_remedy(error, NULL, "Leave deploymentId out to cancel that one.");
	}
	if (describe_deployment(service, &deployment, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, outcome == STOP_NOTHING ? 200 : 202, status, error);
}

static enum error_class handle_cancel(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	struct target target;
	const char *id;
	(void)request;

	if (target_from_body_any(body, false, &target, error) != ERROR_NONE ||
		body_identifier_optional(body, "deploymentId", &id, error) != ERROR_NONE)
		return error->class;
	if (target.step_id != NULL && id != NULL) {
		error_set(error, ERROR_INVALID_REQUEST,
			"deploymentId names a deployment, and actionId one of its steps");
		error_remedy(error, NULL, "Leave out one of them.");
		return error_at(error, "/deploymentId");
	}
	return target.step_id != NULL ? cancel_run(service, &target, response, error)
				      : cancel_deployment(service, &target, id, response, error);
}

const struct mode mode_cancel = {
	.name = "cancel",
	.members = (const char *const[]){ "workflowId", "actionId", "deploymentId", NULL },
	.handle = handle_cancel,
};
