/*
 * mode skip: a person gives the result of a step, such as one that he has made by hand. It is
 * checked by the table of the action's output, and what needs the step goes on with it.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/target.h"
#include "base/record.h"
#include "core/dry_run.h"
#include "core/output.h"
#include "store/deployments.h"
#include "store/runs.h"

static enum error_class check_step(const struct target *target, struct error *error)
{
	if (!step_is_dry_run(target->step))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "a plan has no result that could be given");
	return error_at(error, "/actionId");
}

static enum error_class check_output(const struct service *service, const struct target *target,
	const cJSON *output, struct error *error)
{
	const struct record *record = &target->step->action->output;
	void *decoded = arena_allocate(service->arena, record->size > 0 ? record->size : 1);

	if (decoded == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an output");
	if (cJSON_IsObject(output))
		return record_decode(
			record, output, RECORD_STRICT, "/output", service->arena, decoded, error);
	error_set(error, ERROR_INVALID_REQUEST,
		"output must be an object: the result of the step '%s'", target->step->id);
	return error_at(error, "/output");
}

/* The needs that the definition names: those of an input are not known. */
static enum error_class name_needs(const struct service *service, const struct target *target,
	const char **ret_names, struct error *error)
{
	struct step_set needs;

	if (step_needs(target->workflow, target->step, NULL, "", &needs, error) != ERROR_NONE)
		return error->class;
	*ret_names = step_set_names(target->app, &needs, service->arena);
	return *ret_names != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

static enum error_class handle_skip(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	const cJSON *output = json_member(body, "output");
	struct target target;
	char gives[DIGEST_SIZE];
	struct run run;
	cJSON *status;

	if (target_from_body(body, true, &target, error) != ERROR_NONE ||
		check_step(&target, error) != ERROR_NONE ||
		check_output(service, &target, output, error) != ERROR_NONE)
		return error->class;
	struct skip skip = {
		.name = target_name(&target),
		.output = json_print(service->arena, output),
		.gives = gives,
		.request = request->id,
		.run_ms = (int64_t)step_run_timeout_s(target.step) * 1000,
		.attempts = step_max_attempts(target.step),
		.retention_seconds = service->settings->retention_days * 86400,
	};
	if (skip.output == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an output");
	if (output_digest(&target.step->action->output, skip.output, gives, error) != ERROR_NONE ||
		name_needs(service, &target, &skip.needs, error) != ERROR_NONE ||
		run_skip(service->redis, &skip, service->arena, &run, error) != ERROR_NONE ||
		run_status(&run, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, 200, status, error);
}

const struct mode mode_skip = {
	.name = "skip",
	.members = (const char *const[]){ "workflowId", "actionId", "output", NULL },
	.handle = handle_skip,
};
