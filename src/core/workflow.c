/*
 * Looks up workflows, finds the needs of a step, and checks all definitions at build time: a
 * workflow that could never finish does not compile.
 */
#include "core/workflow.h"

#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "core/dry_run.h"
#include "core/secret_input.h"

const struct workflow_definition *workflow_find(const char *id)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		if (strcmp(workflows[i]->id, id) == 0)
			return workflows[i];
	return NULL;
}

/* The index of the step; -1 if there is none. */
static int step_index(const struct workflow_definition *workflow, const char *id)
{
	for (size_t i = 0; i < workflow->step_count; i++)
		if (strcmp(workflow->steps[i].id, id) == 0)
			return (int)i;
	return -1;
}

const struct step_definition *workflow_step(
	const struct workflow_definition *workflow, const char *id)
{
	int index = step_index(workflow, id);
	if (index < 0 && strcmp(id, DRY_RUN_STEP_ID) == 0)
		return &dry_run_step;
	if (index < 0 && strcmp(id, DRY_RUN_GUARD_ID) == 0)
		return &dry_run_guard;
	return index >= 0 ? &workflow->steps[index] : NULL;
}

bool workflow_takes_input(const struct workflow_definition *workflow, const char *key)
{
	for (size_t i = 0; i < workflow->step_count; i++)
		if (workflow->steps[i].input_key != NULL &&
			strcmp(workflow->steps[i].input_key, key) == 0)
			return true;
	return false;
}

bool action_is_of(const struct action_definition *action, const char *provider)
{
	const size_t length = strlen(provider);
	return strncmp(action->id, provider, length) == 0 && action->id[length] == '.';
}

bool action_calls(const struct action_definition *action, const char *provider)
{
	return action_is_of(action, provider) ||
		(action->other_provider != NULL && strcmp(action->other_provider, provider) == 0);
}

uint32_t step_attempt_timeout_s(const struct step_definition *step)
{
	return step->action->attempt_timeout_s != 0 ? step->action->attempt_timeout_s
						    : ACTION_ATTEMPT_TIMEOUT_S;
}

uint32_t step_run_timeout_s(const struct step_definition *step)
{
	return step->action->run_timeout_s != 0 ? step->action->run_timeout_s
						: ACTION_RUN_TIMEOUT_S;
}

uint32_t step_max_attempts(const struct step_definition *step)
{
	return step->action->max_attempts != 0 ? step->action->max_attempts : ACTION_MAX_ATTEMPTS;
}

/* ---- needs ---- */

struct needs_visit {
	const struct workflow_definition *workflow;
	const struct step_definition *step;
	struct step_set *needs;
};

/* A function that takes a text is not for a list or a map, though it may be for one value of a
 * map. */
static enum error_class check_calls(const struct field *field, const struct reference *reference,
	size_t at, struct error *error)
{
	bool is_map = field->type == FIELD_MAP && reference->part_count == at + 2;
	bool is_composite = field->type == FIELD_STRINGS || field->type == FIELD_OBJECT ||
		field->type == FIELD_OBJECTS;

	if (!reference_calls_need_text(&reference->calls) || (!is_map && !is_composite))
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT,
		"the output '%s' of the step '%s' is a %s, and the function is for texts",
		reference->parts[at + 1], reference->parts[at],
		is_map || field->type == FIELD_OBJECT ? "map" : "list");
}

/* The step that a reference names in its parts from `at` on, if it has this output. The values of a
 * map are known only when it is read. */
static enum error_class find_output(const struct workflow_definition *workflow,
	const struct reference *reference, size_t at, int *ret_index, uint64_t *ret_use,
	struct error *error)
{
	const char *id = reference->parts[at], *output = reference->parts[at + 1];

