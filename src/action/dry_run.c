/*
 * A plan: runs the actions of all steps with a context that writes nothing. Reading is let through; the first call that
 * would change something ends the action, and says by its method what it would have done.
 */
#include "core/plan.h"

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

struct planned_step {
	bool asked, answered;
	const char *input;  /* JSON text */
	const char *output; /* JSON text of what is there already; NULL: nothing, or not yet */
	bool made_anew;     /* it would make its thing: what an earlier run gave is of one that is gone */
};

struct planning {
	struct action_context *context; /* of the plan itself */
	const struct workflow_definition *workflow;
	struct planned_step steps[WORKFLOW_STEPS_MAX];
	struct plan_answer answers[WORKFLOW_STEPS_MAX];
	size_t answer_count;
	struct plan_calls calls[PROVIDERS_MAX];
	size_t call_count;
};

/* ---- what is asked ---- */

static bool take_questions(struct planning *planning, const struct plan_input *input)
{
	const struct plan_question *questions = input->steps.items;

	for (size_t i = 0; i < input->steps.count; i++) {
		const struct step_definition *step = workflow_step(planning->workflow, questions[i].id);
		if (step == NULL || step == &plan_step) {
			action_fail(planning->context, ERROR_INVALID_INPUT, "the workflow '%s' has no step '%s'",
				planning->workflow->id, questions[i].id);
			return false;
		}
		struct planned_step *planned = &planning->steps[step - planning->workflow->steps];
		planned->asked = true;
		/* JSON null, which an optional step is given, is nothing to a decoder. */
		planned->input = questions[i].input != NULL ? questions[i].input : "null";
		if (questions[i].error != NULL) {
			planned->answered = true;
			planning->answers[planning->answer_count++] = (struct plan_answer){ .id = step->id,
				.action = step->action->id,
				.change = "blocked",
				.text = "its input is not complete",
				.error = questions[i].error };
		}
	}

	return true;
}

/* A step's output: what the plan has found, else what an earlier run has made. */
static enum error_class look_up(void *data, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	const struct planning *planning = data;
	struct action_context *context = planning->context;
	bool own = reference->kind == REFERENCE_STEP;

	if (reference->kind == REFERENCE_SECRET || reference->kind == REFERENCE_SEALED)
		return context->backend->secret(context->backend_data, reference, ret_value, error);
	const char *step = reference->parts[own ? 0 : 2], *name = reference->parts[own ? 1 : 3];
	const struct run_name from = { own ? context->app : reference->parts[0],
		own ? planning->workflow->id : reference->parts[1], step };
	const struct step_definition *found = own ? workflow_step(planning->workflow, step) : NULL;
	const struct planned_step *planned = found != NULL ? &planning->steps[found - planning->workflow->steps] : NULL;
	const char *output = planned != NULL ? planned->output : NULL;
	if (planned != NULL && planned->made_anew)
		return error_set(error, ERROR_NEEDS_NOT_DONE, "it needs what the step '%s' is yet to make", step);
	if (output == NULL && context->backend->output(context->backend_data, &from, &output, error) != ERROR_NONE)
		return error->class;
	if (output == NULL && !own)
		return error_set(error, ERROR_NEEDS_NOT_DONE,
			"it needs an output of the app '%s', whose step '%s' of '%s' is not done", from.app, from.step,
			from.workflow);
	if (output == NULL)
		return error_set(error, ERROR_NEEDS_NOT_DONE, "it needs what the step '%s' is yet to make", step);
	return run_output_member(output, name, ret_value, error);
}

/* ---- what would be done ---- */

/* False where the look failed for a reason that passes: then the whole plan is tried again. */
static bool answer_failure(struct planning *planning, const struct error *error, struct plan_answer *response)
{
	if (error_class_facts(error->class)->retryable || error->class == ERROR_LEASE_LOST) {
		planning->context->error = *error;
		return false;
	}

	bool conflict = error->class == ERROR_CONFLICT_FOREIGN || error->class == ERROR_CONFLICT_OURS;
	response->change = conflict ? "conflict" : "blocked";

	/* The plan's output is without secrets, but for what was cut to fit into an error. */
	struct error redacted = *error;
	redact_error(&redacted);
	response->text = arena_string(planning->context->arena, redacted.message);

	/* A step that is yet to run is no error of this one. */
	return error->class == ERROR_NEEDS_NOT_DONE ||
		error_print(&redacted, planning->context->arena, &response->error, &planning->context->error) ==
		ERROR_NONE;
}

static bool answer_step(struct planning *planning, struct planned_step *planned, const struct dry_run *dry,
	enum action_result result, struct action_context *step, struct plan_answer *response)
{
	response->differences = (struct string_list){ dry->differences, dry->difference_count };
	if (dry->change != NULL) {
		response->change = dry->change;
		response->text = dry->request;
		planned->made_anew = strcmp(dry->change, "create") == 0;
		return true;
	}

