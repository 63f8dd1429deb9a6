/*
 * Decodes JSON into a struct by its table. Each error names the JSON pointer of the member, so that
 * a client can lead a person to it.
 */
#include <math.h>
#include <regex.h>
#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "base/unknown.h"

struct decoding {
	enum record_mode mode;
	struct arena *arena;
	struct faults *faults; /* NULL: the first fault ends it */
	struct error *error;
};

/* Where a value is; as a JSON pointer only where it is refused, for most are not. */
struct place {
	const char *root; /* of the outermost: its pointer */
	const struct place *parent;
	const char *member; /* NULL: it is an item */
	size_t item;
};

struct value {
	const struct field *field;
	const cJSON *json;
	const struct place *place;
	void *target;
};

// NOLINTNEXTLINE(misc-no-recursion)
static void print_place(const struct place *place, char pointer[JSON_POINTER_SIZE])
{
	char number[INTEGER_TEXT_SIZE];

	if (place->parent == NULL) {
		text_copy(pointer, JSON_POINTER_SIZE, place->root);
		return;
	}

	print_place(place->parent, pointer);
	json_pointer_append(pointer, JSON_POINTER_SIZE,
		place->member != NULL ? place->member
				      : text_of_integer(number, (int64_t)place->item));
}

static enum error_class refuse_as(struct decoding *decoding, enum error_class class,
	const struct place *place, const char *what)
{
	char pointer[JSON_POINTER_SIZE];

	print_place(place, pointer);
	error_set(decoding->error, class, "%s", what);
	return error_at(decoding->error, "%s", pointer);
}

static enum error_class refuse(
	struct decoding *decoding, const struct value *value, const char *what)
{
	return refuse_as(decoding, ERROR_INVALID_INPUT, value->place, what);
}

/* After an error: whether the next member is looked at all the same. */
static bool goes_on(const struct decoding *decoding)
{
	return faults_note(decoding->faults, decoding->error);
}

static enum error_class no_memory(struct decoding *decoding)
{
	return error_set(decoding->error, ERROR_OUT_OF_MEMORY, "no memory to decode the input");
}

static enum error_class check_length(
	struct decoding *decoding, const struct value *value, size_t length)
{
	const struct field *field = value->field;
	char what[96];
	int64_t maximum = field->maximum != 0 ? field->maximum : FIELD_STRING_MAX;

	/* What others have written is as long as they like; the size of its body bounds what a
	 * provider sends. */
	if (decoding->mode == RECORD_LENIENT && field->maximum == 0)
		maximum = INT64_MAX;
	if ((int64_t)length > maximum) {
		text_format(what, sizeof(what), "it has %zu bytes; at most %lld are allowed",
			length, (long long)maximum);
		return refuse(decoding, value, what);
	}

	if ((int64_t)length < field->minimum) {
		text_format(what, sizeof(what), "it has %zu bytes; at least %lld are needed",
			length, (long long)field->minimum);
		return refuse(decoding, value, what);
	}

	return ERROR_NONE;
}

