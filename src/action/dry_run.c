/*
 * A dry run: runs the actions of all steps with a context that writes nothing. Reads go to the
 * provider; the first call that would change something ends the action, and its method says what
 * the action would have done.
 */
#include "core/dry_run.h"

#include <string.h>

#include "action/context.h"
#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"
#include "core/error_json.h"
#include "core/input.h"
#include "core/run.h"
#include "provider/provider.h"

#define PROVIDERS_MAX 8

struct dry_step {
	bool included, finished;
	const char *input;  /* JSON text */
	const char *output; /* JSON text of what exists already; NULL: nothing, or not yet */
	bool creates; /* it would create its resource: an earlier run's output is of one that is
			 gone */
};

struct dry_run {
	struct action_context *context; /* of the dry run itself */
	const struct workflow_definition *workflow;
	struct dry_step steps[WORKFLOW_STEPS_MAX];
	struct dry_run_effect effects[WORKFLOW_STEPS_MAX];
	size_t effect_count;
	struct dry_run_calls calls[PROVIDERS_MAX];
	size_t call_count;
};

/* ---- the steps and their inputs ---- */

static bool read_step(struct dry_run *dry_run, const struct dry_run_input_step *given)
{
	const struct step_definition *definition = workflow_step(dry_run->workflow, given->id);

	if (definition == NULL || definition == &dry_run_step) {
		action_fail(dry_run->context, ERROR_INVALID_INPUT,
			"the workflow '%s' has no step '%s'", dry_run->workflow->id, given->id);
		return false;
	}

	/* The decoder reads JSON null, which an optional step is given, as absent. */
	struct dry_step *step = &dry_run->steps[definition - dry_run->workflow->steps];
	step->included = true;
	step->input = given->input != NULL ? given->input : "null";
	if (given->error != NULL) {
		step->finished = true;
		dry_run->effects[dry_run->effect_count++] =
			(struct dry_run_effect){ .id = definition->id,
				.action = definition->action->id,
				.change = "blocked",
				.text = "its input is not complete",
				.error = given->error };
	}

	return true;
}

static bool read_steps(struct dry_run *dry_run, const struct dry_run_input *input)
{
	const struct dry_run_input_step *given = input->steps.items;
	for (size_t i = 0; i < input->steps.count; i++)
		if (!read_step(dry_run, &given[i]))
			return false;
	return true;
}

/* The output of a step of another app; it is only there once that step is done. */
static enum error_class look_up_other(const struct dry_run *dry_run,
	const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct action_context *context = dry_run->context;
	const struct run_name from = { reference->parts[0], reference->parts[1],
		reference->parts[2] };
	const char *output = NULL;

	if (context->backend->output(context->backend_data, &from, &output, error) != ERROR_NONE)
		return error->class;
	if (output == NULL)
		return error_set(error, ERROR_NEEDS_NOT_DONE,
			"it needs an output of the app '%s', whose step '%s' of '%s' is not done",
			from.app, from.step, from.workflow);
	return run_output_member(output, reference, ret_value, error);
}

/* A step's output: as the dry run has found it, else as an earlier run has left it. */
static enum error_class look_up_step(const struct dry_run *dry_run,
	const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct action_context *context = dry_run->context;
	const struct run_name from = { context->app, dry_run->workflow->id, reference->parts[0] };
	const struct step_definition *definition = workflow_step(dry_run->workflow, from.step);
	const struct dry_step *step =
		definition != NULL ? &dry_run->steps[definition - dry_run->workflow->steps] : NULL;
	bool creates = step != NULL && step->creates;
	const char *output = step != NULL ? step->output : NULL;

	if (!creates && output == NULL &&
		context->backend->output(context->backend_data, &from, &output, error) !=
			ERROR_NONE)
		return error->class;
	if (creates || output == NULL)
		return error_set(error, ERROR_NEEDS_NOT_DONE,
			"it depends on an output of the step '%s', which does not exist yet",
			from.step);
	return run_output_member(output, reference, ret_value, error);
}

static enum error_class look_up(
	void *data, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	const struct dry_run *dry_run = data;
	const struct action_context *context = dry_run->context;

	if (reference->kind == REFERENCE_SECRET || reference->kind == REFERENCE_SEALED)
		return context->backend->secret(context->backend_data, reference, ret_value, error);
	return reference->kind == REFERENCE_STEP
		? look_up_step(dry_run, reference, ret_value, error)
		: look_up_other(dry_run, reference, ret_value, error);
}

/* ---- what would be done ---- */

/* False where the failure is temporary: then the whole dry run is tried again. */
static bool describe_failure(
	struct dry_run *dry_run, const struct error *error, struct dry_run_effect *effect)
{
	if (error_class_facts(error->class)->retryable || error->class == ERROR_LEASE_LOST) {
		dry_run->context->error = *error;
		return false;
	}

	bool conflict =
		error->class == ERROR_CONFLICT_FOREIGN || error->class == ERROR_CONFLICT_OURS;
	effect->change = conflict ? "conflict" : "blocked";

	/* The output is redacted as a whole, but a text that was truncated to fit into an error may
	 * have half a secret.
	 */
	struct error redacted = *error;
	redact_error(&redacted);
	effect->text = arena_string(dry_run->context->arena, redacted.message);

	/* A step that has yet to run is no error of this one. */
	return error->class == ERROR_NEEDS_NOT_DONE ||
		error_print(&redacted, dry_run->context->arena, &effect->error,
			&dry_run->context->error) == ERROR_NONE;
}

static bool describe_step(struct dry_run *dry_run, struct dry_step *step, enum action_result result,
	struct action_context *context, struct dry_run_effect *effect)
{
	const struct step_dry_run *observed = context->dry_run;

