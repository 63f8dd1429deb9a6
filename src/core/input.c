/*
 * Builds the input of a step from its three sources, resolves what is known now, and checks it
 * against the action's table. Values that only a worker may know stay references.
 */
#include "core/input.h"

#include <sodium.h>
#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "core/input_check.h"
#include "core/secret_input.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to put the input together");
}

static enum error_class add_bindings(
	cJSON *input, const struct step_definition *step, struct error *error)
{
	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++)
		if (!json_add(input, binding->field, cJSON_CreateString(binding->value)))
			return no_memory(error);
	return ERROR_NONE;
}

static enum error_class merge_key(
	cJSON **input, const cJSON *inputs, const char *key, struct error *error)
{
	const cJSON *own = key != NULL ? json_member(inputs, key) : NULL;
	if (own == NULL || cJSON_IsNull(own))
		return ERROR_NONE;
	if (!cJSON_IsObject(own)) {
		error_set(error, ERROR_INVALID_INPUT, "it must be an object");
		return error_at(error, "/inputs/%s", key);
	}
	return json_merge(input, own, error);
}

/* A key that no step of the workflow takes is probably misspelt. */
enum error_class input_check_keys(
	const struct input_sources *sources, struct faults *faults, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, sources->trigger_inputs) {
		if (workflow_takes_input(sources->workflow, member->string))
			continue;
		error_set(error, ERROR_INVALID_INPUT,
			"no step of the workflow '%s' takes this input", sources->workflow->id);
		error_at_member(error, "/inputs", member->string);
		if (!faults_note(faults, error))
			return error->class;
	}

	return ERROR_NONE;
}

/* Only checks that it exists: the worker fills in the value. */
static enum error_class check_secret(const cJSON *secrets, const char *name, struct error *error)
{
	if (json_member(secrets, name) != NULL)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "the app has no secret '%s'", name);
	return error_remedy(
		error, NULL, "Set it with mode 'configure', then trigger the step again.");
}

/* A step that refers to itself by the name of its app would wait for itself until its deadline. */
static enum error_class check_other(
	const struct input_sources *sources, const struct reference *reference, struct error *error)
{
	if (sources->app == NULL || strcmp(reference->parts[0], sources->app) != 0 ||
		strcmp(reference->parts[1], sources->workflow->id) != 0 ||
		strcmp(reference->parts[2], sources->step->id) != 0)
		return ERROR_NONE;
	return error_set(
		error, ERROR_INVALID_INPUT, "the step '%s' refers to itself", sources->step->id);
}

static enum error_class look_up(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	const struct input_sources *sources = context;

	if (reference->kind == REFERENCE_APP)
		return check_other(sources, reference, error);
	if (reference->kind == REFERENCE_SECRET)
		return check_secret(sources->secrets, reference->parts[0], error);
	if (reference->kind != REFERENCE_CONFIG && reference->kind != REFERENCE_ENV)
		return ERROR_NONE;
	const char *where = reference->kind == REFERENCE_CONFIG ? "config" : "env";
	const cJSON *value = reference->kind == REFERENCE_CONFIG ? sources->config : sources->env;
	for (size_t i = 0; i < reference->part_count && value != NULL; i++)
		value = json_member(value, reference->parts[i]);
	if (value == NULL && reference_calls_default(&reference->calls)) {
		*ret_value = cJSON_CreateNull();
		return *ret_value != NULL ? ERROR_NONE : no_memory(error);
	}

	if (value == NULL) {
		error_set(error, ERROR_INVALID_INPUT, "the app's %s has no '%s'", where,
			reference->parts[0]);
		return error_remedy(
			error, NULL, "Set it with mode 'configure', then trigger the step again.");
	}

	*ret_value = cJSON_Duplicate(value, true);
	return *ret_value != NULL ? ERROR_NONE : no_memory(error);
}

/* Against the table, and once that fits and values are resolved, with the
 * .validate of the action. */
static enum error_class check_input(const struct action_definition *action, const cJSON *input,
	enum record_mode mode, const char *place, struct faults *faults, struct error *error)
{
	const struct record *record = &action->input;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;

	void *decoded = arena_allocate(&arena, record->size);
	enum error_class class = decoded == NULL
		? no_memory(error)
		: record_check(record, input, mode, place, &arena, decoded, faults, error);
	if (class == ERROR_NONE && mode == RECORD_REFERENCES &&
		(faults == NULL || faults->count == 0))
		class = input_check_run(action, decoded, place, faults, error);
	return class;
}

