/*
 * A dry run: runs the actions of all steps with a context that writes nothing. Reads go to the
 * provider; the first call that would change something ends the action, and its method says what
 * the action would have done.
 *
 * The steps behind it go on with what is known: what the action had put into its output until then,
 * and an unknown (base/unknown.h) for all else. A read about what is yet to be made is answered in
 * dry_run_call.c.
 */
#include "core/dry_run.h"

#include <string.h>

#include "action/context.h"
#include "action/dry_run_call.h"
#include "action/dry_run_end.h"
#include "action/dry_run_found.h"
#include "action/dry_run_tally.h"
#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/unknown.h"
#include "core/dry_run_seen.h"
#include "core/error_json.h"
#include "core/input.h"
#include "core/ledger_row.h"
#include "core/run.h"

#define PLANNED_MAX 64

/* What is known of the output of a step. */
enum known_output {
	OUTPUT_OF_RUN, /* what an earlier run has left; nothing can be said of another */
	OUTPUT_WHOLE,  /* the dry run has found all of it */
	OUTPUT_PART,   /* the step would change something: what it promises, and no more */
};

struct dry_step {
	bool included, finished;
	const char *input; /* JSON text */
	enum known_output known;
	const char *output; /* JSON text; of OUTPUT_PART, what is zero in it is unknown */
	bool creates; /* of OUTPUT_PART: what is unknown is about a thing that is yet to be made */
};

struct dry_run {
	struct action_context *context; /* of the dry run itself */
	const struct workflow_definition *workflow;
	struct dry_step steps[WORKFLOW_STEPS_MAX];
	struct dry_run_effect effects[WORKFLOW_STEPS_MAX];
	size_t effect_count;
	struct dry_run_tally tally;
	struct planned_resource planned[PLANNED_MAX];
	size_t planned_count;
	struct step_dry_run *observed; /* of the step that is looked at */
	cJSON *others;                 /* what that step takes from other apps, as an array */
	struct string_list secrets;    /* that the app is yet to get */
};

/* ---- the steps and their inputs ---- */

