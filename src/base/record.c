/*
 * Encodes a struct by its table, fills one from texts, and describes the table as JSON Schema.
 * Decoding of JSON has a file of its own.
 */
#include "base/record.h"

#include <string.h>

#include "base/text.h"

const struct field *record_field(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].name[0] == name[0] &&
			strcmp(record->fields[i].name, name) == 0)
			return &record->fields[i];
	return NULL;
}

void record_clear(const struct record *record, void *data)
{
	for (size_t i = 0; i < record->count; i++) {
		void *target = (char *)data + record->fields[i].offset;
		if (record->fields[i].type == FIELD_INTEGER)
			*(int64_t *)target = 0;
		else
			*(const char **)target = "";
	}
}

/* A manual edit may have put it out of all bounds: between any two of them, a difference still
 * fits. */
static int64_t bounded_integer(const char *text)
{
	int64_t value = 0;
	if (!text_to_integer(text, &value) || value < 0)
		return 0;
	return value > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : value;
}

bool record_take_field(const struct field *field, void *data, const char *text, struct arena *arena)
{
	void *target = (char *)data + field->offset;

	if (field->type == FIELD_INTEGER) {
		*(int64_t *)target = bounded_integer(text);
		return true;
	}

	*(const char **)target = text[0] != '\0' ? arena_string(arena, text) : "";
	return *(const char **)target != NULL;
}

bool record_take(const struct record *record, void *data, const char *name, const char *text,
	struct arena *arena)
{
	const struct field *field = record_field(record, name);

	return field == NULL || record_take_field(field, data, text, arena);
}

bool text_has_reference(const char *text)
{
	for (const char *found = strstr(text, "${"); found != NULL; found = strstr(found + 2, "${"))
		if (found == text || found[-1] != '$')
			return true;
	return false;
}

/* ---- encoding ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to encode a record");
}

static cJSON *encode_string_list(const struct string_list *list)
{
	cJSON *array = cJSON_CreateArray();
	bool complete = array != NULL;
	for (size_t i = 0; complete && i < list->count; i++)
		complete = json_append(array, cJSON_CreateString(list->items[i]));
	if (complete)
		return array;
	cJSON_Delete(array);
	return NULL;
}

static cJSON *encode_string_map(const struct string_map *map)
{
	cJSON *object = cJSON_CreateObject();
	bool complete = object != NULL;
	for (size_t i = 0; complete && i < map->count; i++)
		complete = json_add(
			object, map->items[i].name, cJSON_CreateString(map->items[i].value));
	if (complete)
		return object;
	cJSON_Delete(object);
	return NULL;
}

static cJSON *encode_record(const struct record *record, const void *data);

// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *encode_object_list(const struct record *record, const struct object_list *list)
{
	cJSON *array = cJSON_CreateArray();
	bool complete = array != NULL;
	for (size_t i = 0; complete && i < list->count; i++)
		complete = json_append(
			array, encode_record(record, (const char *)list->items + i * record->size));
	if (complete)
		return array;
	cJSON_Delete(array);
	return NULL;
}

/* Whether the encoder leaves the member out: it holds nothing, and nobody needs to see that. */
static bool is_left_out(const struct field *field, const void *source)
{
	switch (field->type) {
	case FIELD_INTEGER:
		return field->omit_zero && *(const int64_t *)source == 0;
	case FIELD_BOOLEAN:
		return field->omit_zero && !*(const bool *)source;
	case FIELD_STRINGS:
		return !field->required && ((const struct string_list *)source)->count == 0;
	case FIELD_MAP:
		return !field->required && ((const struct string_map *)source)->count == 0;
	case FIELD_OBJECTS:
		return !field->required && ((const struct object_list *)source)->count == 0;
	case FIELD_STRING:
	case FIELD_OBJECT:
	case FIELD_SCALAR:
	case FIELD_JSON:
		return !field->required && *(const void *const *)source == NULL;
	}

	return true;
}

static cJSON *encode_text(const char *text)
{
	return text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull();
}

// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *encode_value(const struct field *field, const void *source)
{
	const void *pointer;

	switch (field->type) {
	case FIELD_STRING:
	case FIELD_SCALAR:
		return encode_text(*(const char *const *)source);
	case FIELD_INTEGER:
		return json_integer(*(const int64_t *)source);
	case FIELD_BOOLEAN:
		return cJSON_CreateBool(*(const bool *)source);
	case FIELD_STRINGS:
		return encode_string_list(source);
	case FIELD_MAP:
		return encode_string_map(source);
	case FIELD_OBJECT:
		pointer = *(const void *const *)source;
		return pointer != NULL ? encode_record(field->record, pointer) : cJSON_CreateNull();
	case FIELD_OBJECTS:
		return encode_object_list(field->record, source);
	case FIELD_JSON:
		pointer = *(const void *const *)source;
		return pointer != NULL ? cJSON_Parse(pointer) : cJSON_CreateNull();
	}

	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *encode_record(const struct record *record, const void *data)
{
	cJSON *object = cJSON_CreateObject();
	bool complete = object != NULL;

	for (size_t i = 0; complete && i < record->count; i++) {
		const struct field *field = &record->fields[i];
		const void *source = (const char *)data + field->offset;
		if (!is_left_out(field, source))
			complete = json_add(object, field->name, encode_value(field, source));
	}

	if (complete)
		return object;
	cJSON_Delete(object);
	return NULL;
}

enum error_class record_encode(
	const struct record *record, const void *data, cJSON **ret_json, struct error *error)
{
	*ret_json = encode_record(record, data);
	return *ret_json != NULL ? ERROR_NONE : no_memory(error);
}

/* ---- writing ---- */

static void write_value(const struct field *field, const void *source, struct json_writer *writer)
{
	if (field->type == FIELD_STRING || field->type == FIELD_SCALAR) {
		json_write_text(writer, *(const char *const *)source);
	} else if (field->type == FIELD_INTEGER) {
		json_write_integer(writer, *(const int64_t *)source);
	} else if (field->type == FIELD_BOOLEAN) {
		json_write_boolean(writer, *(const bool *)source);
	} else if (field->type == FIELD_JSON) {
		json_write_json(writer, *(const char *const *)source);
	} else {
		CLEANUP_JSON cJSON *value = encode_value(field, source);
		json_write_tree(writer, value);
	}
}

enum error_class record_write(const struct record *record, const void *data,
	struct json_writer *writer, struct error *error)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		const void *source = (const char *)data + field->offset;
		if (is_left_out(field, source))
			continue;
		json_write_name(writer, field->name);
		write_value(field, source, writer);
	}
	return writer->complete ? ERROR_NONE : no_memory(error);
}

/* ---- JSON Schema ---- */

static const char *const type_names[] = {
	[FIELD_STRING] = "string",
	[FIELD_INTEGER] = "integer",
	[FIELD_BOOLEAN] = "boolean",
	[FIELD_STRINGS] = "array",
	[FIELD_MAP] = "object",
	[FIELD_OBJECT] = "object",
	[FIELD_OBJECTS] = "array",
};

static cJSON *schema_of_record(const struct record *record);

static bool add_values(cJSON *schema, const struct field *field)
{
	size_t count = 0;
	if (field->values == NULL)
		return true;
	while (field->values[count] != NULL)
		count++;
	return json_add(
		schema, "enum", encode_string_list(&(struct string_list){ field->values, count }));
}

/* The bounds under the names that JSON Schema has for them by type; no name, no bound. */
static bool add_bounds(cJSON *schema, const struct field *field)
{
	static const struct {
		const char *minimum, *maximum;
		int64_t otherwise; /* the maximum where the field states none */
	} names[] = {
		[FIELD_STRING] = { "minLength", "maxLength", FIELD_STRING_MAX },
		[FIELD_INTEGER] = { "minimum", "maximum", 0 },
		[FIELD_STRINGS] = { "minItems", "maxItems", FIELD_ITEMS_MAX },
		[FIELD_MAP] = { "minProperties", "maxProperties", FIELD_ITEMS_MAX },
		[FIELD_OBJECTS] = { "minItems", "maxItems", FIELD_ITEMS_MAX },
		[FIELD_JSON] = { NULL, NULL, 0 },
	};
	if (names[field->type].minimum == NULL)
		return true;
	int64_t maximum = field->maximum != 0 ? field->maximum : names[field->type].otherwise;
	bool bounded = field->minimum != 0 || field->maximum != 0;
	if (bounded && !json_add(schema, names[field->type].minimum, json_integer(field->minimum)))
		return false;
	return (maximum == 0 && !bounded) ||
		json_add(schema, names[field->type].maximum, json_integer(maximum));
}

