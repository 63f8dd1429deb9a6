/*
 * Derives from the field tables and the bindings of a workflow where each value comes from. What a
 * table cannot say, such as that one of two fields is needed, is not in it.
 */
#include "api/asks.h"

#include <string.h>

#include "base/text.h"
#include "core/reference.h"

/* A field of one step. */
struct asked {
	const struct step_definition *step;
	const struct field *field;
	const struct binding *binding; /* NULL: the workflow does not give it */
};

/* What the references of a binding say. */
struct origin {
	bool seen[REFERENCE_SEALED + 1]; /* by kind */
	bool derived;
	char from[4 * IDENTIFIER_SIZE]; /* the first step, as a need is named */
	cJSON *configured;              /* names that a person must configure */
	bool complete;                  /* there was memory for all of them */
};

static const struct binding *find_binding(
	const struct step_definition *step, const struct field *field)
{
	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++)
		if (strcmp(binding->field, field->name) == 0)
			return binding;
	return NULL;
}

static void note_step(struct origin *origin, const struct reference *reference)
{
	if (origin->from[0] != '\0')
		return;
	if (reference->kind == REFERENCE_STEP)
		text_copy(origin->from, sizeof(origin->from), reference->parts[0]);
	else
		text_format(origin->from, sizeof(origin->from), "%s.%s.%s", reference->parts[0],
			reference->parts[1], reference->parts[2]);
}

/* As it is referred to: config.site.name. */
static void note_configured(struct origin *origin, const struct reference *reference)
{
	char name[REFERENCE_PARTS_MAX * (REFERENCE_NAME_MAX + 1) + 8];

	if (reference_calls_default(&reference->calls))
		return;
	text_copy(name, sizeof(name),
		reference->kind == REFERENCE_CONFIG        ? "config"
			: reference->kind == REFERENCE_ENV ? "env"
							   : "secret");
	for (size_t i = 0; i < reference->part_count; i++)
		text_append(name, sizeof(name), ".%s", reference->parts[i]);
	origin->complete =
		origin->complete && json_append(origin->configured, cJSON_CreateString(name));
}

static enum error_class visit_origin(
	void *context, const struct reference *reference, struct error *error)
{
	struct origin *origin = context;
	(void)error;

	origin->seen[reference->kind] = true;
	origin->derived = origin->derived || reference->calls.count > 0;
	if (reference->kind == REFERENCE_STEP || reference->kind == REFERENCE_APP)
		note_step(origin, reference);
	else
		note_configured(origin, reference);
	return ERROR_NONE;
}

static const char *source_of(const struct origin *origin)
{
	static const struct {
		enum reference_kind kind;
		const char *name;
	} sources[] = {
		{ REFERENCE_STEP, "step" },
		{ REFERENCE_APP, "app" },
		{ REFERENCE_SECRET, "secret" },
		{ REFERENCE_CONFIG, "config" },
		{ REFERENCE_ENV, "env" },
	};
	if (origin->derived)
		return "derived";
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (origin->seen[sources[i].kind])
			return sources[i].name;
	return "bound";
}

/* A definition was checked when the program was built, so its references can be parsed. */
static bool add_origin(cJSON *ask, const struct binding *binding)
{
	struct origin origin = { .configured = cJSON_AddArrayToObject(ask, "configured"),
		.complete = true };
	struct error ignored;

	if (origin.configured == NULL ||
		references_visit_text(binding->value, "", visit_origin, &origin, NULL, &ignored) !=
			ERROR_NONE ||
		!origin.complete)
		return false;
	if (origin.from[0] != '\0' && !json_add(ask, "from", cJSON_CreateString(origin.from)))
		return false;
	return json_add(ask, "source", cJSON_CreateString(source_of(&origin))) &&
		json_add(ask, "value", cJSON_CreateString(binding->value)) &&
		json_add(ask, "overridable", cJSON_CreateBool(binding->overridable));
}

static cJSON *describe(const struct asked *asked)
{
	CLEANUP_JSON cJSON *ask = cJSON_CreateObject();
	const char *key = asked->step->input_key, *title = asked->field->description;

	if (ask == NULL || !json_add(ask, "actionId", cJSON_CreateString(asked->step->id)) ||
		!json_add(ask, "inputKey",
			key != NULL ? cJSON_CreateString(key) : cJSON_CreateNull()) ||
		!json_add(ask, "field", cJSON_CreateString(asked->field->name)) ||
		!json_add(ask, "title", cJSON_CreateString(title != NULL ? title : "")) ||
		!json_add(ask, "secret", cJSON_CreateBool(asked->field->secret)) ||
		!json_add(ask, "optional", cJSON_CreateBool(asked->step->optional)))
		return NULL;
	bool complete = asked->binding != NULL
		? add_origin(ask, asked->binding)
		: json_add(ask, "source", cJSON_CreateString("given"));
	return complete ? json_take(&ask) : NULL;
}

static bool same_text(const char *one, const char *two)
{
	return one != NULL && two != NULL && strcmp(one, two) == 0;
}

/* The entry for the same member of the same input; NULL if there is none. */
static cJSON *find_ask(cJSON *asks, const struct asked *asked)
{
	cJSON *ask;

	cJSON_ArrayForEach (ask, asks) {
		if (same_text(json_member_string(ask, "inputKey"), asked->step->input_key) &&
			same_text(json_member_string(ask, "field"), asked->field->name))
			return ask;
	}
	return NULL;
}

/* Steps may share an input. If one of them is given the field by the workflow and the other is not,
 * a person must fill it in. */
static bool add_ask(cJSON *asks, const struct asked *asked)
{
	cJSON *known = find_ask(asks, asked);
	bool is_given = same_text(json_member_string(known, "source"), "given");

	if (known == NULL)
		return json_append(asks, describe(asked));
	if (is_given || asked->binding != NULL)
		return true;
	cJSON *ask = describe(asked);
	return ask != NULL && cJSON_ReplaceItemViaPointer(asks, known, ask);
}

static bool add_step(cJSON *asks, const struct step_definition *step)
{
	const struct record *record = &step->action->input;
	bool complete = true;

	for (size_t i = 0; complete && i < record->count; i++) {
		const struct field *field = &record->fields[i];
		const struct asked asked = { step, field, find_binding(step, field) };
		bool is_asked = field->required && field->fallback == NULL;
		if (is_asked || asked.binding != NULL)
			complete = add_ask(asks, &asked);
	}

	return complete;
}

cJSON *asks_describe(const struct workflow_definition *workflow)
{
	CLEANUP_JSON cJSON *asks = cJSON_CreateArray();
	bool complete = asks != NULL;

	for (size_t i = 0; complete && i < workflow->step_count; i++)
		complete = add_step(asks, &workflow->steps[i]);
	return complete ? json_take(&asks) : NULL;
}