	*ret_index = step_index(workflow, id);
	if (*ret_index < 0)
		return error_set(error, ERROR_INVALID_INPUT, "the workflow '%s' has no step '%s'",
			workflow->id, id);
	const struct field *field =
		record_field(&workflow->steps[*ret_index].action->output, output);
	if (field == NULL)
		return error_set(
			error, ERROR_INVALID_INPUT, "the step '%s' has no output '%s'", id, output);
	const size_t row = (size_t)(field - workflow->steps[*ret_index].action->output.fields);
	*ret_use = row < 64 ? (uint64_t)1 << row : 0;
	if (reference->part_count > at + 2 && field->type != FIELD_MAP)
		return error_set(error, ERROR_INVALID_INPUT,
			"the output '%s' of the step '%s' is a single value: it has no '%s'",
			output, id, reference->parts[at + 2]);
	return check_calls(field, reference, at, error);
}

static enum error_class add_other(struct step_set *needs, const char *app,
	const struct workflow_definition *workflow, const struct step_definition *step,
	uint64_t use, struct error *error)
{
	for (size_t i = 0; i < needs->other_count; i++)
		if (needs->others[i].step == step && strcmp(needs->others[i].app, app) == 0) {
			needs->others[i].uses |= use;
			return ERROR_NONE;
		}
	if (needs->other_count == APP_NEEDS_MAX)
		return error_set(error, ERROR_INVALID_INPUT,
			"the input refers to more than %d steps of other apps", APP_NEEDS_MAX);
	struct app_need *need = &needs->others[needs->other_count++];
	*need = (struct app_need){ .workflow = workflow, .step = step, .uses = use };
	text_copy(need->app, sizeof(need->app), app);
	return ERROR_NONE;
}

/* A step of an app by name: all apps have the same workflows. */
static enum error_class visit_other(
	struct needs_visit *visit, const struct reference *reference, struct error *error)
{
	const char *app = reference->parts[0], *id = reference->parts[1];
	const struct workflow_definition *workflow = workflow_find(id);
	int index;
	uint64_t use = 0;

	if (!identifier_valid(app))
		return error_set(error, ERROR_INVALID_INPUT, "'%s' is not the id of an app", app);
	if (workflow == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "there is no workflow '%s'", id);
	if (find_output(workflow, reference, 2, &index, &use, error) != ERROR_NONE)
		return error->class;
	return add_other(visit->needs, app, workflow, &workflow->steps[index], use, error);
}

static enum error_class visit_need(
	void *context, const struct reference *reference, struct error *error)
{
	struct needs_visit *visit = context;
	int index;
	uint64_t use = 0;

	if (reference->kind == REFERENCE_APP)
		return visit_other(visit, reference, error);
	if (reference->kind != REFERENCE_STEP)
		return ERROR_NONE;
	if (find_output(visit->workflow, reference, 0, &index, &use, error) != ERROR_NONE)
		return error->class;
	if (&visit->workflow->steps[index] == visit->step)
		return error_set(error, ERROR_INVALID_INPUT, "the step '%s' refers to itself",
			visit->step->id);
	visit->needs->contains[index] = true;
	visit->needs->uses[index] |= use;
	return ERROR_NONE;
}

static enum error_class visit_binding(struct needs_visit *visit, const struct binding *binding,
	const char *place, struct error *error)
{
	enum error_class class =
		references_visit_text(binding->value, place, visit_need, visit, NULL, error);
	if (class == ERROR_NONE && binding->with_secret != NULL)
		class = references_visit_text(
			binding->with_secret, place, visit_need, visit, NULL, error);
	return class;
}

enum error_class step_check_needs(const struct workflow_definition *workflow,
	const struct step_definition *step, const cJSON *input, const char *place,
	struct step_set *ret_needs, struct faults *faults, struct error *error)
{
	*ret_needs = (struct step_set){ .workflow = workflow };
	struct needs_visit visit = { workflow, step, ret_needs };
	for (const char *const *need = step->needs; need != NULL && *need != NULL; need++) {
		int index = step_index(workflow, *need);
		if (index < 0 || &workflow->steps[index] == step)
			return error_set(error, ERROR_INVALID_INPUT,
				"the step '%s' cannot need '%s'", step->id, *need);
		ret_needs->contains[index] = true;
	}

	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++)
		if (visit_binding(&visit, binding, place, error) != ERROR_NONE)
			return error->class;
	return input != NULL ? references_visit(input, place, visit_need, &visit, faults, error)
			     : ERROR_NONE;
}

