/* Walks a record's JSON with its table beside it, also where the JSON is not yet known to be what
 * the table asks for.
 */
#include <string.h>

#include "base/record.h"

struct walk {
	record_visit *visit;
	void *context;
	struct error *error;
};

static enum error_class walk_object(
	const struct walk *walk, const struct record *record, const cJSON *json, const char *place);

/* What a list or a map holds: each item is a value, or an object with a table of its own. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class walk_items(const struct walk *walk, const struct record_value *value)
{
	size_t index = 0;
	cJSON *item;

	cJSON_ArrayForEach (item, value->json) {
		char place[JSON_POINTER_SIZE];
		json_pointer_child(place, value->place, item, index++);
		struct record_value element = { value->field, item, value->object, place };
		enum error_class class = value->field->type == FIELD_OBJECTS && cJSON_IsObject(item)
			? walk_object(walk, value->field->record, item, place)
			: walk->visit(walk->context, &element, walk->error);
		if (class != ERROR_NONE)
			return class;
	}

	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class walk_value(const struct walk *walk, const struct record_value *value)
{
	enum field_type type = value->field != NULL ? value->field->type : FIELD_JSON;
	if (type == FIELD_OBJECT && cJSON_IsObject(value->json))
		return walk_object(walk, value->field->record, value->json, value->place);
	if (type == FIELD_MAP ? cJSON_IsObject(value->json)
			      : (type == FIELD_STRINGS || type == FIELD_OBJECTS) &&
				cJSON_IsArray(value->json))
		return walk_items(walk, value);
	return walk->visit(walk->context, value, walk->error);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class walk_object(
	const struct walk *walk, const struct record *record, const cJSON *json, const char *place)
{
	cJSON *member;

	cJSON_ArrayForEach (member, json) {
		char below[JSON_POINTER_SIZE];
		json_pointer_child(below, place, member, 0);
		const struct record_value value = { record_field(record, member->string), member,
			json, below };
		if (walk_value(walk, &value) != ERROR_NONE)
			return walk->error->class;
	}

	return ERROR_NONE;
}

enum error_class record_visit_values(const struct record *record, const cJSON *json,
	const char *place, record_visit *visit, void *context, struct error *error)
{
	const struct walk walk = { visit, context, error };
	return cJSON_IsObject(json) ? walk_object(&walk, record, json, place) : ERROR_NONE;
}