static enum error_class check_pattern(
	struct decoding *decoding, const struct value *value, const char *text)
{
	if (value->field->pattern == NULL)
		return ERROR_NONE;
	regex_t pattern;
	if (regcomp(&pattern, value->field->pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return no_memory(decoding);
	int result = regexec(&pattern, text, 0, NULL, 0);
	regfree(&pattern);
	if (result == 0)
		return ERROR_NONE;
	if (result != REG_NOMATCH)
		return no_memory(decoding);
	char what[256];
	if (value->field->form != NULL)
		text_format(what, sizeof(what), "it must be %s", value->field->form);
	else
		text_format(
			what, sizeof(what), "it does not have the form %s", value->field->pattern);
	return refuse(decoding, value, what);
}

static enum error_class check_values(
	struct decoding *decoding, const struct value *value, const char *text)
{
	if (value->field->values == NULL)
		return ERROR_NONE;
	char what[256] = "it must be one of";
	for (const char *const *allowed = value->field->values; *allowed != NULL; allowed++) {
		if (strcmp(*allowed, text) == 0)
			return ERROR_NONE;
		size_t length = strlen(what);
		text_format(what + length, sizeof(what) - length, "%s %s",
			allowed == value->field->values ? "" : ",", *allowed);
	}

	return refuse(decoding, value, what);
}

/* In a plan, a value that an earlier step has yet to give. */
static bool is_unknown(const struct decoding *decoding, const cJSON *json)
{
	struct unknown ignored;
	return decoding->mode == RECORD_PLANNED && cJSON_IsString(json) &&
		unknown_find(json->valuestring, &ignored);
}

/* Whether a text may wait for its check until its references are put in. */
static bool is_deferred(const struct decoding *decoding, const cJSON *json)
{
	if (is_unknown(decoding, json))
		return true;
	return (decoding->mode == RECORD_REFERENCES || decoding->mode == RECORD_TEMPLATE) &&
		cJSON_IsString(json) && text_has_reference(json->valuestring);
}

/* One string, with the checks that its field asks for, into the arena. */
static enum error_class decode_text(
	struct decoding *decoding, const struct value *value, const char **ret_text, bool bounded)
{
	if (!cJSON_IsString(value->json))
		return refuse(decoding, value, "it must be a string");
	const char *text = value->json->valuestring;
	*ret_text = arena_string(decoding->arena, text);
	if (*ret_text == NULL)
		return no_memory(decoding);
	if (is_deferred(decoding, value->json))
		return ERROR_NONE;
	if (bounded && check_length(decoding, value, strlen(text)) != ERROR_NONE)
		return decoding->error->class;
	if (check_values(decoding, value, text) != ERROR_NONE)
		return decoding->error->class;
	return check_pattern(decoding, value, text);
}

static enum error_class decode_string(struct decoding *decoding, const struct value *value)
{
	return decode_text(decoding, value, value->target, true);
}

static enum error_class decode_integer(struct decoding *decoding, const struct value *value)
{
	const struct field *field = value->field;

	if (!cJSON_IsNumber(value->json))
		return refuse(decoding, value, "it must be an integer");
	double number = value->json->valuedouble;
	if (!(fabs(number) <= (double)JSON_INTEGER_MAX) || number != floor(number))
		return refuse(decoding, value, "it must be an integer within 2^53");
	int64_t integer = (int64_t)number;
	bool bounded = field->minimum != 0 || field->maximum != 0;
	if (bounded && (integer < field->minimum || integer > field->maximum)) {
		char what[96];
		text_format(what, sizeof(what), "it must be from %lld to %lld",
			(long long)field->minimum, (long long)field->maximum);
		return refuse(decoding, value, what);
	}

	*(int64_t *)value->target = integer;
	return ERROR_NONE;
}

static enum error_class decode_boolean(struct decoding *decoding, const struct value *value)
{
	if (!cJSON_IsBool(value->json))
		return refuse(decoding, value, "it must be true or false");
	*(bool *)value->target = cJSON_IsTrue(value->json);
	return ERROR_NONE;
}

static enum error_class decode_scalar(struct decoding *decoding, const struct value *value)
{
	const char **target = value->target;
	if (cJSON_IsString(value->json))
		return decode_text(decoding, value, target, true);
	if (cJSON_IsObject(value->json) || cJSON_IsArray(value->json))
		return refuse(decoding, value, "it must be a string, a number or a boolean");
	*target = json_print(decoding->arena, value->json);
	return *target != NULL ? ERROR_NONE : no_memory(decoding);
}

static enum error_class decode_json(struct decoding *decoding, const struct value *value)
{
	const char **target = value->target;
	*target = json_print(decoding->arena, value->json);
	return *target != NULL ? ERROR_NONE : no_memory(decoding);
}

/* Checks the number of items (or members) and gives it. */
static enum error_class check_count(
	struct decoding *decoding, const struct value *value, size_t *ret_count)
{
	const struct field *field = value->field;
	size_t count = (size_t)cJSON_GetArraySize(value->json);
	int64_t maximum = field->maximum != 0 ? field->maximum : FIELD_ITEMS_MAX;

	/* What a provider answers is bounded by the size of its body. */
	if (decoding->mode == RECORD_LENIENT)
		maximum = INT64_MAX;
	if ((int64_t)count > maximum || (int64_t)count < field->minimum) {
		char what[96];
		text_format(what, sizeof(what), "it has %zu items; from %lld to %lld are allowed",
			count, (long long)field->minimum, (long long)maximum);
		return refuse(decoding, value, what);
	}

	*ret_count = count;
	return ERROR_NONE;
}

static enum error_class decode_strings(struct decoding *decoding, const struct value *value)
{
	if (!cJSON_IsArray(value->json))
		return refuse(decoding, value, "it must be an array of strings");
	size_t count, next = 0;
	if (check_count(decoding, value, &count) != ERROR_NONE)
		return decoding->error->class;
	const char **items = arena_allocate_array(decoding->arena, count, sizeof(const char *));
	if (items == NULL)
		return no_memory(decoding);
	const cJSON *item;
	cJSON_ArrayForEach (item, value->json) {
		const struct place place = { .parent = value->place, .item = next };
		struct value element = { value->field, item, &place, NULL };
		if (decode_text(decoding, &element, &items[next++], false) != ERROR_NONE &&
			!goes_on(decoding))
			return decoding->error->class;
	}

	*(struct string_list *)value->target = (struct string_list){ items, count };
	return ERROR_NONE;
}

static enum error_class decode_map(struct decoding *decoding, const struct value *value)
{
	if (!cJSON_IsObject(value->json))
		return refuse(decoding, value, "it must be an object of strings");
	size_t count, next = 0;
	if (check_count(decoding, value, &count) != ERROR_NONE)
		return decoding->error->class;
	struct string_pair *items =
		arena_allocate_array(decoding->arena, count, sizeof(struct string_pair));
	if (items == NULL)
		return no_memory(decoding);
	const cJSON *member;
	cJSON_ArrayForEach (member, value->json) {
		const struct place place = { .parent = value->place, .member = member->string };
		struct value element = { value->field, member, &place, NULL };
		struct string_pair *pair = &items[next++];
		pair->name = arena_string(decoding->arena, member->string);
		if (pair->name == NULL)
			return no_memory(decoding);
		if (decode_text(decoding, &element, &pair->value, false) != ERROR_NONE &&
			!goes_on(decoding))
			return decoding->error->class;
	}

	*(struct string_map *)value->target = (struct string_map){ items, count };
	return ERROR_NONE;
}

static enum error_class decode_record(struct decoding *decoding, const struct record *record,
	const cJSON *json, const struct place *place, void *target);

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class decode_object(struct decoding *decoding, const struct value *value)
{
	void *object = arena_allocate(decoding->arena, value->field->record->size);
	if (object == NULL)
		return no_memory(decoding);
	*(const void **)value->target = object;
	return decode_record(decoding, value->field->record, value->json, value->place, object);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class decode_objects(struct decoding *decoding, const struct value *value)
{
	const struct record *record = value->field->record;

	if (!cJSON_IsArray(value->json))
		return refuse(decoding, value, "it must be an array of objects");
	size_t count, next = 0;
	if (check_count(decoding, value, &count) != ERROR_NONE)
		return decoding->error->class;
	char *items = arena_allocate_array(decoding->arena, count, record->size);
	if (items == NULL)
		return no_memory(decoding);
	const cJSON *item;
	cJSON_ArrayForEach (item, value->json) {
		const struct place place = { .parent = value->place, .item = next };
		if (decode_record(decoding, record, item, &place, items + next++ * record->size) !=
				ERROR_NONE &&
			!goes_on(decoding))
			return decoding->error->class;
	}

	*(struct object_list *)value->target = (struct object_list){ items, count };
	return ERROR_NONE;
}

static enum error_class (*const decoders[])(
	struct decoding *decoding, const struct value *value) = {
	[FIELD_STRING] = decode_string,
	[FIELD_INTEGER] = decode_integer,
	[FIELD_BOOLEAN] = decode_boolean,
	[FIELD_STRINGS] = decode_strings,
	[FIELD_MAP] = decode_map,
	[FIELD_OBJECT] = decode_object,
	[FIELD_OBJECTS] = decode_objects,
	[FIELD_SCALAR] = decode_scalar,
	[FIELD_JSON] = decode_json,
};

/* The fallback is the author's own text, so only its form decides; it goes through no check. */
static enum error_class take_fallback(struct decoding *decoding, const struct value *value)
{
	const struct field *field = value->field;

	if (field->type == FIELD_STRING || field->type == FIELD_SCALAR) {
		*(const char **)value->target = field->fallback;
		return ERROR_NONE;
	}

	cJSON *json = cJSON_Parse(field->fallback);
	if (json == NULL)
		return no_memory(decoding);
	struct value fallback = { field, json, value->place, value->target };
	enum error_class class = decoders[field->type](decoding, &fallback);
	cJSON_Delete(json);
	return class;
}

static enum error_class refuse_unknown(struct decoding *decoding, const struct place *place)
{
	return refuse_as(decoding, ERROR_NEEDS_NOT_DONE, place, "it is not known yet");
}

/* Of a list nobody knows even how long it is, and a boolean has no third value. */
static enum error_class take_unknown(struct decoding *decoding, const struct value *value)
{
	if (value->field->type != FIELD_INTEGER)
		return refuse_unknown(decoding, value->place);
	*(int64_t *)value->target = UNKNOWN_INTEGER;
	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class decode_field(struct decoding *decoding, const struct value *value)
{
	const struct field *field = value->field;

	if (value->json == NULL || cJSON_IsNull(value->json)) {
		if (field->required)
			return refuse(decoding, value, "it is missing");
		return field->fallback != NULL ? take_fallback(decoding, value) : ERROR_NONE;
	}

	bool scalar = field->type == FIELD_INTEGER || field->type == FIELD_BOOLEAN;
	bool is_text = field->type == FIELD_STRING || field->type == FIELD_SCALAR ||
		field->type == FIELD_JSON;
	if (!is_text && is_unknown(decoding, value->json))
		return take_unknown(decoding, value);
	if ((scalar || decoding->mode == RECORD_TEMPLATE) && is_deferred(decoding, value->json))
		return ERROR_NONE;
	return decoders[field->type](decoding, value);
}

static enum error_class check_unknown(struct decoding *decoding, const struct record *record,
	const cJSON *json, const struct place *place)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json) {
		if (record_field(record, member->string) != NULL)
			continue;
		const struct place member_place = { .parent = place, .member = member->string };
		struct value value = { NULL, member, &member_place, NULL };
		if (refuse(decoding, &value, "there is no such member") != ERROR_NONE &&
			!goes_on(decoding))
			return decoding->error->class;
	}

	return ERROR_NONE;
}

/* The member of this name. next is the one that is expected: who writes by the same table writes in
 * its order. */
static const cJSON *take_member(const cJSON *json, const cJSON **next, const char *name)
{
	const cJSON *member = *next;

	if (member == NULL || strcmp(member->string, name) != 0)
		return json_member(json, name);
	*next = member->next;
	return member;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class decode_record(struct decoding *decoding, const struct record *record,
	const cJSON *json, const struct place *place, void *target)
{
	memset(target, 0, record->size);
	struct value whole = { NULL, json, place, target };
	if (decoding->mode == RECORD_TEMPLATE && is_deferred(decoding, json))
		return ERROR_NONE;
	if (is_unknown(decoding, json))
		return refuse_unknown(decoding, place);
	if (!cJSON_IsObject(json))
		return refuse(decoding, &whole, "it must be an object");
	if (decoding->mode != RECORD_LENIENT &&
		check_unknown(decoding, record, json, place) != ERROR_NONE)
		return decoding->error->class;
	const cJSON *next = json->child;
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		const struct place field_place = { .parent = place, .member = field->name };
		struct value value = { field, take_member(json, &next, field->name), &field_place,
			(char *)target + field->offset };
		if (decode_field(decoding, &value) != ERROR_NONE && !goes_on(decoding))
			return decoding->error->class;
	}

	return ERROR_NONE;
}

enum error_class record_decode(const struct record *record, const cJSON *json,
	enum record_mode mode, const char *place, struct arena *arena, void *ret_struct,
	struct error *error)
{
	struct decoding decoding = { mode, arena, NULL, error };
	const struct place root = { .root = place };
	return decode_record(&decoding, record, json, &root, ret_struct);
}

enum error_class record_check(const struct record *record, const cJSON *json, enum record_mode mode,
	const char *place, struct arena *arena, void *ret_struct, struct faults *faults,
	struct error *error)
{
	struct decoding decoding = { mode, arena, faults, error };
	const struct place root = { .root = place };
	enum error_class class = decode_record(&decoding, record, json, &root, ret_struct);
	return class != ERROR_NONE && !goes_on(&decoding) ? class : ERROR_NONE;
}