enum error_class step_needs(const struct workflow_definition *workflow,
	const struct step_definition *step, const cJSON *input, const char *place,
	struct step_set *ret_needs, struct error *error)
{
	return step_check_needs(workflow, step, input, place, ret_needs, NULL, error);
}

/* ---- outputs that are used ---- */

const char *step_outputs(const struct step_definition *step, struct arena *arena)
{
	const struct record *output = &step->action->output;
	const char *text = " ";

	for (size_t i = 0; text != NULL && i < output->count; i++)
		text = arena_format(arena, "%s%s ", text, output->fields[i].name);
	return text;
}

static const char *add_uses(
	const char *text, const struct step_definition *step, uint64_t uses, struct arena *arena)
{
	const struct record *output = &step->action->output;

	for (size_t i = 0; text != NULL && i < output->count && i < 64; i++)
		if ((uses >> i & 1) != 0)
			text = arena_format(arena, "%s%s ", text, output->fields[i].name);
	return text != NULL ? arena_format(arena, "%s;", text) : NULL;
}

const char *step_set_uses(const struct step_set *needs, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < needs->workflow->step_count; i++)
		if (needs->contains[i])
			text = add_uses(text, &needs->workflow->steps[i], needs->uses[i], arena);
	for (size_t i = 0; i < needs->other_count; i++)
		text = add_uses(text, needs->others[i].step, needs->others[i].uses, arena);
	return text;
}

static const char *add_name(const char *names, const char *app, const char *workflow,
	const char *step, struct arena *arena)
{
	return names != NULL ? arena_format(arena, "%s%s%s:%s:%s", names,
				       names[0] != '\0' ? " " : "", app, workflow, step)
			     : NULL;
}

const char *step_set_names(const char *app, const struct step_set *needs, struct arena *arena)
{
	const struct workflow_definition *workflow = needs->workflow;
	const char *names = "";

	for (size_t i = 0; i < workflow->step_count; i++)
		if (needs->contains[i])
			names = add_name(names, app, workflow->id, workflow->steps[i].id, arena);
	for (size_t i = 0; i < needs->other_count; i++)
		names = add_name(names, needs->others[i].app, needs->others[i].workflow->id,
			needs->others[i].step->id, arena);
	return names;
}

/* ---- the check at build time ---- */

static enum error_class unsound(const struct workflow_definition *workflow, const char *step,
	const char *what, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "workflow '%s', step '%s': %s", workflow->id, step,
		what);
	return error_remedy(error, NULL, "Correct its file in workflows/definitions/.");
}

/* What the references of a binding have. */
struct bound_references {
	bool secret, clear_default;
};

static enum error_class visit_bound(
	void *context, const struct reference *reference, struct error *error)
{
	struct bound_references *found = context;
	(void)error;
	found->secret = found->secret || reference->kind == REFERENCE_SECRET;
	found->clear_default = found->clear_default || reference_calls_write(&reference->calls);
	return ERROR_NONE;
}

/* What is wrong with a binding; NULL: nothing, or it is found later. A clear text that is compiled
 * in would be readable in every input, and secrets are allowed in secret fields only. */
static const char *binding_problem(
	const struct step_definition *step, const struct binding *binding)
{
	const struct field *field = record_field(&step->action->input, binding->field);
	struct error ignored;
	struct bound_references found = { false, false };

	if (field == NULL)
		return "it binds a field that its action does not have";
	if (references_visit_text(binding->value, "", visit_bound, &found, NULL, &ignored) !=
		ERROR_NONE)
		return NULL;
	if (found.secret && !field->secret)
		return "it binds a secret to a field that is not secret";
	if (field->secret && (found.clear_default || !text_has_reference(binding->value)))
		return "it binds a text to a secret field: write ${secret.NAME}";
	return NULL;
}

