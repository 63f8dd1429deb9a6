/*
 * mode cancel: ends a run, or a whole deployment. What is not executing ends at once; where a
 * worker executes a run, that worker is asked to stop. Undoes nothing at a provider.
 */
#include "api/body.h"
#include "api/mode.h"
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
	cJSON *status;

	if (run_cancel(service->redis, &name, service->arena, &accepted, &run, error) != ERROR_NONE)
		return error->class;

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

static enum error_class cancel_deployment(const struct service *service,
	const struct target *target, const char *id, struct response *response, struct error *error)
{
	const struct run_name name = target_name(target);
	struct deployment deployment;
	enum stop_outcome outcome;
	cJSON *status;

	if (deployment_stop(service->redis, &name, id, service->arena, &outcome, &deployment,
		    error) != ERROR_NONE)
		return error->class;
	if (outcome == STOP_OTHER) {
		error_set(error, ERROR_NOT_FOUND,
			"the last deployment of '%s' by '%s' is %s, not %s", target->app,
			target->workflow->id, deployment.id[0] != '\0' ? deployment.id : "none",
			id);
		return error_remedy(error, NULL, "Leave deploymentId out to cancel that one.");
	}
	if (deployment_status(&deployment, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, outcome == STOP_NOTHING ? 200 : 202, status, error);
}

static enum error_class handle_cancel(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	struct target target;
	const char *id;
	(void)request;

	if (target_from_body(body, false, &target, error) != ERROR_NONE ||
		body_identifier_optional(body, "deploymentId", &id, error) != ERROR_NONE)
		return error->class;
	return target.step != NULL ? cancel_run(service, &target, response, error)
				   : cancel_deployment(service, &target, id, response, error);
}

const struct mode mode_cancel = {
	.name = "cancel",
	.members = (const char *const[]){ "workflowId", "actionId", "deploymentId", NULL },
	.handle = handle_cancel,
};
