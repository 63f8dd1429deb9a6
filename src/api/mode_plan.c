/*
 * mode plan: a dry run of a whole workflow, queued as a run of the step `plan` that every workflow
 * has. Invalid input of one step is part of the plan, because people want to see all steps at once.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/plan_input.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "core/dry_run.h"
#include "store/payload.h"

static size_t add_names(const char **names, size_t count, const cJSON *given, const cJSON *there)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, given) {
		if (cJSON_IsString(secret) && json_member(there, secret->string) == NULL)
			names[count++] = secret->string;
	}
	return count;
}

/* The secrets that the app gets by these changes and has not got: nobody but workers knows the
 * value of one that it has, and these are not stored, so that workers do not know them either. */
static enum error_class list_missing(const struct service *service, const struct payload *changes,
	const struct payload *payload, struct string_list *ret_names, struct error *error)
{
	size_t most = (size_t)cJSON_GetArraySize(changes->secrets) +
		(size_t)cJSON_GetArraySize(changes->generated);
	const char **names = arena_allocate(service->arena, (most + 1) * sizeof(*names));

	if (names == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
	size_t count = add_names(names, 0, changes->secrets, payload->secrets);
	count = add_names(names, count, changes->generated, payload->secrets);
	*ret_names = (struct string_list){ names, count };
	return ERROR_NONE;
}

/* Builds the inputs twice where they contain secrets in clear text: once to check them, and once
 * sealed, to store. */
static enum error_class plan_sealed(const struct service *service, const struct target *target,
	const struct payload *payload, const struct dry_run_input *more, cJSON *body,
	cJSON **ret_input, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	const struct input_sources sources = { target->workflow, NULL, payload->inputs,
		json_member(body, "inputs"), payload->config, payload->env, payload->secrets, NULL,
		target->app };
	size_t sealed = 0;

	if (plan_input_build(service, &sources, more, &input, error) != ERROR_NONE ||
		seal_inputs(service, target->app, target->workflow, body, &sealed, error) !=
			ERROR_NONE)
		return error->class;
	if (sealed > 0)
		return plan_input_build(service, &sources, more, ret_input, error);

	*ret_input = json_take(&input);
	return ERROR_NONE;
}

static enum error_class handle_plan(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	CLEANUP_JSON cJSON *input = NULL;
	struct payload changes;
	struct target target;
	struct dry_run_input more = { .expect = NULL };
	bool outdated; /* never: any version will do */

	if (target_from_body(service, body, false, &target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		body_payload(service, target.app, body, &changes, error) != ERROR_NONE ||
		app_payload_read(service, target.app, &payload, error) != ERROR_NONE)
		return error->class;
	changes.inputs = NULL; /* they are the request's own, over what is stored */
	if (list_missing(service, &changes, &payload, &more.secrets, error) != ERROR_NONE ||
		payload_apply(&payload, &changes, error) != ERROR_NONE ||
		plan_sealed(service, &target, &payload, &more, body, &input, error) != ERROR_NONE)
		return error->class;

	/* Forced: each plan looks again, because the world may have changed since the last one. */
	target.step = &dry_run_step;
	const struct trigger_options options = {
		.input = input, .secrets = payload.secrets, .force = true, .request = request->id
	};
	return trigger_send(service, &target, &options, response, &outdated, error);
}

const struct mode mode_plan = {
	.name = "plan",
	.role = ROLE_DEPLOY,
	.members =
		(const char *const[]){ "workflowId", "inputs", "config", "env", "secrets", NULL },
	.handle = handle_plan,
};
