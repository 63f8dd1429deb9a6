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

/* Another run than the one that is meant is live: whoever wants the step to stand still has to know
 * that it does not. */
static enum error_class refuse_other(
	const struct run *run, const char *run_id, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *current = NULL;
	struct error problem;

	error_set(&problem, ERROR_RUN_CONFLICT,
		"the step '%s' of '%s' now has the run %s, not %s: nothing was cancelled",
		run->name.step, run->name.app, run->id, run_id);
	error_remedy(&problem, NULL, "Name that run, or leave runId out, to cancel it.");
	if (run_status(run, &current, error) != ERROR_NONE)
		return error->class;
	response_problem(response, &problem, NULL, current);
	return ERROR_NONE;
}

static enum error_class cancel_run(const struct service *service, const struct target *target,
	const char *run_id, struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	enum cancel_outcome outcome;
	struct run run;
	struct run *ended = NULL;
	cJSON *status = NULL;

	if (run_cancel(service->redis, &name, run_id, service->arena, &outcome, &run, error) !=
		ERROR_NONE)
		return error->class;
	if (!target_is_known(target) && run.id[0] == '\0')
		return target_unknown(target, error);
	if (outcome == CANCEL_OTHER)
		return refuse_other(&run, run_id, response, error);

	/* A run that a worker has is ended and logged by that worker. Without memory, the end is
	 * not logged. */
	if (outcome == CANCEL_ENDED &&
		(ended = arena_allocate(service->arena, sizeof(*ended))) != NULL)
		*ended = run;
	response->ended = ended;
	if (run_status(&run, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, outcome == CANCEL_NOTHING ? 200 : 202, status, error);
}

/* The deployment, `idle` where there is none, and what the app has at providers now: a cancel
 * undoes nothing. */
static enum error_class describe_deployment(const struct service *service,
	struct deployment *deployment, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	cJSON *resources;

	if (deployment->id[0] == '\0')
		deployment->status = "idle";
	if (deployment_status(deployment, &json, error) != ERROR_NONE ||
		resources_list(service, deployment->app, &resources, error) != ERROR_NONE)
		return error->class;
	if (!json_add(json, "resources", resources))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
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

/* What a cancel is about: a step and perhaps its run, or a deployment. */
static enum error_class check_names(const struct target *target, const char *run_id,
	const char *deployment, struct error *error)
{
	if (target->step_id != NULL && deployment != NULL) {
		error_set(error, ERROR_INVALID_REQUEST,
			"deploymentId names a deployment, and actionId one of its steps");
		error_remedy(error, NULL, "Leave out one of them.");
		return error_at(error, "/deploymentId");
	}
	if (target->step_id == NULL && run_id != NULL) {
		error_set(error, ERROR_INVALID_REQUEST,
			"runId names a run of one step, and the request names no step");
		error_remedy(error, NULL, "Name the step in actionId, or leave runId out.");
		return error_at(error, "/runId");
	}
	return ERROR_NONE;
}

static enum error_class handle_cancel(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	struct target target;
	const char *run_id, *deployment;
	(void)request;

	if (target_from_body_any(service, body, false, &target, error) != ERROR_NONE ||
		body_identifier_optional(body, "runId", &run_id, error) != ERROR_NONE ||
		body_identifier_optional(body, "deploymentId", &deployment, error) != ERROR_NONE ||
		check_names(&target, run_id, deployment, error) != ERROR_NONE)
		return error->class;
	return target.step_id != NULL
		? cancel_run(service, &target, run_id, response, error)
		: cancel_deployment(service, &target, deployment, response, error);
}

const struct mode mode_cancel = {
	.name = "cancel",
	.role = ROLE_DEPLOY,
	.members = (const char *const[]){ "workflowId", "actionId", "runId", "deploymentId", NULL },
	.handle = handle_cancel,
};
