/*
 * Checks that an input refers to secrets only in secret fields, and seals clear text in these
 * fields.
 */
#include "core/secret_input.h"

#include <string.h>

#include "base/buffer.h"
#include "base/record.h"
#include "base/text.h"
#include "core/reference.h"
#include "core/secret.h"

#define SEALED_MAX ((size_t)256 << 10) /* maximum size of one text with its clear parts sealed */

/* ---- where secrets are allowed ---- */

static enum error_class refuse_secret(
	void *context, const struct reference *reference, struct error *error)
{
	(void)context;

	if (reference->kind != REFERENCE_SECRET && reference->kind != REFERENCE_SEALED)
		return ERROR_NONE;
	if (reference->kind == REFERENCE_SECRET)
		error_set(error, ERROR_INVALID_INPUT,
			"the secret '%s' is not allowed here: this field is not secret",
			reference->parts[0]);
	else
		error_set(error, ERROR_INVALID_INPUT,
			"a sealed text is not allowed here: this field is not secret");
	return error_remedy(error, NULL,
		"Use a field that is writeOnly in the input's schema (GET /api/workflows), or "
		"write the value here if it is not a secret.");
}

static enum error_class check_value(
	void *context, const struct record_value *value, struct error *error)
{
	if (value->field != NULL && value->field->secret)
		return ERROR_NONE;
	return references_visit(value->json, value->place, refuse_secret, NULL, context, error);
}

enum error_class secret_input_check(const struct record *record, const cJSON *input,
	const char *place, struct faults *faults, struct error *error)
{
	return record_visit_values(record, input, place, check_value, faults, error);
}

/* The depth is that of the nested tables. */
// NOLINTNEXTLINE(misc-no-recursion)
enum error_class secret_record_check(const struct record *record, struct error *error)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		bool has_text = field->type == FIELD_STRING || field->type == FIELD_STRINGS ||
			field->type == FIELD_MAP;
		if (field->secret && (!has_text || field->fallback != NULL))
			return error_set(error, ERROR_INVALID_INPUT,
				"the field '%s' cannot be secret: only texts without a fallback "
				"can",
				field->name);
		if (field->record != NULL &&
			secret_record_check(field->record, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool has_secrets(const struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].secret ||
			(record->fields[i].record != NULL && has_secrets(record->fields[i].record)))
			return true;
	return false;
}

/* Whether a sibling says that the value is not a secret. */
static bool is_clear(const struct record_value *value)
{
	const struct string_pair *where = &value->field->clear_where;
	const char *beside =
		where->name != NULL ? json_member_string(value->object, where->name) : NULL;
	return beside != NULL && strcmp(beside, where->value) == 0;
}

static enum error_class look_for_secret(
	void *context, const struct record_value *value, struct error *error)
{
	bool *has = context;
	(void)error;
	*has = *has ||
		(value->field != NULL && value->field->secret && !cJSON_IsNull(value->json) &&
			!is_clear(value));
	return ERROR_NONE;
}

bool secret_input_has(const struct record *record, const cJSON *input)
{
	bool has = false;
	struct error unused = { .class = ERROR_NONE };
	return record_visit_values(record, input, "", look_for_secret, &has, &unused) !=
		ERROR_NONE ||
		has;
}

/* ---- what could be a misplaced secret ---- */

static bool is_one_reference(const char *text)
{
	struct error ignored;
	struct reference reference;
	const char *start = NULL, *end;
	return reference_find(text, &reference, &start, &end, &ignored) == ERROR_NONE &&
		start == text && *end == '\0' && !reference_calls_write(&reference.calls);
}

static enum error_class refuse_stray(
	void *context, const struct record_value *value, struct error *error)
{
	(void)context;
	if (value->field != NULL || cJSON_IsNull(value->json))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "there is no such member");
	return error_at(error, "%s", value->place);
}

enum error_class secret_input_check_members(
	const struct record *record, const cJSON *input, const char *place, struct error *error)
{
	if (!has_secrets(record) || cJSON_IsNull(input))
		return ERROR_NONE;
	if (cJSON_IsObject(input))
		return record_visit_values(record, input, place, refuse_stray, NULL, error);
	error_set(error, ERROR_INVALID_INPUT, "it must be an object");
	return error_at(error, "%s", place);
}

/* ---- sealing ---- */

/* A string in the tree that is already sealed. */
struct sealed_text {
	const cJSON *json;
	struct sealed_text *next;
};

struct sealer {
	struct secret_sealing *sealing;
	struct buffer text; /* the current string */
	size_t count;       /* of its sealed parts */
};

static bool is_done(const struct secret_sealing *sealing, const cJSON *json)
{
	for (const struct sealed_text *sealed = sealing->sealed; sealed != NULL;
		sealed = sealed->next)
		if (sealed->json == json)
			return true;
	return false;
}

