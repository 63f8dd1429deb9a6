/*
 * Finds the plan that a start names, and prepares the step that compares the world with it.
 */
#include "api/expectation.h"

#include <string.h>

#include "api/plan_input.h"
#include "base/record.h"
#include "core/digest.h"
#include "store/runs.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a plan");
}

static bool is_hash(const char *hash, const char *wanted)
{
	return hash != NULL && strcmp(hash, wanted) == 0;
}

static enum error_class print_plan(
	const struct service *service, struct expectation *expectation, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (record_encode(&dry_run_input_record, &expectation->plan, &json, error) != ERROR_NONE)
		return error->class;
	expectation->text = json_print(service->arena, json);
	return expectation->text != NULL ? ERROR_NONE : no_memory(error);
}

/* ---- where it is found ---- */

/* *ret_found stays false where the last plan has another hash, or there is none. */
static enum error_class find_plan(const struct service *service, const struct target *target,
	const char *hash, struct expectation *expectation, bool *ret_found, struct error *error)
{
	const struct run_name name = { target->tenant, target->app, target->workflow->id,
		DRY_RUN_STEP_ID };
	CLEANUP_JSON cJSON *json = NULL;
	struct dry_run_output plan;
	struct step_output last;

	if (run_output(service->redis, &name, service->arena, &last, error) != ERROR_NONE)
		return error->class;
	if (last.output == NULL)
		return ERROR_NONE;
	if (input_read(last.output, &json, error) != ERROR_NONE ||
		record_decode(&dry_run_output_record, json, RECORD_LENIENT, "/output",
			service->arena, &plan, error) != ERROR_NONE)
		return error->class;
	if (!is_hash(plan.hash, hash))
		return ERROR_NONE;

	*ret_found = true;
	expectation->plan = (struct dry_run_input){ .expect = plan.hash, .before = plan.steps };
	return print_plan(service, expectation, error);
}

/* Nothing where the deployment was started by no plan. */
static enum error_class take_plan(const struct service *service,
	const struct deployment *deployment, struct expectation *expectation, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (deployment->plan[0] == '\0')
		return ERROR_NONE;
	expectation->text = deployment->plan;
	if (input_read(deployment->plan, &json, error) != ERROR_NONE)
		return error->class;
	return record_decode(&dry_run_input_record, json, RECORD_LENIENT, "/plan", service->arena,
		&expectation->plan, error);
}

enum error_class expectation_find(const struct service *service, const struct target *target,
	const char *hash, struct expectation *ret_expectation, struct error *error)
{
	const struct run_name name = target_name(target);
	struct deployment deployment;
	bool found = false;

	*ret_expectation = (struct expectation){ .met = false };
	if (hash == NULL)
		return ERROR_NONE;
	if (find_plan(service, target, hash, ret_expectation, &found, error) != ERROR_NONE)
		return error->class;
	if (found)
		return ERROR_NONE;
	/* A start that is sent again is known again, also where somebody has planned meanwhile. */
	if (deployment_read(service->redis, &name, service->arena, &deployment, error) !=
			ERROR_NONE ||
		take_plan(service, &deployment, ret_expectation, error) != ERROR_NONE)
		return error->class;
	if (is_hash(ret_expectation->plan.expect, hash))
		return ERROR_NONE;

	error_set(error, ERROR_PLAN_CHANGED,
		"the last plan of '%s' for '%s' has not the hash that the start names, or there is "
		"none",
		target->workflow->id, target->app);
	error_remedy(error, NULL, "Plan again, look at the plan, and start with its hash.");
	return error_at(error, "/plan");
}

enum error_class expectation_read(const struct service *service,
	const struct deployment *deployment, struct expectation *ret_expectation,
	struct error *error)
{
	const struct run_name name = { service->tenant, deployment->app, deployment->workflow,
		DRY_RUN_GUARD_ID };
	struct run run;

	*ret_expectation = (struct expectation){ .met = false };
	if (take_plan(service, deployment, ret_expectation, error) != ERROR_NONE)
		return error->class;
	if (ret_expectation->text == NULL)
		return ERROR_NONE;
	if (run_read(service->redis, &name, service->arena, &run, error) != ERROR_NONE)
		return error->class;
	ret_expectation->met =
		strcmp(run.deployment, deployment->id) == 0 && strcmp(run.status, "done") == 0;
	return ERROR_NONE;
}

/* ---- the step ---- */

enum error_class expectation_prepare(const struct service *service,
	const struct input_sources *sources, const struct expectation *expectation,
	const char *after, struct start_step *ret_step, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	char *digest = arena_allocate(service->arena, DIGEST_SIZE);
	char *definition = arena_allocate(service->arena, DEFINITION_SIZE);

	if (digest == NULL || definition == NULL)
		return no_memory(error);
	if (plan_input_build(service, sources, &expectation->plan, &input, error) != ERROR_NONE ||
		input_digest(input, sources->secrets, digest, error) != ERROR_NONE)
		return error->class;

	step_digest(sources->workflow, &dry_run_guard, definition);
	*ret_step = (struct start_step){
		.id = DRY_RUN_GUARD_ID,
		.input = json_print(service->arena, input),
		.digest = digest,
		.definition = definition,
		.needs = after != NULL ? after : "",
		.uses = "",
		.outputs = step_outputs(&dry_run_guard, service->arena),
		.run_ms = (int64_t)step_run_timeout_s(&dry_run_guard) * 1000,
		.attempts = step_max_attempts(&dry_run_guard),
	};
	return ret_step->input != NULL && ret_step->outputs != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class expectation_first(const struct service *service, const struct target *target,
	const struct expectation *expectation, const char *after, const char **ret_names,
	struct error *error)
{
	*ret_names = after;
	if (expectation->plan.expect == NULL || expectation->met)
		return ERROR_NONE;
	*ret_names = arena_format(service->arena, "%s%s%s:%s:" DRY_RUN_GUARD_ID,
		after != NULL ? after : "", after != NULL && after[0] != '\0' ? " " : "",
		target->app, target->workflow->id);
	return *ret_names != NULL ? ERROR_NONE : no_memory(error);
}
