/*
 * Finds the field tables for the inputs of a request, and seals the values that the tables mark as
 * secret. An input key may belong to several steps, so several tables may apply to one input.
 */
#include "api/sealed_inputs.h"

#include <string.h>

#include "base/text.h"
#include "core/secret_input.h"

static bool takes(const struct step_definition *step, const cJSON *input)
{
	return step->input_key != NULL && strcmp(step->input_key, input->string) == 0;
}

static void place_of(const cJSON *input, char *place, size_t size)
{
	text_copy(place, size, "/inputs");
	json_pointer_append(place, size, input->string);
}

static enum error_class seal_for(struct secret_sealing *sealing,
	const struct workflow_definition *workflow, cJSON *input, struct error *error)
{
	char place[sizeof(error->place)];

	place_of(input, place, sizeof(place));
	for (size_t i = 0; i < workflow->step_count; i++) {
		const struct step_definition *step = &workflow->steps[i];
		if (takes(step, input) &&
			secret_input_seal(sealing, &step->action->input, input, place, error) !=
				ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

/* It is enough that the members suit one step: others with the same input key may have fewer. */
static enum error_class check_members(const cJSON *input, struct error *error)
{
	char place[sizeof(error->place)];
	enum error_class class = ERROR_NONE;

	place_of(input, place, sizeof(place));
	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++) {
			const struct step_definition *step = &workflows[i]->steps[j];
			if (!takes(step, input))
				continue;
			class = secret_input_check_members(
				&step->action->input, input, place, error);
			if (class == ERROR_NONE)
				return class;
		}
	return class;
}

/* A configured input is stored before any step checks it, so its members are checked here. */
static enum error_class seal_for_any(
	struct secret_sealing *sealing, cJSON *input, struct error *error)
{
	if (check_members(input, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; workflows[i] != NULL; i++)
		if (seal_for(sealing, workflows[i], input, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

enum error_class seal_inputs(const struct service *service, const char *app,
	const struct workflow_definition *workflow, cJSON *body, size_t *ret_count,
	struct error *error)
{
	struct secret_sealing sealing = { .public_key = service->settings->secrets_public_key,
		.app = service_app(service, app),
		.arena = service->arena };

	*ret_count = 0;
	cJSON *input;
	cJSON_ArrayForEach (input, json_member(body, "inputs")) {
		enum error_class class = workflow != NULL
			? seal_for(&sealing, workflow, input, error)
			: seal_for_any(&sealing, input, error);
		if (class != ERROR_NONE)
			return class;
	}

	*ret_count = sealing.count;
	return ERROR_NONE;
}