	if (dry->unasked != NULL) {
		response->change = "nothing";
		response->text = dry->unasked;
		return true;
	}

	if (result == ACTION_FAILED) {
		planned->made_anew = step->error.class == ERROR_NEEDS_NOT_DONE;
		return answer_failure(planning, &step->error, response);
	}

	/* What waits is not there yet, so nothing can be said of what comes after it. */
	response->change = dry->adopts     ? "adopt"
		: dry->removes             ? "remove"
		: result == ACTION_WAITING ? "blocked"
					   : "nothing";
	response->text = step->text;
	if (result == ACTION_DONE)
		planned->output = context_output(step);
	return true;
}

static void count_calls(struct planning *planning, const struct dry_run *dry)
{
	for (size_t i = 0; i < DRY_PROVIDERS_MAX && dry->calls[i].provider != NULL; i++) {
		size_t at = 0;
		while (at < planning->call_count && strcmp(planning->calls[at].provider, dry->calls[i].provider) != 0)
			at++;
		if (at == PROVIDERS_MAX)
			return;
		if (at == planning->call_count)
			planning->calls[planning->call_count++] =
				(struct plan_calls){ .provider = dry->calls[i].provider, .remaining = -1 };
		planning->calls[at].looked += dry->calls[i].looked;
		planning->calls[at].writes += dry->calls[i].writes;
		if (dry->calls[i].remaining >= 0)
			planning->calls[at].remaining = dry->calls[i].remaining;
	}
}

static bool look_at(struct planning *planning, size_t index)
{
	const struct step_definition *definition = &planning->workflow->steps[index];
	struct planned_step *planned = &planning->steps[index];
	struct plan_answer *response = &planning->answers[planning->answer_count];
	struct action_context *context = planning->context, step = *context;
	struct dry_run *dry = arena_allocate(context->arena, sizeof(*dry)); /* the answer points into it */
	CLEANUP_JSON cJSON *input = NULL;

	if (context_is_short_of_memory(context))
		return false;
	*response = (struct plan_answer){ .id = definition->id, .action = definition->action->id };
	planning->answer_count++;
	planned->answered = true;
	if (input_read(planned->input, &input, &context->error) != ERROR_NONE ||
		input_put_values(input, &definition->action->input, look_up, planning, &context->error) != ERROR_NONE) {
		planned->made_anew = context->error.class == ERROR_NEEDS_NOT_DONE;
		return answer_failure(planning, &context->error, response);
	}

	step.action = definition->action;
	step.dry = dry;
	step.checkpoint = step.output = NULL;
	step.written = NULL;
	enum action_result result = context_run(&step, input, "");
	bool answered = answer_step(planning, planned, dry, result, &step, response);
	context_release(&step);
	count_calls(planning, dry);
	return answered && !context_is_short_of_memory(context);
}

/* One step. Its secrets are of no use to the next ones: what is in clear there, such as an address that is the value of
 * a variable as well, is to be read. */
static bool plan_one(struct planning *planning, size_t index)
{
	struct action_context *context = planning->context;
	struct plan_answer *response = &planning->answers[planning->answer_count];
	bool goes_on = look_at(planning, index);

	if (response->text != NULL) {
		char *text = arena_string(context->arena, response->text);
		if (text != NULL)
			redact_text(text);
		response->text = text;
	}

	redact_error(&context->error);
	context->backend->forget(context->backend_data);
	return goes_on;
}

/* Whether all that comes before the step has been looked at. */
static bool is_ready(const struct planning *planning, size_t index)
{
	struct step_set needs;
	struct error ignored;
	if (step_needs(planning->workflow, &planning->workflow->steps[index], NULL, "", &needs, &ignored) != ERROR_NONE)
		return true;
	for (size_t i = 0; i < planning->workflow->step_count; i++)
		if (needs.contains[i] && planning->steps[i].asked && !planning->steps[i].answered)
			return false;
	return true;
}

enum action_result plan_run(struct action_context *context, const void *input, void *checkpoint, void *output)
{
	(void)checkpoint;
	struct planning *planning = arena_allocate(context->arena, sizeof(*planning));
	struct plan_output *plan = output;

	if (planning == NULL)
		return action_failed(context);
	planning->context = context;
	planning->workflow = context->workflow;
	if (!take_questions(planning, input))
		return action_failed(context);

	/* In the order of needs; a workflow has no cycle, so each round answers one at least. */
	for (size_t round = 0; round < planning->workflow->step_count; round++)
		for (size_t i = 0; i < planning->workflow->step_count; i++)
			if (planning->steps[i].asked && !planning->steps[i].answered && is_ready(planning, i) &&
				!plan_one(planning, i))
				return action_failed(context);
	plan->steps = (struct object_list){ planning->answers, planning->answer_count };
	plan->calls = (struct object_list){ planning->calls, planning->call_count };
	return action_done(context);
}
