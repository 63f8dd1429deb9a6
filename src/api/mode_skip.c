/*
 * mode skip: a person gives the result of a step, such as one that he has made by hand. It is
 * checked by the table of the action's output, and what needs the step goes on with it. It counts
 * as if the step had run with the input that it would have now, so that it holds until that
 * changes.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/target.h"
#include "base/record.h"
#include "core/digest.h"
#include "core/dry_run.h"
#include "core/input.h"
#include "core/output.h"
#include "store/deployments.h"
#include "store/payload.h"
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

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

/* ---- the input that the step would have now ---- */

/*
 * JSON NULL where it is not known: a step that takes inputs of its own, and for which none are
 * configured, gets them with the start or trigger; and what is configured may be incomplete.
 */
static enum error_class build_input(
	const struct input_sources *sources, cJSON **ret_input, struct error *error)
{
	const char *key = sources->step->input_key;

	*ret_input = NULL;
	if (key != NULL && json_member(sources->cached_inputs, key) == NULL)
		return ERROR_NONE;
	enum error_class class = input_build(sources, ret_input, error);
	return class == ERROR_INVALID_INPUT || class == ERROR_PAYLOAD_TOO_LARGE ? ERROR_NONE
										: class;
}

/* Without an input, the needs are those of the definition. A reference in it that names nothing
 * makes it as good as unknown. */
static enum error_class find_needs(const struct input_sources *sources, cJSON **input,
	struct step_set *ret_needs, struct error *error)
{
	char place[INPUT_PLACE_SIZE];

	input_place(sources->step, place);
	enum error_class class =
		step_needs(sources->workflow, sources->step, *input, place, ret_needs, error);
	if (class != ERROR_INVALID_INPUT || *input == NULL)
		return class;
	cJSON_Delete(*input);
	*input = NULL;
	return step_needs(sources->workflow, sources->step, NULL, place, ret_needs, error);
}

static enum error_class describe_input(const struct service *service, const struct target *target,
	struct skip *skip, char digest[DIGEST_SIZE], struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	CLEANUP_JSON cJSON *input = NULL;
	struct step_set needs;

	if (app_payload_read(service, target->app, &payload, error) != ERROR_NONE)
		return error->class;
	const struct input_sources sources = { target->workflow, target->step, payload.inputs, NULL,
		payload.config, payload.env, payload.secrets, NULL, target->app };
	if (build_input(&sources, &input, error) != ERROR_NONE ||
		find_needs(&sources, &input, &needs, error) != ERROR_NONE ||
		(input != NULL &&
			input_digest(input, payload.secrets, digest, error) != ERROR_NONE))
		return error->class;

	skip->digest = input != NULL ? digest : SKIP_ANY_INPUT;
	skip->needs = step_set_names(target->app, &needs, service->arena);
	skip->uses = step_set_uses(&needs, service->arena);
	return skip->needs != NULL && skip->uses != NULL ? ERROR_NONE : no_memory(error);
}

/* ---- the request ---- */

static enum error_class handle_skip(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	const cJSON *output = json_member(body, "output");
	struct target target;
	char gives[DIGEST_SIZE], digest[DIGEST_SIZE], definition[DEFINITION_SIZE];
	struct run run;
	cJSON *status;

	if (target_from_body(service, body, true, &target, error) != ERROR_NONE ||
		check_step(&target, error) != ERROR_NONE ||
		check_output(service, &target, output, error) != ERROR_NONE)
		return error->class;
	struct skip skip = {
		.name = target_name(&target),
		.output = json_print(service->arena, output),
		.gives = gives,
		.definition = definition,
		.outputs = step_outputs(target.step, service->arena),
		.request = request->id,
		.actor = service->caller->id,
		.budgets = service->budgets,
		.run_ms = (int64_t)step_run_timeout_s(target.step) * 1000,
		.attempts = step_max_attempts(target.step),
		.retention_seconds = service->settings->retention_days * 86400,
	};
	if (skip.output == NULL || skip.outputs == NULL)
		return no_memory(error);
	step_digest(target.workflow, target.step, definition);
	if (output_digest(&target.step->action->output, skip.output, gives, error) != ERROR_NONE ||
		describe_input(service, &target, &skip, digest, error) != ERROR_NONE ||
		run_skip(service->redis, &skip, service->arena, &run, error) != ERROR_NONE ||
		run_status(&run, &status, error) != ERROR_NONE)
		return error->class;
	return response_json(response, 200, status, error);
}

const struct mode mode_skip = {
	.name = "skip",
	.role = ROLE_DEPLOY,
	.members = (const char *const[]){ "workflowId", "actionId", "output", NULL },
	.handle = handle_skip,
};