enum error_class input_name_member(const char *place, struct error *error)
{
	size_t length = strlen(place);
	if (strncmp(error->place, place, length) == 0 && error->place[length] == '/') {
		const char *member = error->place + length + 1;
		text_format(error->remedy_input, sizeof(error->remedy_input), "%.*s",
			(int)strcspn(member, "/"), member);
	}
	return error->class;
}

void input_place(const struct step_definition *step, char place[INPUT_PLACE_SIZE])
{
	text_copy(place, INPUT_PLACE_SIZE, "/inputs");
	if (step->input_key != NULL)
		json_pointer_append(place, INPUT_PLACE_SIZE, step->input_key);
}

/* Null counts as well: it would remove what the workflow binds. */
static enum error_class check_bound(const struct step_definition *step, const cJSON *inputs,
	const char *place, struct faults *faults, struct error *error)
{
	const cJSON *own = step->input_key != NULL ? json_member(inputs, step->input_key) : NULL;

	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++) {
		if (binding->overridable || json_member(own, binding->field) == NULL)
			continue;
		error_set(error, ERROR_INVALID_INPUT,
			"the workflow binds it to %s, and no input replaces that", binding->value);
		error_remedy(error, NULL,
			"Leave it out. Where it is configured, delete it there with null.");
		error_at_member(error, place, binding->field);
		if (!faults_note(faults, error))
			return error->class;
	}

	return ERROR_NONE;
}

static enum error_class refuse_replaced(const struct binding *binding, const char *place,
	struct faults *faults, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT,
		"the input has a secret, so no input replaces %s, to which the workflow binds it",
		binding->value);
	error_remedy(error, NULL, "Leave it out, or leave out the secret.");
	error_at_member(error, place, binding->field);
	return faults_note(faults, error) ? ERROR_NONE : error->class;
}

static bool replace_bound(cJSON *input, const struct binding *binding)
{
	cJSON *value = cJSON_CreateString(binding->with_secret);
	if (value != NULL && cJSON_ReplaceItemInObjectCaseSensitive(input, binding->field, value))
		return true;
	cJSON_Delete(value);
	return false;
}

/* A caller who chose the destination of a secret could send it to himself, so only the workflow
 * chooses it. */
static enum error_class bind_for_secret(const struct step_definition *step, cJSON *input,
	const char *place, struct faults *faults, struct error *error)
{
	if (!secret_input_has(&step->action->input, input))
		return ERROR_NONE;

	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++) {
		const char *value = json_member_string(input, binding->field);
		bool stands = value != NULL && strcmp(value, binding->value) == 0;
		if (!stands && refuse_replaced(binding, place, faults, error) != ERROR_NONE)
			return error->class;
		if (stands && binding->with_secret != NULL && !replace_bound(input, binding))
			return no_memory(error);
	}

	return ERROR_NONE;
}

/* A confirmation in the configuration would confirm every later run. */
static void drop_configured(const struct step_definition *step, cJSON *input)
{
	const struct record *record = &step->action->input;
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].given_each_time)
			cJSON_DeleteItemFromObjectCaseSensitive(input, record->fields[i].name);
}

static enum error_class fill_input(const struct input_sources *sources, cJSON **input,
	struct faults *faults, struct error *error)
{
	const struct step_definition *step = sources->step;
	char place[INPUT_PLACE_SIZE];

	input_place(step, place);
	if (check_bound(step, sources->cached_inputs, place, faults, error) != ERROR_NONE ||
		check_bound(step, sources->trigger_inputs, place, faults, error) != ERROR_NONE)
		return input_name_member(place, error);
	if (add_bindings(*input, step, error) != ERROR_NONE ||
		merge_key(input, sources->cached_inputs, step->input_key, error) != ERROR_NONE)
		return error->class;
	drop_configured(step, *input);
	if (merge_key(input, sources->trigger_inputs, step->input_key, error) != ERROR_NONE)
		return error->class;
	if (bind_for_secret(step, *input, place, faults, error) != ERROR_NONE)
		return input_name_member(place, error);
	struct input_sources borrowed = *sources;
	const struct record *record = &step->action->input;
	const struct reference_source source = { look_up, &borrowed, record };
	if (check_input(step->action, *input, RECORD_TEMPLATE, place, faults, error) !=
			ERROR_NONE ||
		references_resolve(*input, place, &source, sources->budget, faults, error) !=
			ERROR_NONE ||
		check_input(step->action, *input, RECORD_REFERENCES, place, faults, error) !=
			ERROR_NONE ||
		secret_input_check(record, *input, place, faults, error) != ERROR_NONE)
		return input_name_member(place, error);
	return ERROR_NONE;
}