/* Whether each pattern has a description in words. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool has_forms(const struct record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		if ((field->pattern != NULL && field->form == NULL) ||
			(field->record != NULL && !has_forms(field->record)))
			return false;
	}

	return true;
}

static enum error_class check_step(const struct workflow_definition *workflow, size_t index,
	struct step_set *ret_needs, struct error *error)
{
	const struct step_definition *step = &workflow->steps[index];

	if (step->id == NULL || !identifier_valid(step->id))
		return unsound(workflow, step->id != NULL ? step->id : "(none)",
			"the id is invalid", error);
	if (strcmp(step->id, DRY_RUN_STEP_ID) == 0 || strcmp(step->id, DRY_RUN_GUARD_ID) == 0)
		return unsound(workflow, step->id, "the id is reserved for plans", error);
	if (step_index(workflow, step->id) != (int)index)
		return unsound(workflow, step->id, "the id is used twice", error);
	if (step->connection != NULL && !identifier_valid(step->connection))
		return unsound(workflow, step->id, "its connection has no valid name", error);
	if (step->action == NULL || step->action->run == NULL)
		return unsound(workflow, step->id, "it has no action", error);
	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++) {
		const char *problem = binding_problem(step, binding);
		if (problem != NULL)
			return unsound(workflow, step->id, problem, error);
	}

	if (!has_forms(&step->action->input))
		return unsound(workflow, step->id,
			"a field of its input has a pattern but no .form that describes it in "
			"words",
			error);
	if (secret_record_check(&step->action->input, error) == ERROR_NONE &&
		step_needs(workflow, step, NULL, "", ret_needs, error) == ERROR_NONE)
		return ERROR_NONE;
	struct error cause = *error;
	return unsound(workflow, step->id, cause.message, error);
}

/* Repeatedly removes the steps whose needs are all removed; what remains is a cycle. */
static enum error_class check_cycles(const struct workflow_definition *workflow,
	const struct step_set *needs, struct error *error)
{
	bool ordered[WORKFLOW_STEPS_MAX] = { false };

	for (size_t round = 0; round < workflow->step_count; round++) {
		for (size_t i = 0; i < workflow->step_count; i++) {
			bool free_of_needs = true;
			for (size_t j = 0; j < workflow->step_count; j++)
				free_of_needs =
					free_of_needs && (!needs[i].contains[j] || ordered[j]);
			ordered[i] = ordered[i] || free_of_needs;
		}
	}

	for (size_t i = 0; i < workflow->step_count; i++)
		if (!ordered[i])
			return unsound(workflow, workflow->steps[i].id,
				"it is part of a cycle of needs", error);
	return ERROR_NONE;
}

enum error_class workflow_check(const struct workflow_definition *workflow, struct error *error)
{
	struct step_set needs[WORKFLOW_STEPS_MAX];

	if (workflow->id == NULL || !identifier_valid(workflow->id))
		return error_set(error, ERROR_INVALID_INPUT, "a workflow has no valid id");
	if (workflow->step_count < 1 || workflow->step_count > WORKFLOW_STEPS_MAX)
		return unsound(workflow, "(all)", "it has no steps, or too many", error);
	for (size_t i = 0; i < workflow->step_count; i++)
		if (check_step(workflow, i, &needs[i], error) != ERROR_NONE)
			return error->class;
	return check_cycles(workflow, needs, error);
}

enum error_class workflow_check_all(struct error *error)
{
	for (size_t i = 0; workflows[i] != NULL; i++) {
		if (workflow_check(workflows[i], error) != ERROR_NONE)
			return error->class;
		if (workflow_find(workflows[i]->id) != workflows[i])
			return error_set(error, ERROR_INVALID_INPUT,
				"the workflow id '%s' is used twice", workflows[i]->id);
	}
	return ERROR_NONE;
}
