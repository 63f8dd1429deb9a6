/*
 * mode trigger: builds and checks the input of one step, then creates a run of it in Redis.
 * Everything that can be refused is refused here, before a worker is involved.
 *
 * In one round trip, mostly: the input is built with what this process remembers of the payload,
 * and the script looks whether that still is the payload. Only where it is not, or where something
 * is refused, the payload is read.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "api/target.h"
#include "api/trigger_response.h"
#include "core/dry_run.h"
#include "core/input.h"
#include "store/payload_memory.h"

#define TRIES 4 /* while others configure the app */

/* The step `plan` has a mode of its own; `as-planned` is of a deployment. */
static enum error_class refuse_plan(const struct target *target, struct error *error)
{
	if (!step_is_dry_run(target->step))
		return ERROR_NONE;
	if (target->step == &dry_run_guard) {
		error_set(error, ERROR_INVALID_REQUEST,
			"the step '" DRY_RUN_GUARD_ID "' cannot be triggered: only a start by the "
			"hash of a plan has it");
		error_remedy(error, NULL,
			"Use the mode 'retry', or 'start' with the hash of a new plan.");
		return error_at(error, "/actionId");
	}

	error_set(error, ERROR_INVALID_REQUEST, "the step 'plan' cannot be triggered");
	error_remedy(error, NULL, "Use the mode 'plan', without actionId.");
	return error_at(error, "/actionId");
}

/* Builds the input twice where it contains secrets in clear text: once to check it, and once
 * sealed, to store. */
static enum error_class build_sealed(const struct service *service,
	const struct input_sources *sources, cJSON *body, size_t *ret_sealed, cJSON **ret_input,
	struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;

	if (input_build(sources, &input, error) != ERROR_NONE ||
		seal_inputs(service, sources->app, sources->workflow, body, ret_sealed, error) !=
			ERROR_NONE)
		return error->class;
	if (*ret_sealed > 0)
		return input_build(sources, ret_input, error);

	*ret_input = json_take(&input);
	return ERROR_NONE;
}

/* A trigger, and what it is built with. */
struct work {
	const struct service *service;
	const struct request *request;
	struct target target;
	cJSON *body;
	size_t sealed; /* secrets of the body that were in clear text */
};

/* What is sent. */
struct built {
	cJSON *input;             /* owned */
	const char *needs, *uses; /* see core/workflow.h */
};

/* Nothing waits in here: the room for the set, 3 KiB, need not stand on each stack. */
static enum error_class name_needs(
	const struct work *work, struct built *built, struct error *error)
{
	static struct step_set needs;
	const struct target *target = &work->target;
	char place[INPUT_PLACE_SIZE];

	input_place(target->step, place);
	if (step_needs(target->workflow, target->step, built->input, place, &needs, error) !=
		ERROR_NONE)
		return error->class;
	built->needs = step_set_names(target->app, &needs, work->service->arena);
	built->uses = step_set_uses(&needs, work->service->arena);
	return built->needs != NULL && built->uses != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the needs");
}

static enum error_class build(struct work *work, const struct payload *payload,
	struct built *ret_built, struct error *error)
{
	const struct target *target = &work->target;
	const struct input_sources sources = { target->workflow, target->step, payload->inputs,
		json_member(work->body, "inputs"), payload->config, payload->env, payload->secrets,
		NULL, target->app };
	size_t sealed = 0;

	*ret_built = (struct built){ .input = NULL };
	if (body_check_version(target->app, payload, work->body, error) != ERROR_NONE ||
		build_sealed(work->service, &sources, work->body, &sealed, &ret_built->input,
			error) != ERROR_NONE)
		return error->class;
	work->sealed += sealed;
	enum error_class class = name_needs(work, ret_built, error);
	if (class != ERROR_NONE)
		cJSON_Delete(json_take(&ret_built->input));
	return class;
}

/* Takes the input over. *ret_outdated: the payload is another by now, and nothing was done. What is
 * remembered of it is another as soon as a request reads it anew while this one waits: so what it
 * was is kept here. */
static enum error_class send(const struct work *work, const struct payload *payload,
	struct built *built, struct response *response, bool *ret_outdated, struct error *error)
{
	CLEANUP_JSON cJSON *input = json_take(&built->input);
	const int64_t version = payload->version, changed_at = payload->changed_at;
	const struct trigger_options options = {
		.needs = built->needs,
		.uses = built->uses,
		.input = input,
		.secrets = payload->secrets,
		.config = &version,
		.config_at = &changed_at,
		.force = cJSON_IsTrue(json_member(work->body, "force")),
		.hold = cJSON_IsTrue(json_member(work->body, "hold")),
		.id = json_member_string(work->body, "triggerId"),
		.request = work->request->id,
		.sealed = work->sealed > 0,
	};
	return trigger_send(work->service, &work->target, &options, response, ret_outdated, error);
}

/* With what is remembered of the payload, or the guess that there is none. *ret_settled: that was
 * all. It is not where the guess is wrong, or where it makes a fault that the payload may not have.
 */
static enum error_class send_guess(
	struct work *work, struct response *response, bool *ret_settled, struct error *error)
{
	const struct app_name app = target_app(&work->target);
	const struct payload *payload = payload_remembered(&app);
	struct built built;
	bool outdated = false;

	*ret_settled = false;
	if (payload == NULL || build(work, payload, &built, error) != ERROR_NONE)
		return ERROR_NONE;
	enum error_class class = send(work, payload, &built, response, &outdated, error);
	*ret_settled = !outdated;
	return class;
}

static enum error_class send_read(struct work *work, struct response *response, struct error *error)
{
	const struct app_name app = target_app(&work->target);
	bool outdated = true;

	for (int tries = 0; outdated && tries < TRIES; tries++) {
		CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
		struct built built;
		if (payload_read(work->service->redis, &app, &payload, error) != ERROR_NONE)
			return error->class;
		payload_remember(&app, &payload);
		if (build(work, &payload, &built, error) != ERROR_NONE ||
			send(work, &payload, &built, response, &outdated, error) != ERROR_NONE)
			return error->class;
	}

	if (!outdated)
		return ERROR_NONE;
	error_set(error, ERROR_STORE_UNAVAILABLE,
		"others configure '%s' at the same time, again and again", app.app);
	error->retry_after_ms = 1000;
	return error->class;
}

static enum error_class handle_trigger(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	struct work work = { .service = service, .request = request, .body = body };
	const char *id = json_member_string(body, "triggerId");
	bool settled = false;

	if (target_from_body(service, body, true, &work.target, error) != ERROR_NONE ||
		refuse_plan(&work.target, error) != ERROR_NONE ||
		body_check_options(body, error) != ERROR_NONE ||
		send_guess(&work, response, &settled, error) != ERROR_NONE)
		return error->class;
	if (settled)
		return ERROR_NONE;
	if (trigger_find(service, &work.target, id, response, &settled, error) != ERROR_NONE)
		return error->class;
	return settled ? ERROR_NONE : send_read(&work, response, error);
}

const struct mode mode_trigger = {
	.name = "trigger",
	.role = ROLE_DEPLOY,
	.members = (const char *const[]){ "workflowId", "actionId", "inputs", "force", "hold",
		"triggerId", "configVersion", NULL },
	.handle = handle_trigger,
};
