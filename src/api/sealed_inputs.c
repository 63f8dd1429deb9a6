/* Finds the tables of the inputs that a request brings, and has sealed what they keep secret. */
#include "api/sealed_inputs.h"

#include <string.h>

#include "core/secret_input.h"

static enum error_class seal_for(
	struct secret_sealing *sealing, const struct workflow_definition *workflow, cJSON *input, struct error *error)
{
	char place[sizeof(error->place)] = "/inputs";
	json_pointer_append(place, sizeof(place), input->string);
	for (size_t i = 0; i < workflow->step_count; i++) {
		const struct step_definition *step = &workflow->steps[i];
		if (step->input_key != NULL && strcmp(step->input_key, input->string) == 0 &&
			secret_input_seal(sealing, &step->action->input, input, place, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

static enum error_class seal_for_any(struct secret_sealing *sealing, cJSON *input, struct error *error)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		if (seal_for(sealing, workflows[i], input, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

enum error_class seal_inputs(const struct service *service, const char *app, const struct workflow_definition *workflow,
	const cJSON *body, size_t *ret_count, struct error *error)
{
	struct secret_sealing sealing = {
		.public_key = service->settings->secrets_public_key, .app = app, .arena = service->arena
	};
	*ret_count = 0;
	cJSON *input;
	cJSON_ArrayForEach(input, json_member(body, "inputs"))
	{
		enum error_class class = workflow != NULL ? seal_for(&sealing, workflow, input, error)
							  : seal_for_any(&sealing, input, error);
		if (class != ERROR_NONE)
			return class;
	}
	*ret_count = sealing.count;
	return ERROR_NONE;
}
