/* Looks for the names of steps in the inputs of a run. */
#include "worker/referred.h"

#include <string.h>

#include "core/run_input.h"
#include "worker/decline.h"

/* Steps that are asked for, and which of them an input refers to. */
struct referred {
	const struct run_name *names;
	size_t count;
	bool is_named[NEEDS_MAX];
};

static enum error_class note_reference(
	void *context, const struct reference *reference, struct error *error)
{
	struct referred *referred = context;
	(void)error;

	if (reference->kind != REFERENCE_APP)
		return ERROR_NONE;
	for (size_t i = 0; i < referred->count; i++)
		if (strcmp(reference->parts[0], referred->names[i].app) == 0 &&
			strcmp(reference->parts[1], referred->names[i].workflow) == 0 &&
			strcmp(reference->parts[2], referred->names[i].step) == 0)
			referred->is_named[i] = true;
	return ERROR_NONE;
}

static enum error_class note_input(void *context, const struct action_definition *action,
	const cJSON *input, struct error *error)
{
	(void)action;
	return references_visit(input, "/input", note_reference, context, NULL, error);
}

enum error_class referred_check(const struct asker *asker, const struct run_name *names,
	size_t count, struct arena *arena, struct error *error)
{
	const struct run_name own = lease_name(asker->lease);
	const struct step_definition *step = step_of(&own);
	struct referred referred = { names, count, { false } };
	bool is_foreign = false;

	for (size_t i = 0; i < count; i++) {
		referred.is_named[i] = strcmp(names[i].app, own.app) == 0;
		is_foreign |= !referred.is_named[i];
	}
	if (is_foreign && step != NULL && asker->input != NULL &&
		run_inputs_visit(workflow_find(own.workflow), step, asker->input, arena, note_input,
			&referred, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++)
		if (!referred.is_named[i])
			return error_set(error, ERROR_INTERNAL,
				"an executor asked for what its run does not refer to");
	return ERROR_NONE;
}