static enum error_class too_long(const struct buffer *buffer, struct error *error)
{
	if (!buffer->full)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to seal an input");
	return error_set(error, ERROR_INVALID_INPUT, "the text is too long to be sealed");
}

/* Seals a part of a text that is not a reference. A part longer than
 * the maximum becomes several. */
static enum error_class seal_part(
	struct sealer *sealer, const char *part, size_t length, struct error *error)
{
	const struct secret_sealing *sealing = sealer->sealing;

	while (length > 0) {
		size_t size = length < SECRET_LENGTH_MAX ? length : SECRET_LENGTH_MAX;
		const char *copy = arena_copy(sealing->arena, part, size), *sealed;
		if (copy == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to seal an input");
		if (secret_seal_input(sealing->public_key, &sealing->app, copy, sealing->arena,
			    &sealed, error) != ERROR_NONE)
			return error->class;
		if (!buffer_append_string(&sealer->text, "${") ||
			!buffer_append_string(&sealer->text, sealed) ||
			!buffer_append_string(&sealer->text, "}"))
			return too_long(&sealer->text, error);
		sealer->count++;
		part += size;
		length -= size;
	}

	return ERROR_NONE;
}

/* The same for a part in which "$${" stands for "${". */
static enum error_class seal_written(
	struct sealer *sealer, const char *part, size_t length, struct error *error)
{
	char *plain = arena_copy(sealer->sealing->arena, part, length);
	if (plain == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to seal an input");
	return seal_part(sealer, plain, reference_unescape(plain), error);
}

/* What a default writes into a secret field would be stored in clear with the input. */
static enum error_class refuse_clear_default(const struct reference *reference, struct error *error)
{
	if (!reference_calls_write(&reference->calls))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "a default in a secret field would not be secret");
	return error_remedy(error, NULL,
		"Write the text itself, which is sealed, or refer to a secret as ${secret.NAME}.");
}

/* Whether the text is kept as it is. What looks like a sealed text was written by a client, so it
 * is clear text. */
static enum error_class is_kept(const char *text, bool *ret_kept, struct error *error)
{
	const char *rest = text, *start, *end = text;
	struct reference reference;
	bool whole = false, named = false, forged = false;

	do {
		if (reference_find(rest, &reference, &start, &end, error) != ERROR_NONE)
			return error->class;
		if (start == NULL)
			break;
		if (refuse_clear_default(&reference, error) != ERROR_NONE)
			return error->class;
		whole = whole || (start == text && *end == '\0');
		named = named || reference.kind == REFERENCE_SECRET;
		forged = forged || reference.kind == REFERENCE_SEALED;
		rest = end;
	} while (*rest != '\0');
	*ret_kept = text[0] == '\0' || (!forged && (whole || named));
	return ERROR_NONE;
}

/* Writes the text into the sealer's buffer, with everything except the references sealed. */
static enum error_class seal_around(struct sealer *sealer, const char *text, struct error *error)
{
	const char *clear = text, *rest = text, *start, *end;
	struct reference reference;

	for (;;) {
		if (reference_find(rest, &reference, &start, &end, error) != ERROR_NONE)
			return error->class;
		if (start == NULL)
			return seal_written(sealer, clear, strlen(clear), error);
		rest = end;
		if (reference.kind == REFERENCE_SEALED)
			continue;
		if (seal_written(sealer, clear, (size_t)(start - clear), error) != ERROR_NONE)
			return error->class;
		if (!buffer_append(&sealer->text, start, (size_t)(end - start)))
			return too_long(&sealer->text, error);
		clear = end;
	}
}

/* Replaces the clear text by the sealed one. */
static enum error_class put_sealed(struct sealer *sealer, cJSON *json, struct error *error)
{
	struct secret_sealing *sealing = sealer->sealing;
	struct sealed_text *sealed = arena_allocate(sealing->arena, sizeof(*sealed));
	if (sealed == NULL || cJSON_SetValuestring(json, buffer_text(&sealer->text)) == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to seal an input");
	*sealed = (struct sealed_text){ json, sealing->sealed };
	sealing->sealed = sealed;
	sealing->count++;
	return ERROR_NONE;
}

static enum error_class seal_string(struct sealer *sealer, cJSON *json, struct error *error)
{
	bool kept;