/* The word for what is taken and never given back. */
static bool add_secrecy(cJSON *schema, const struct field *field)
{
	return !field->secret || json_add(schema, "writeOnly", cJSON_CreateTrue());
}

static cJSON *schema_of_item(const struct field *field)
{
	cJSON *schema = cJSON_CreateObject();
	if (schema != NULL && json_add(schema, "type", cJSON_CreateString("string")) &&
		add_values(schema, field) && add_secrecy(schema, field) &&
		(field->pattern == NULL ||
			json_add(schema, "pattern", cJSON_CreateString(field->pattern))))
		return schema;
	cJSON_Delete(schema);
	return NULL;
}

/* What a fallback is as JSON: for strings it is the text itself. */
static cJSON *fallback_value(const struct field *field)
{
	if (field->type == FIELD_STRING || field->type == FIELD_SCALAR)
		return cJSON_CreateString(field->fallback);
	return cJSON_Parse(field->fallback);
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool add_form(cJSON *schema, const struct field *field)
{
	switch (field->type) {
	case FIELD_STRING:
		return add_values(schema, field) && add_secrecy(schema, field) &&
			(field->pattern == NULL ||
				json_add(schema, "pattern", cJSON_CreateString(field->pattern)));
	case FIELD_STRINGS:
		return json_add(schema, "items", schema_of_item(field));
	case FIELD_MAP:
		return json_add(schema, "additionalProperties", schema_of_item(field));
	case FIELD_OBJECTS:
		return json_add(schema, "items", schema_of_record(field->record));
	case FIELD_INTEGER:
	case FIELD_BOOLEAN:
	case FIELD_OBJECT:
	case FIELD_SCALAR:
	case FIELD_JSON:
		return true;
	}

	return false;
}

// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *schema_of_field(const struct field *field)
{
	cJSON *schema = field->type == FIELD_OBJECT ? schema_of_record(field->record)
						    : cJSON_CreateObject();
	const char *type = field->type < ARRAY_LEN(type_names) ? type_names[field->type] : NULL;
	bool complete = schema != NULL && add_form(schema, field) && add_bounds(schema, field);

	if (complete && type != NULL && field->type != FIELD_OBJECT)
		complete = json_add(schema, "type", cJSON_CreateString(type));
	if (complete && field->description != NULL)
		complete = json_add(schema, "description", cJSON_CreateString(field->description));
	if (complete && field->fallback != NULL)
		complete = json_add(schema, "default", fallback_value(field));
	if (complete)
		return schema;
	cJSON_Delete(schema);
	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool add_properties(cJSON *schema, const struct record *record)
{
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
	cJSON *required = cJSON_AddArrayToObject(schema, "required");
	bool complete = properties != NULL && required != NULL;

	for (size_t i = 0; complete && i < record->count; i++) {
		const struct field *field = &record->fields[i];
		complete = json_add(properties, field->name, schema_of_field(field));
		if (complete && field->required)
			complete = json_append(required, cJSON_CreateString(field->name));
	}

	return complete;
}

// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *schema_of_record(const struct record *record)
{
	cJSON *schema = cJSON_CreateObject();
	if (schema != NULL && json_add(schema, "type", cJSON_CreateString("object")) &&
		add_properties(schema, record) &&
		json_add(schema, "additionalProperties", cJSON_CreateFalse()))
		return schema;
	cJSON_Delete(schema);
	return NULL;
}

enum error_class record_schema(const struct record *record, cJSON **ret_json, struct error *error)
{
	*ret_json = schema_of_record(record);
	if (*ret_json == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a schema");
	return ERROR_NONE;
}
