/*
 * Checks the inputs of all steps of a workflow before anything is made of any of them, and lists
 * all faults in one response.
 */
#include "api/checked_inputs.h"

#include <string.h>

/* Steps may share an input; a fault in it is listed once. */
static bool is_listed(const cJSON *errors, const struct error *fault)
{
	const cJSON *entry;
	cJSON_ArrayForEach (entry, errors) {
		if (strcmp(json_member_string(entry, "place"), fault->place) == 0 &&
			strcmp(json_member_string(entry, "message"), fault->message) == 0)
			return true;
	}
	return false;
}

static enum error_class add_faults(
	cJSON *errors, const char *step, const struct faults *faults, struct error *error)
{
	for (size_t i = 0; i < faults->count; i++)
		if (!is_listed(errors, &faults->list[i]) &&
			!json_append(errors, problem_place(step, &faults->list[i])))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	return ERROR_NONE;
}

enum error_class inputs_check(const struct service *service, struct input_sources *sources,
	cJSON *errors, struct error *error)
{
	struct faults *faults = arena_allocate(service->arena, sizeof(*faults));

	if (faults == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to check the inputs");

	/* If there are more than the list holds, those in it are enough to begin with. */
	if (input_check_keys(sources, faults, error) != ERROR_NONE &&
		error->class != ERROR_INVALID_INPUT)
		return error->class;
	if (add_faults(errors, NULL, faults, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < sources->workflow->step_count; i++) {
		sources->step = &sources->workflow->steps[i];
		if (input_faults(sources, faults, error) != ERROR_NONE ||
			add_faults(errors, sources->step->id, faults, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

void inputs_refuse(
	const struct workflow_definition *workflow, const cJSON *errors, struct response *response)
{
	int count = cJSON_GetArraySize(errors);
	struct error problem, *error = &problem;

	error_set(error, ERROR_INVALID_INPUT, "%d place%s in the inputs of '%s' %s invalid", count,
		count == 1 ? "" : "s", workflow->id, count == 1 ? "is" : "are");
	error_remedy(error, NULL, "Correct the named places and send the request again.");
	response_faults(response, error, errors);
}
