/*
 * The graph of steps that `slipway run` walks: which step is ready, and which can no longer run because a need
 * failed.
 */
#include "cli/run_plan.h"

#include <string.h>

#include "base/text.h"

struct plan_step *plan_find(struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->steps[i].id, id) == 0)
			return &plan->steps[i];
	return NULL;
}

static enum error_class read_needs(struct plan *plan, struct plan_step *step, const cJSON *needs, struct error *error)
{
	const cJSON *need;

	cJSON_ArrayForEach (need, needs) {
		const char *id = cJSON_GetStringValue(need);
		const struct plan_step *needed = id != NULL ? plan_find(plan, id) : NULL;
		if (needed == NULL)
			return error_set(
				error, ERROR_INVALID_INPUT, "the step '%s' needs a step that is not there", step->id);
		step->needs[needed - plan->steps] = true;
	}

	return ERROR_NONE;
}

enum error_class plan_read(const cJSON *workflow, struct plan *ret_plan, struct error *error)
{
	const cJSON *step, *steps = json_member(workflow, "steps");

	memset(ret_plan, 0, sizeof(*ret_plan));
	cJSON_ArrayForEach (step, steps) {
		const char *id = json_member_string(step, "id");
		if (id == NULL || ret_plan->count == PLAN_STEPS_MAX)
			return error_set(
				error, ERROR_INVALID_INPUT, "the endpoint describes the workflow in an unknown way");
		struct plan_step *added = &ret_plan->steps[ret_plan->count++];
		const char *summary = json_member_string(step, "summary"), *key = json_member_string(step, "inputKey");
		text_copy(added->id, sizeof(added->id), id);
		text_copy(added->input_key, sizeof(added->input_key), key != NULL ? key : "");
		text_copy(added->summary, sizeof(added->summary), summary != NULL ? summary : "");
	}

	size_t index = 0;
	cJSON_ArrayForEach (step, steps) {
		if (read_needs(ret_plan, &ret_plan->steps[index++], json_member(step, "needs"), error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

static bool needs_are_done(const struct plan *plan, const struct plan_step *step)
{
	for (size_t i = 0; i < plan->count; i++)
		if (step->needs[i] && plan->steps[i].state != PLAN_DONE)
			return false;
	return true;
}

struct plan_step *plan_next(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state == PLAN_PENDING && needs_are_done(plan, &plan->steps[i]))
			return &plan->steps[i];
	return NULL;
}

bool plan_is_running(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state == PLAN_RUNNING)
			return true;
	return false;
}

bool plan_is_done(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state != PLAN_DONE)
			return false;
	return true;
}
