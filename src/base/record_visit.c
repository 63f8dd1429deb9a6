/* Walks a record's JSON with its table beside it, also where the JSON is not yet known to be what the table asks for.
 */
#include <string.h>

#include "base/record.h"
#include "base/text.h"

#define PLACE_SIZE 192

struct walk {
	record_visit *visit;
	void *context;
	struct error *error;
};

static enum error_class walk_object(
	const struct walk *walk, const struct record *record, const cJSON *json, const char *place);

static void place_below(char place[PLACE_SIZE], const char *above, const cJSON *child, int index)
{
	char number[16];
	text_format(number, sizeof(number), "%d", index);
	text_copy(place, PLACE_SIZE, above);
	json_pointer_append(place, PLACE_SIZE, child->string != NULL ? child->string : number);
}

/* What a list or a map holds: each item is a value, or an object with a table of its own. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class walk_items(const struct walk *walk, const struct record_value *value)
{
	int index = 0;
	cJSON *item;

	cJSON_ArrayForEach (item, value->json) {
		char place[PLACE_SIZE];
		place_below(place, value->place, item, index++);
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
			      : (type == FIELD_STRINGS || type == FIELD_OBJECTS) && cJSON_IsArray(value->json))
		return walk_items(walk, value);
	return walk->visit(walk->context, value, walk->error);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class walk_object(
	const struct walk *walk, const struct record *record, const cJSON *json, const char *place)
{
	cJSON *member;

	cJSON_ArrayForEach (member, json) {
		char below[PLACE_SIZE];
		place_below(below, place, member, 0);
		const struct record_value value = { record_field(record, member->string), member, json, below };
		if (walk_value(walk, &value) != ERROR_NONE)
			return walk->error->class;
	}

	return ERROR_NONE;
}

enum error_class record_visit_values(const struct record *record, const cJSON *json, const char *place,
	record_visit *visit, void *context, struct error *error)
{
	const struct walk walk = { visit, context, error };
	return cJSON_IsObject(json) ? walk_object(&walk, record, json, place) : ERROR_NONE;
}