	effect->differences =
		(struct string_list){ observed->differences, observed->difference_count };
	if (observed->change != NULL) {
		effect->change = observed->change;
		effect->text = observed->request;
		step->creates = strcmp(observed->change, "create") == 0;
		return true;
	}

	if (observed->unchecked != NULL) {
		effect->change = "nothing";
		effect->text = observed->unchecked;
		return true;
	}

	if (result == ACTION_FAILED) {
		step->creates = context->error.class == ERROR_NEEDS_NOT_DONE;
		return describe_failure(dry_run, &context->error, effect);
	}

	/* What a step waits for does not exist yet, so nothing can be said of
	 * the steps after it. */
	effect->change = observed->adopts  ? "adopt"
		: observed->removes        ? "remove"
		: result == ACTION_WAITING ? "blocked"
					   : "nothing";
	effect->text = context->text;
	if (result == ACTION_DONE)
		step->output = context_output(context);
	return true;
}

static const char *warn_of_expiry(const struct dry_run *dry_run, int64_t expires_at)
{
	char when[CREDENTIAL_END_SIZE];
	return credential_ends_soon(expires_at, when)
		? arena_format(dry_run->context->arena, "its token ends %s", when)
		: NULL;
}

static void count_calls(struct dry_run *dry_run, const struct step_dry_run *observed)
{
	for (size_t i = 0; i < DRY_RUN_PROVIDERS_MAX && observed->calls[i].provider != NULL; i++) {
		size_t at = 0;
		while (at < dry_run->call_count &&
			strcmp(dry_run->calls[at].provider, observed->calls[i].provider) != 0)
			at++;
		if (at == PROVIDERS_MAX)
			return;
		if (at == dry_run->call_count)
			dry_run->calls[dry_run->call_count++] =
				(struct dry_run_calls){ .provider = observed->calls[i].provider,
					.remaining = -1 };
		dry_run->calls[at].reads += observed->calls[i].reads;
		dry_run->calls[at].writes += observed->calls[i].writes;
		if (observed->calls[i].remaining >= 0)
			dry_run->calls[at].remaining = observed->calls[i].remaining;
		if (dry_run->calls[at].warning == NULL)
			dry_run->calls[at].warning =
				warn_of_expiry(dry_run, observed->calls[i].expires_at);
	}
}

static bool run_action(struct dry_run *dry_run, size_t index, struct dry_run_effect *effect)
{
	const struct step_definition *definition = &dry_run->workflow->steps[index];
	struct dry_step *step = &dry_run->steps[index];
	struct action_context *context = dry_run->context, step_context = *context;
	struct step_dry_run *observed =
		arena_allocate(context->arena, sizeof(*observed)); /* the effect points into it */
	CLEANUP_JSON cJSON *input = NULL;

	if (context_is_short_of_memory(context))
		return false;
	*effect = (struct dry_run_effect){ .id = definition->id, .action = definition->action->id };
	step->finished = true;
	if (input_read(step->input, &input, &context->error) != ERROR_NONE ||
		input_put_values(input, &definition->action->input, look_up, dry_run,
			&context->error) != ERROR_NONE) {
		step->creates = context->error.class == ERROR_NEEDS_NOT_DONE;
		return describe_failure(dry_run, &context->error, effect);
	}

	step_context.action = definition->action;
	step_context.dry_run = observed;
	step_context.checkpoint = step_context.output = NULL;
	step_context.written = NULL;
	enum action_result result = context_execute(&step_context, input, "");
	bool goes_on = describe_step(dry_run, step, result, &step_context, effect);
	context_release(&step_context);
	count_calls(dry_run, observed);
	return goes_on && !context_is_short_of_memory(context);
}

/* One step. The next ones do not redact its secrets: an address, say, that is also the value of a
 * variable here has to be readable there. */
static bool run_step(struct dry_run *dry_run, size_t index)
{
	struct action_context *context = dry_run->context;
	struct dry_run_effect *effect = &dry_run->effects[dry_run->effect_count++];
	bool goes_on = run_action(dry_run, index, effect);

	if (effect->text != NULL) {
		char *text = arena_string(context->arena, effect->text);
		if (text != NULL)
			redact_text(text);
		effect->text = text;
	}

	redact_error(&context->error);
	context->backend->forget(context->backend_data);
	return goes_on;
}

/* Whether all steps that it needs are finished. */
static bool is_ready(const struct dry_run *dry_run, size_t index)
{
	struct step_set needs;
	struct error ignored;
	if (step_needs(dry_run->workflow, &dry_run->workflow->steps[index], NULL, "", &needs,
		    &ignored) != ERROR_NONE)
		return true;
	for (size_t i = 0; i < dry_run->workflow->step_count; i++)
		if (needs.contains[i] && dry_run->steps[i].included && !dry_run->steps[i].finished)
			return false;
	return true;
}

enum action_result dry_run_execute(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	(void)checkpoint;
	struct dry_run *dry_run = arena_allocate(context->arena, sizeof(*dry_run));
	struct dry_run_output *result = output;

	if (dry_run == NULL)
		return action_failed(context);
	dry_run->context = context;
	dry_run->workflow = context->workflow;
	if (!read_steps(dry_run, input))
		return action_failed(context);

	/* In the order of needs; a workflow has no cycle, so each round finishes
	 * at least one step. */
	for (size_t round = 0; round < dry_run->workflow->step_count; round++)
		for (size_t i = 0; i < dry_run->workflow->step_count; i++)
			if (dry_run->steps[i].included && !dry_run->steps[i].finished &&
				is_ready(dry_run, i) && !run_step(dry_run, i))
				return action_failed(context);
	result->steps = (struct object_list){ dry_run->effects, dry_run->effect_count };
	result->calls = (struct object_list){ dry_run->calls, dry_run->call_count };
	return action_done(context);
}
