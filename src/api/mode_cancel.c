/*
 * mode cancel: ends a run that is not executing; where a worker executes it, asks that worker to
 * stop. Undoes nothing at a provider.
 */
#include "api/mode.h"
#include "api/target.h"
#include "store/runs.h"

static enum error_class handle_cancel(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	struct run run;
	struct run *ended = NULL;
	bool accepted;
	cJSON *status;

	if (target_from_body(body, true, &target, error) != ERROR_NONE)
		return error->class;
	struct run_name name = target_name(&target);
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

const struct mode mode_cancel = {
	.name = "cancel",
	.members = (const char *const[]){ "workflowId", "actionId", NULL },
	.handle = handle_cancel,
};
