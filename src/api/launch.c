/*
 * Prepares the steps of a deployment: input, digests and needs of each, as the script takes them.
 */
#include "api/launch.h"

#include <string.h>

#include "api/checked_inputs.h"
#include "api/ring.h"
#include "api/sealed_inputs.h"
#include "base/text.h"
#include "core/definition_memory.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a deployment");
}

/* ---- one step ---- */

static bool is_root(const struct step_set *needs)
{
	for (size_t i = 0; i < needs->workflow->step_count; i++)
		if (needs->contains[i])
			return false;
	return true;
}

static enum error_class prepare_needs(const struct input_sources *sources, const cJSON *input,
	const char *after, struct arena *arena, struct start_step *step, struct error *error)
{
	char place[INPUT_PLACE_SIZE];
	struct step_set needs;

	input_place(sources->step, place);
	if (step_needs(sources->workflow, sources->step, input, place, &needs, error) != ERROR_NONE)
		return error->class;
	step->needs = step_set_names(sources->app, &needs, arena);
	step->uses = step_set_uses(&needs, arena);
	/* What comes before the whole deployment comes before the steps that it begins with. */
	if (step->needs != NULL && after != NULL && is_root(&needs))
		step->needs = arena_format(
			arena, "%s%s%s", step->needs, step->needs[0] != '\0' ? " " : "", after);
	return step->needs != NULL && step->uses != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class prepare_step(const struct input_sources *sources, const char *after,
	struct arena *arena, struct start_step *step, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	char *digest = arena_allocate(arena, DIGEST_SIZE);
	char *definition = arena_allocate(arena, DEFINITION_SIZE);

	if (digest == NULL || definition == NULL)
		return no_memory(error);
	if (input_build(sources, &input, error) != ERROR_NONE ||
		input_digest(input, sources->secrets, digest, error) != ERROR_NONE ||
		prepare_needs(sources, input, after, arena, step, error) != ERROR_NONE)
		return error->class;

	step_digest_known(sources->workflow, sources->step, definition);
	step->id = sources->step->id;
	step->input = json_print(arena, input);
	step->digest = digest;
	step->definition = definition;
	step->outputs = step_outputs(sources->step, arena);
	step->keep = sources->step->action->reuse == ACTION_KEEP_RESULT;
	step->run_ms = (int64_t)step_run_timeout_s(sources->step) * 1000;
	step->attempts = step_max_attempts(sources->step);
	return step->input != NULL && step->outputs != NULL ? ERROR_NONE : no_memory(error);
}

/* ---- all of them ---- */

/* Two starts with the same digest ask for the same. The plan (NULL: none) counts by its hash: a
 * retry does not look again at a world that was found as planned. */
static enum error_class digest_all(
	const struct start *start, const char *plan, char digest[DIGEST_SIZE], struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	bool complete = list != NULL && json_append(list, cJSON_CreateString(start->definition)) &&
		json_append(list, cJSON_CreateString(start->after != NULL ? start->after : ""));

	for (size_t i = 0; complete && i < start->step_count; i++)
		if (strcmp(start->steps[i].id, DRY_RUN_GUARD_ID) != 0)
			complete = json_append(list, cJSON_CreateString(start->steps[i].digest));
	if (complete && plan != NULL)
		complete = json_append(list, cJSON_CreateString(plan));
	return complete ? json_digest(list, digest, error) : no_memory(error);
}

/* The configured inputs that the workflow takes: the deployment keeps them. */
static const char *print_configured(
	const struct target *target, const cJSON *configured, struct arena *arena)
{
	CLEANUP_JSON cJSON *kept = cJSON_CreateObject();
	const cJSON *member;

	if (kept == NULL)
		return NULL;
	cJSON_ArrayForEach (member, configured) {
		if (workflow_takes_input(target->workflow, member->string) &&
			!json_add(kept, member->string, cJSON_Duplicate(member, true)))
			return NULL;
	}
	return json_print(arena, kept);
}

/* The steps of the workflow, and before them the one that looks where a plan is to be met. */
static enum error_class prepare_all(const struct service *service, struct input_sources *sources,
	const struct target *target, const struct launch *launch, struct start_step *steps,
	size_t *ret_count, struct error *error)
{
	const struct expectation *expected = &launch->expected;
	const char *first;
	size_t count = 0;

	if (expectation_first(service, target, expected, launch->after, &first, error) !=
		ERROR_NONE)
		return error->class;
	if (expected->plan.expect != NULL && !expected->met &&
		expectation_prepare(service, sources, expected, launch->after, &steps[count++],
			error) != ERROR_NONE)
		return error->class;

	for (size_t i = 0; i < sources->workflow->step_count; i++) {
		sources->step = &sources->workflow->steps[i];
		if (prepare_step(sources, first, service->arena, &steps[count++], error) !=
			ERROR_NONE)
			return error->class;
	}

	*ret_count = count;
	return ERROR_NONE;
}

static enum error_class start(const struct service *service, struct input_sources *sources,
	const struct target *target, const struct launch *launch, struct start_result *ret_result,
	struct error *error)
{
	struct start_step *steps =
		arena_allocate(service->arena, (1 + WORKFLOW_STEPS_MAX) * sizeof(*steps));
	char digest[DIGEST_SIZE], definition[DEFINITION_SIZE];
	struct start start = {
		.name = target_name(target),
		.deployment = launch->deployment,
		.id = json_member_string(launch->body, "startId"),
		.seen = launch->seen,
		.digest = digest,
		.definition = definition,
		.inputs = sources->trigger_inputs != NULL
			? json_print(service->arena, sources->trigger_inputs)
			: "{}",
		.configured = print_configured(target, launch->configured, service->arena),
		.after = launch->after,
		.plan = launch->expected.text,
		.request = launch->request,
		.actor = service->caller->id,
		.budgets = service->budgets,
		.retry = launch->retry,
		.force = cJSON_IsTrue(json_member(launch->body, "force")),
		.replaces = cJSON_IsTrue(json_member(launch->body, "replace")),
		.retention_seconds = service->settings->retention_days * 86400,
		.steps = steps,
	};

	if (steps == NULL || start.inputs == NULL || start.configured == NULL)
		return no_memory(error);
	workflow_digest_known(target->workflow, definition);
	if (prepare_all(service, sources, target, launch, steps, &start.step_count, error) !=
			ERROR_NONE ||
		digest_all(&start, launch->expected.plan.expect, digest, error) != ERROR_NONE)
		return error->class;
	return deployment_start(service->redis, &start, service->arena, ret_result, error);
}

enum error_class launch_send(const struct service *service, const struct target *target,
	const struct launch *launch, struct response *response, bool *ret_sent,
	struct start_result *ret_result, struct error *error)
{
	struct input_sources sources = { target->workflow, NULL, launch->configured,
		json_member(launch->body, "inputs"), launch->payload->config, launch->payload->env,
		launch->payload->secrets, NULL, target->app };
	CLEANUP_JSON cJSON *errors = cJSON_CreateArray();
	size_t sealed;

	*ret_sent = false;
	if (errors == NULL)
		return no_memory(error);
	if (inputs_check(service, &sources, errors, error) != ERROR_NONE)
		return error->class;
	if (cJSON_GetArraySize(errors) > 0) {
		inputs_refuse(target->workflow, errors, response);
		return ERROR_NONE;
	}

	if (seal_inputs(service, target->app, target->workflow, launch->body, &sealed, error) !=
			ERROR_NONE ||
		start(service, &sources, target, launch, ret_result, error) != ERROR_NONE)
		return error->class;
	*ret_sent = true;
	return ERROR_NONE;
}

/* ---- the response ---- */

/* Of the deployment that the request got before; it may have been any. */
static void describe_forgotten(const struct start_result *result, struct error *problem)
{
	const struct deployment *deployment = &result->deployment;

	error_set(problem, ERROR_RUN_CONFLICT,
		"the request was sent before and got the deployment %s of '%s' by '%s': another "
		"one (%s) has taken its place since, and what became of it is no longer known",
		result->differing_count > 0 ? result->differing[0] : "", deployment->app,
		deployment->workflow, deployment->id);
	error_remedy(problem, NULL,
		"Look at the deployment that is there now. To deploy again, send the request with "
		"a new startId.");
}

/* What is in the way of a start or retry, as a problem. */
static void describe_conflict(const struct start_result *result, struct error *problem)
{
	const struct deployment *deployment = &result->deployment;
	char names[300] = ""; /* may be truncated */

	for (size_t i = 0; i < result->differing_count; i++)
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", result->differing[i]);
	if (deployment->cancel[0] != '\0') {
		error_set(problem, ERROR_RUN_CONFLICT,
			"the deployment %s of '%s' by '%s' is being cancelled, and a step of it "
			"has not ended yet",
			deployment->id, deployment->app, deployment->workflow);
		error_remedy(problem, NULL, "Send the request again in a moment.");
	} else if (result->outcome == START_CHANGED) {
		error_set(problem, ERROR_RUN_CONFLICT,
			"others change the inputs of the deployment %s of '%s' by '%s' at the same "
			"time",
			deployment->id, deployment->app, deployment->workflow);
		error_remedy(problem, NULL, "Send the request again in a moment.");
	} else if (result->outcome == START_BUSY) {
		error_set(problem, ERROR_RUN_CONFLICT,
			"steps of '%s' are running for '%s' with a different input, or are being "
			"cancelled: %s",
			deployment->workflow, deployment->app, names);
		error_remedy(problem, NULL,
			"Wait until they have ended, or cancel them, and send the request again.");
	} else {
		error_set(problem, ERROR_RUN_CONFLICT,
			"'%s' is being deployed by '%s' with different inputs (deployment %s); the "
			"steps that differ: %s",
			deployment->app, deployment->workflow, deployment->id,
			names[0] != '\0' ? names : "none, but what it comes after");
		error_remedy(problem, NULL,
			"Wait until it has ended, or send the request again with \"replace\": "
			"true, which cancels it first.");
	}
}

static enum error_class respond_conflict(
	const struct start_result *result, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *current = NULL;
	struct error problem;

	if (result->outcome == START_FORGOTTEN)
		describe_forgotten(result, &problem);
	else
		describe_conflict(result, &problem);
	if (deployment_status(&result->deployment, &current, error) != ERROR_NONE)
		return error->class;
	response_problem(response, &problem, NULL, current);
	return ERROR_NONE;
}

enum error_class launch_respond(
	const struct start_result *result, struct response *response, struct error *error)
{
	const struct deployment *deployment = &result->deployment;
	CLEANUP_JSON cJSON *json = NULL;

	if (result->outcome == START_CONFLICT || result->outcome == START_BUSY ||
		result->outcome == START_CHANGED || result->outcome == START_FORGOTTEN)
		return respond_conflict(result, response, error);
	if (result->outcome == START_RING)
		return refuse_ring(result->differing, result->differing_count, error);
	if (result->outcome == START_NONE) {
		error_set(error, ERROR_NOT_FOUND, "'%s' has no such deployment of '%s'",
			deployment->app, deployment->workflow);
		return error_remedy(error, NULL, "Start one with the mode 'start'.");
	}
	if (deployment_status(deployment, &json, error) != ERROR_NONE)
		return error->class;
	return response_json(
		response, result->outcome == START_NEW ? 202 : 200, json_take(&json), error);
}

enum error_class launch_find(const struct service *service, const struct target *target,
	const cJSON *body, bool retry, struct response *response, bool *ret_found,
	struct error *error)
{
	const struct run_name name = target_name(target);
	const char *id = json_member_string(body, "startId");
	struct start_result result;

	*ret_found = false;
	if (id == NULL)
		return ERROR_NONE;
	if (deployment_find_request(
		    service->redis, &name, id, retry, service->arena, &result, error) != ERROR_NONE)
		return error->class;
	*ret_found = result.outcome != START_NONE;
	return *ret_found ? launch_respond(&result, response, error) : ERROR_NONE;
}