static bool is_given(const cJSON *inputs, const char *key)
{
	const cJSON *own = key != NULL ? json_member(inputs, key) : NULL;
	return own != NULL && !cJSON_IsNull(own);
}

/* Where faults were noted, *ret_input is incomplete. */
static enum error_class build(const struct input_sources *sources, struct faults *faults,
	cJSON **ret_input, struct error *error)
{
	const struct step_definition *step = sources->step;
	bool skipped = step->optional && !is_given(sources->cached_inputs, step->input_key) &&
		!is_given(sources->trigger_inputs, step->input_key);

	*ret_input = skipped ? cJSON_CreateNull() : cJSON_CreateObject();
	if (*ret_input == NULL)
		return no_memory(error);
	if (skipped || fill_input(sources, ret_input, faults, error) == ERROR_NONE)
		return ERROR_NONE;
	cJSON_Delete(*ret_input);
	*ret_input = NULL;
	return error->class;
}

enum error_class input_build(
	const struct input_sources *sources, cJSON **ret_input, struct error *error)
{
	if (input_check_keys(sources, NULL, error) != ERROR_NONE)
		return error->class;
	return build(sources, NULL, ret_input, error);
}

enum error_class input_faults(
	const struct input_sources *sources, struct faults *ret_faults, struct error *error)
{
	CLEANUP_JSON cJSON *input = NULL;
	char place[INPUT_PLACE_SIZE];
	struct step_set needs;

	memset(ret_faults, 0, sizeof(*ret_faults));
	input_place(sources->step, place);
	enum error_class class = build(sources, ret_faults, &input, error);
	if (class == ERROR_NONE)
		class = step_check_needs(
			sources->workflow, sources->step, input, place, &needs, ret_faults, error);

	/* A full list of faults is no error. */
	if (class != ERROR_NONE && class != ERROR_INVALID_INPUT)
		return class;
	if (class == ERROR_INVALID_INPUT)
		faults_note(ret_faults, error);
	for (size_t i = 0; i < ret_faults->count; i++)
		input_name_member(place, &ret_faults->list[i]);
	return ERROR_NONE;
}

enum error_class input_read(const char *text, cJSON **ret_input, struct error *error)
{
	enum error_class class = json_parse(text, strlen(text), JSON_LIMITS_WIDE, ret_input, error);
	if (class == ERROR_NONE || class == ERROR_OUT_OF_MEMORY)
		return class;
	return error_set(
		error, ERROR_INVALID_INPUT, "the stored input is broken: %s", error->message);
}

enum error_class input_put_values(cJSON *input, const struct record *record,
	reference_lookup *lookup, void *context, struct error *error)
{
	if (secret_input_check(record, input, "/input", NULL, error) != ERROR_NONE)
		return error->class;
	const struct reference_source source = { lookup, context, record };
	return references_put(input, "/input", &source, error);
}

struct sealed_secrets {
	const cJSON *secrets;
	cJSON *digits; /* of those that were met, by their names */
};

/* A short hash stands for a sealed secret, which may be long and may be named often: each is read
 * once. */
static enum error_class look_up_sealed(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	const struct sealed_secrets *sealed = context;
	const char *name = reference->kind == REFERENCE_SECRET ? reference->parts[0] : NULL;
	const char *text = name != NULL ? json_member_string(sealed->secrets, name) : NULL;

	if (text == NULL)
		return ERROR_NONE;
	const char *known = json_member_string(sealed->digits, name);
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char digits[2 * sizeof(hash) + 1];
	if (known == NULL) {
		crypto_generichash(
			hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
		known = sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
		if (cJSON_AddStringToObject(sealed->digits, name, known) == NULL)
			return no_memory(error);
	}
	*ret_value = cJSON_CreateString(known);
	return *ret_value != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class input_digest(
	const cJSON *input, const cJSON *secrets, char digest[DIGEST_SIZE], struct error *error)
{
	CLEANUP_JSON cJSON *sealed = cJSON_Duplicate(input, true);
	CLEANUP_JSON cJSON *digits = cJSON_CreateObject();
	struct sealed_secrets sources = { secrets, digits };

	if (sealed == NULL || digits == NULL)
		return no_memory(error);

	/* The digits may be longer than the names that they stand for. */
	struct reference_budget budget = { 2 * REFERENCE_TEXT_MAX, REFERENCE_NODES_MAX };
	const struct reference_source source = { look_up_sealed, &sources, NULL };
	enum error_class class =
		references_resolve(sealed, "/inputs", &source, &budget, NULL, error);
	if (class == ERROR_NONE)
		class = json_digest(sealed, digest, error);
	return class;
}