	if (is_done(sealer->sealing, json))
		return ERROR_NONE;
	if (is_kept(json->valuestring, &kept, error) != ERROR_NONE)
		return error->class;
	if (kept)
		return ERROR_NONE;
	buffer_init(&sealer->text, SEALED_MAX);
	sealer->count = 0;
	enum error_class class = seal_around(sealer, json->valuestring, error);
	if (class == ERROR_NONE && sealer->count > 0)
		class = put_sealed(sealer, json, error);
	buffer_release(&sealer->text);
	return class;
}

static enum error_class seal_value(
	void *context, const struct record_value *value, struct error *error)
{
	struct sealer *sealer = context;
	const struct field *field = value->field;
	bool holds_secrets = field != NULL &&
		(field->secret || (field->record != NULL && has_secrets(field->record)));

	if (!holds_secrets || cJSON_IsNull(value->json) || is_clear(value))
		return ERROR_NONE;

	/* If a list or an object is expected, a string must be exactly one reference. */
	if (!cJSON_IsString(value->json) ||
		(!field->secret && !is_one_reference(value->json->valuestring))) {
		error_set(error, ERROR_INVALID_INPUT, "it must be a %s",
			field->secret ? "string" : "list or an object");
		return error_at(error, "%s", value->place);
	}

	if (!field->secret || seal_string(sealer, value->json, error) == ERROR_NONE)
		return ERROR_NONE;
	return error_at(error, "%s", value->place);
}

enum error_class secret_input_seal(struct secret_sealing *sealing, const struct record *record,
	cJSON *input, const char *place, struct error *error)
{
	struct sealer sealer = { .sealing = sealing };
	return has_secrets(record)
		? record_visit_values(record, input, place, seal_value, &sealer, error)
		: ERROR_NONE;
}

/* ---- showing ---- */

static enum error_class note_sealed(
	void *context, const struct reference *reference, struct error *error)
{
	bool *sealed = context;
	(void)error;
	*sealed = *sealed || reference->kind == REFERENCE_SEALED;
	return ERROR_NONE;
}

/* References other than ours may be malformed: a client configured them. */
static bool is_sealed(const cJSON *json)
{
	struct error ignored;
	bool sealed = false;
	enum error_class class = references_visit(json, "", note_sealed, &sealed, NULL, &ignored);
	return sealed || (class != ERROR_NONE && strstr(json->valuestring, "${sealed.") != NULL);
}

/* json_parse limits the depth. */
// NOLINTNEXTLINE(misc-no-recursion)
enum error_class secret_input_hide(
	cJSON *inputs, const char *place, cJSON *places, struct error *error)
{
	size_t index = 0;

	for (cJSON *child = inputs->child, *next; child != NULL; child = next) {
		char below[JSON_POINTER_SIZE];
		next = child->next;
		json_pointer_child(below, place, child, index++);
		if (!cJSON_IsString(child)) {
			if (secret_input_hide(child, below, places, error) != ERROR_NONE)
				return error->class;
			continue;
		}
		if (!is_sealed(child))
			continue;
		if (!json_append(places, cJSON_CreateString(below)))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
		if (cJSON_IsObject(inputs))
			cJSON_Delete(cJSON_DetachItemViaPointer(inputs, child));
		else
			cJSON_ReplaceItemViaPointer(inputs, child, cJSON_CreateNull());
	}

	return ERROR_NONE;
}

/* The references beside the sealed parts of a text, as they are written. NULL: memory is short. */
static cJSON *references_beside(const char *text)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	struct error malformed;
	struct reference reference;
	const char *rest = text, *start, *end;

	while (reference_find(rest, &reference, &start, &end, &malformed) == ERROR_NONE &&
		start != NULL) {
		rest = end;
		if (reference.kind == REFERENCE_SEALED)
			continue;
		const char *copy = arena_copy(&arena, start, (size_t)(end - start));
		if (copy == NULL || !json_append(list, cJSON_CreateString(copy)))
			return NULL;
	}
	return json_take(&list);
}

static bool add_beside(const cJSON *text, const char *place, cJSON *list)
{
	CLEANUP_JSON cJSON *beside = references_beside(text->valuestring);
	CLEANUP_JSON cJSON *entry = cJSON_CreateObject();

	if (beside != NULL && cJSON_GetArraySize(beside) == 0)
		return true;
	return entry != NULL && json_add(entry, "place", cJSON_CreateString(place)) &&
		json_add(entry, "references", json_take(&beside)) &&
		json_append(list, json_take(&entry));
}

/* json_parse limits the depth. */
// NOLINTNEXTLINE(misc-no-recursion)
enum error_class secret_input_references(
	const cJSON *inputs, const char *place, cJSON *list, struct error *error)
{
	const cJSON *child;
	size_t index = 0;

	cJSON_ArrayForEach (child, inputs) {
		char below[JSON_POINTER_SIZE];
		json_pointer_child(below, place, child, index++);
		if (cJSON_IsString(child) && is_sealed(child) && !add_beside(child, below, list))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
		if (secret_input_references(child, below, list, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