static bool read_step(struct dry_run *dry_run, const struct dry_run_input_step *given)
{
	const struct step_definition *definition = workflow_step(dry_run->workflow, given->id);

	if (definition == NULL || step_is_dry_run(definition)) {
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

	dry_run->secrets = input->secrets;
	for (size_t i = 0; i < input->steps.count; i++)
		if (!read_step(dry_run, &given[i]))
			return false;
	return true;
}

static enum error_class give_unknown(struct dry_run *dry_run, bool is_new, const char *step,
	const char *output, cJSON **ret_value, struct error *error)
{
	struct arena *arena = dry_run->context->arena;
	const char *text = unknown_format(arena, is_new, step, output);

	*ret_value = text != NULL ? cJSON_CreateString(text) : NULL;
	if (*ret_value == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
	dry_run_note_step(dry_run->observed, arena, arena_string(arena, step));
	return ERROR_NONE;
}

/* The output of a step of another app; it is only there once that step is done. */
static enum error_class look_up_other(struct dry_run *dry_run, const struct reference *reference,
	cJSON **ret_value, struct error *error)
{
	struct action_context *context = dry_run->context;
	const struct run_name from = { context->tenant, reference->parts[0], reference->parts[1],
		reference->parts[2] };
	const char *output = NULL;
	char step[UNKNOWN_STEP_SIZE];

	if (context->backend->output(context->backend_data, &from, &output, error) != ERROR_NONE)
		return error->class;
	text_format(step, sizeof(step), "%s.%s.%s", from.app, from.workflow, from.step);
	if (output == NULL)
		return give_unknown(dry_run, false, step, reference->parts[3], ret_value, error);
	if (run_output_member(output, reference, ret_value, error) != ERROR_NONE)
		return error->class;
	return json_append(dry_run->others, cJSON_Duplicate(*ret_value, true))
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
}

/* Whether a step that was stopped has put this into its output: what is zero it has not. */
static bool is_promised(const cJSON *value)
{
	if (cJSON_IsNumber(value))
		return value->valuedouble != 0 && value->valuedouble < (double)UNKNOWN_INTEGER;
	if (cJSON_IsString(value))
		return value->valuestring[0] != '\0';
	return cJSON_IsTrue(value) || value->child != NULL;
}

/* What a step that would change something gives. */
static enum error_class look_up_promise(struct dry_run *dry_run, const struct dry_step *step,
	const struct reference *reference, cJSON **ret_value, struct error *error)
{
	CLEANUP_JSON cJSON *value = NULL;

	if (step->output != NULL &&
		run_output_member(step->output, reference, &value, error) == ERROR_NONE &&
		is_promised(value)) {
		*ret_value = json_take(&value);
		return ERROR_NONE;
	}
	return give_unknown(
		dry_run, step->creates, reference->parts[0], reference->parts[1], ret_value, error);
}

/* A step's output: as the dry run has found it, else as an earlier run has left it. */
static enum error_class look_up_step(struct dry_run *dry_run, const struct reference *reference,
	cJSON **ret_value, struct error *error)
{
	struct action_context *context = dry_run->context;
	const struct run_name from = { context->tenant, context->app, dry_run->workflow->id,
		reference->parts[0] };
	const struct step_definition *definition = workflow_step(dry_run->workflow, from.step);
	const struct dry_step none = { .known = OUTPUT_OF_RUN };
	const struct dry_step *step =
		definition != NULL ? &dry_run->steps[definition - dry_run->workflow->steps] : &none;
	const char *output = step->output;

	if (step->known == OUTPUT_PART)
		return look_up_promise(dry_run, step, reference, ret_value, error);
	if (step->known == OUTPUT_OF_RUN &&
		context->backend->output(context->backend_data, &from, &output, error) !=
			ERROR_NONE)
		return error->class;
	return output != NULL
		? run_output_member(output, reference, ret_value, error)
		: give_unknown(dry_run, false, from.step, reference->parts[1], ret_value, error);
}

/* A secret that is yet to be stored is unknown, and no result of a step would tell more. */
static enum error_class look_up_secret(struct dry_run *dry_run, const struct reference *reference,
	cJSON **ret_value, struct error *error)
{
	const struct action_context *context = dry_run->context;
	const char *name = reference->parts[0], *text, *what;
	bool is_there = reference->kind != REFERENCE_SECRET;

	for (size_t i = 0; !is_there && i < dry_run->secrets.count; i++) {
		if (strcmp(dry_run->secrets.items[i], name) != 0)
			continue;
		what = arena_format(context->arena, "secret %s", name);
		text = unknown_format(context->arena, false, context->app, what);
		*ret_value = text != NULL ? cJSON_CreateString(text) : NULL;
		return *ret_value != NULL
			? ERROR_NONE
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
	}

	return context->backend->secret(context->backend_data, reference, ret_value, error);
}

static enum error_class look_up(
	void *data, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct dry_run *dry_run = data;

	if (reference->kind == REFERENCE_SECRET || reference->kind == REFERENCE_SEALED)
		return look_up_secret(dry_run, reference, ret_value, error);
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
	struct arena *arena = dry_run->context->arena;
	struct error redacted = *error;
	redact_error(&redacted);
	const char *message = unknown_show(arena, redacted.message),
		   *remedy = unknown_show(arena, redacted.remedy);
	text_copy(redacted.message, sizeof(redacted.message), message != NULL ? message : "");
	text_copy(redacted.remedy, sizeof(redacted.remedy), remedy != NULL ? remedy : "");
	effect->text = arena_string(arena, redacted.message);
	return error_print(&redacted, arena, &effect->error, &dry_run->context->error) ==
		ERROR_NONE;
}

/* Whether the action has ended because something that it has to read is yet to be made. */
static bool is_undecided(enum action_result result, const struct action_context *context)
{
	return result != ACTION_DONE &&
		(context->dry_run->assumed ||
			(result == ACTION_FAILED && context->error.class == ERROR_NEEDS_NOT_DONE));
}

static void describe_undecided(
	struct dry_run *dry_run, const struct step_dry_run *observed, struct dry_run_effect *effect)
{
	struct arena *arena = dry_run->context->arena;
	const char *step = observed->awaited != NULL && observed->awaited[0] != '\0'
		? observed->awaited
		: observed->after_count > 0 ? observed->after[0]
					    : NULL;

	effect->change = "undecided";
	effect->text = step == NULL ? "decided when the steps before it are done"
				    : arena_format(arena, "decided when '%s' is %s", step,
					      observed->awaited_is_new ? "made" : "done");
}

/* What the action had put into its output when it was stopped. */
static void keep_promise(struct dry_step *step, const char *change, struct action_context *context)
{
	struct error before = context->error;

	step->known = OUTPUT_PART;
	step->creates = strcmp(change, "create") == 0;
	step->output = context->output != NULL ? context_output(context) : NULL;
	context->error = before;
}

static bool describe_step(struct dry_run *dry_run, struct dry_step *step, enum action_result result,
	struct action_context *context, struct dry_run_effect *effect)
{
	const struct step_dry_run *observed = context->dry_run;

	effect->kind = observed->kind;
	effect->name = observed->name;
	effect->gone = observed->gone;
	effect->differences = dry_run_differences(observed, &effect->more_differences);
	if (observed->change != NULL) {
		effect->change = observed->change;
		effect->text = observed->request;
		keep_promise(step, observed->change, context);
		return true;
	}

	if (observed->unchecked != NULL) {
		effect->change = "nothing";
		effect->text = observed->unchecked;
		keep_promise(step, effect->change, context);
		return true;
	}

	if (is_undecided(result, context)) {
		describe_undecided(dry_run, observed, effect);
		keep_promise(step, effect->change, context);
		return true;
	}

	if (result == ACTION_FAILED)
		return describe_failure(dry_run, &context->error, effect);
	effect->change = observed->adopts  ? "adopt"
		: observed->removes        ? "remove"
		: result == ACTION_WAITING ? "blocked"
					   : "nothing";
	effect->text = context->text;
	if (result == ACTION_DONE) {
		step->known = OUTPUT_WHOLE;
		step->output = context_output(context);
	}
	return true;
}

/* Keeps what the step has put into the ledger and would make, for the steps behind it. */
static void note_planned(struct dry_run *dry_run, const struct action_context *context)
{
	struct arena *arena = dry_run->context->arena;
	const cJSON *item;

	cJSON_ArrayForEach (item, context->written) {
		struct ledger_row row;
		struct error ignored;
		struct unknown unknown;
		const char *type = strchr(item->string, ':');
		const char *key = type != NULL ? strchr(type + 1, ':') : NULL;
		if (key == NULL || dry_run->planned_count == PLANNED_MAX || !cJSON_IsString(item) ||
			unknown_find(key, &unknown) ||
			ledger_row_read(item->valuestring, arena, &row, &ignored) != ERROR_NONE ||
			!ledger_row_is_pending(&row))
			continue;
		dry_run->planned[dry_run->planned_count++] = (struct planned_resource){
			.provider = arena_format(
				arena, "%.*s", (int)(type - item->string), item->string),
			.type = arena_format(arena, "%.*s", (int)(key - type - 1), type + 1),
			.key = arena_string(arena, key + 1),
			.step = context->step
		};
	}
}

/* The input as JSON text without what is sealed in it, which is another text each time. */
static const char *without_sealed(struct arena *arena, const char *input)
{
	static const char mark[] = "${sealed.";
	const char *text = "", *rest = input;

	for (const char *found; (found = strstr(rest, mark)) != NULL;) {
		const char *end = strchr(found, '}');
		if (end == NULL || text == NULL)
			break;
		text = arena_format(arena, "%s%.*s", text, (int)(found - rest), rest);
		rest = end;
	}

	return text != NULL ? arena_format(arena, "%s%s", text, rest) : NULL;
}

/* A digest of what the step was asked for and of what it has found. */
static bool digest_step(
	struct dry_run *dry_run, const struct dry_step *step, struct dry_run_effect *effect)
{
	struct action_context *context = dry_run->context;
	CLEANUP_JSON cJSON *seen = cJSON_CreateObject();
	const char *input = without_sealed(context->arena, step->input);
	char digest[DIGEST_SIZE];

	if (seen == NULL || input == NULL || !json_add(seen, "input", cJSON_CreateString(input)) ||
		!json_add(seen, "others", cJSON_Duplicate(dry_run->others, true)) ||
		!json_add(seen, "found", cJSON_CreateString(dry_run->observed->found)) ||
		!json_add(seen, "output",
			cJSON_CreateString(step->output != NULL ? step->output : ""))) {
		error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the plan");
		return false;
	}

	if (json_digest(seen, digest, &context->error) != ERROR_NONE)
		return false;
	effect->seen = arena_string(context->arena, digest);
	return !context_is_short_of_memory(context);
}

static bool run_with_input(
	struct dry_run *dry_run, size_t index, const cJSON *input, struct dry_run_effect *effect)
{
	const struct step_definition *definition = &dry_run->workflow->steps[index];
	struct action_context step_context = *dry_run->context;

	step_context.action = definition->action;
	step_context.step = definition->id;
	step_context.dry_run = dry_run->observed;
	step_context.checkpoint = step_context.output = NULL;
	step_context.written = NULL;
	enum action_result result = context_execute(&step_context, input, "");
	bool goes_on =
		describe_step(dry_run, &dry_run->steps[index], result, &step_context, effect);
	if (dry_run->steps[index].creates)
		note_planned(dry_run, &step_context);
	context_release(&step_context);
	return goes_on;
}

static bool run_action(struct dry_run *dry_run, size_t index, struct dry_run_effect *effect)
{
	const struct step_definition *definition = &dry_run->workflow->steps[index];
	struct dry_step *step = &dry_run->steps[index];
	struct action_context *context = dry_run->context;
	struct step_dry_run *observed =
		arena_allocate(context->arena, sizeof(*observed)); /* the effect points into it */
	CLEANUP_JSON cJSON *input = NULL, *others = cJSON_CreateArray();

	if (context_is_short_of_memory(context))
		return false;
	observed->planned = dry_run->planned;
	observed->planned_count = dry_run->planned_count;
	dry_run->observed = observed;
	dry_run->others = others;
	*effect = (struct dry_run_effect){ .id = definition->id, .action = definition->action->id };
	step->finished = true;
	bool goes_on = input_read(step->input, &input, &context->error) == ERROR_NONE &&
			input_put_values(input, &definition->action->input, look_up, dry_run,
				&context->error) == ERROR_NONE
		? run_with_input(dry_run, index, input, effect)
		: describe_failure(dry_run, &context->error, effect);
	effect->after = (struct string_list){ observed->after, observed->after_count };
	dry_run_tally_step(&dry_run->tally, observed);
	return goes_on && digest_step(dry_run, step, effect);
}

/* A text for people: unknown values in words, and without secrets. */
static const char *shown(const struct dry_run *dry_run, const char *text)
{
	struct arena *arena = dry_run->context->arena;
	char *copy = text != NULL ? arena_string(arena, text) : NULL;

	if (copy == NULL)
		return NULL;
	redact_text(copy);
	return unknown_show(arena, copy);
}

static void show_effect(const struct dry_run *dry_run, struct dry_run_effect *effect)
{
	struct string_list *list = &effect->differences;
	const char **lines =
		arena_allocate_array(dry_run->context->arena, list->count, sizeof(*lines));

	for (size_t i = 0; i < list->count && lines != NULL; i++)
		lines[i] = shown(dry_run, list->items[i]);
	if (lines != NULL)
		list->items = lines;
	effect->text = shown(dry_run, effect->text);
	effect->name = shown(dry_run, effect->name);
}

/* One step. The next ones do not redact its secrets: an address, say, that is also the value of a
 * variable here has to be readable there. */
static bool run_step(struct dry_run *dry_run, size_t index)
{
	struct action_context *context = dry_run->context;
	struct dry_run_effect *effect = &dry_run->effects[dry_run->effect_count++];
	bool goes_on = run_action(dry_run, index, effect);

	show_effect(dry_run, effect);
	redact_error(&context->error);
	context->backend->forget(context->backend_data);
	return goes_on && !context_is_short_of_memory(context);
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

/* Steps that only wait for others have called nobody yet. */
static void expect_providers(struct dry_run *dry_run)
{
	for (size_t i = 0; i < dry_run->workflow->step_count; i++)
		if (dry_run->steps[i].included && strcmp(dry_run->steps[i].input, "null") != 0)
			dry_run_tally_expect(&dry_run->tally, dry_run->workflow->steps[i].action);
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
	dry_run->tally.context = context;
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
	expect_providers(dry_run);
	dry_run_tally_finish(&dry_run->tally);
	char hash[DIGEST_SIZE];
	result->steps = (struct object_list){ dry_run->effects, dry_run->effect_count };
	result->calls = (struct object_list){ dry_run->tally.rows, dry_run->tally.count };
	if (dry_run_hash(result, hash, &context->error) != ERROR_NONE)
		return action_failed(context);
	result->hash = arena_string(context->arena, hash);
	return dry_run_end(context, input, result);
}
