/*
 * Parses and resolves references. Inserted values are never searched for references: a text that a
 * client stored cannot read anything else.
 */
#include "core/reference.h"

#include <string.h>

#include "base/buffer.h"
#include "base/record.h"
#include "base/text.h"

#define ESCAPE "$${" /* stands for "${" */

static const struct {
	const char *name;
	size_t parts_least, parts_most;
} kinds[] = {
	[REFERENCE_STEP] = { "step", 2, 3 },
	[REFERENCE_CONFIG] = { "config", 1, 4 },
	[REFERENCE_ENV] = { "env", 1, 1 },
	[REFERENCE_SECRET] = { "secret", 1, 1 },
	[REFERENCE_APP] = { "app", 4, 5 },
	[REFERENCE_SEALED] = { "sealed", 0, 0 },
};

/* Does not repeat the text, which may be part of a secret. The place says where it is. */
static enum error_class malformed(struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "what follows '${' is not a reference");
	return error_remedy(error, NULL,
		"Write ${step.ID.OUTPUT}, ${config.NAME}, ${env.NAME}, ${secret.NAME} or "
		"${app.APP.WORKFLOW.STEP.OUTPUT}; for a literal '${' write $${.");
}

/* What a function made of a secret could not be redacted where the secret itself is. */
static enum error_class parse_calls(
	const char *text, size_t length, struct reference *reference, struct error *error)
{
	bool is_secret = reference->kind == REFERENCE_SECRET || reference->kind == REFERENCE_SEALED;

	if (reference_calls_parse(text, length, &reference->calls, error) != ERROR_NONE)
		return error->class;
	if (!is_secret || reference->calls.count == 0)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "no function can be applied to a secret");
	return error_remedy(error, NULL,
		"Refer to it as ${secret.NAME}, and configure the text as it is needed.");
}

/* Splits the text between ${ and } at its dots. */
static bool split_parts(const char *text, size_t length, struct reference *reference)
{
	reference->part_count = 0;
	for (const char *end = text + length; text <= end;) {
		const char *dot = memchr(text, '.', (size_t)(end - text));
		size_t part = (size_t)((dot != NULL ? dot : end) - text);
		if (part < 1 || part > REFERENCE_NAME_MAX ||
			reference->part_count == REFERENCE_PARTS_MAX)
			return false;
		memcpy(reference->parts[reference->part_count], text, part);
		reference->parts[reference->part_count++][part] = '\0';
		text += part + 1;
	}

	return reference->part_count > 0;
}

/* Parses the reference at the start of the text and returns its end. */
static enum error_class parse(
	const char *text, struct reference *reference, const char **ret_end, struct error *error)
{
	const char *end = strchr(text, '}');

	if (end == NULL)
		return malformed(error);
	*ret_end = end + 1;
	const char *inner = text + 2;
	const char *bar = memchr(inner, '|', (size_t)(end - inner));
	const char *name_end = bar != NULL ? bar : end;
	const char *dot = memchr(inner, '.', (size_t)(name_end - inner));
	for (size_t kind = 0; dot != NULL && kind < ARRAY_LEN(kinds); kind++) {
		size_t length = strlen(kinds[kind].name);
		if ((size_t)(dot - inner) != length || memcmp(kinds[kind].name, inner, length) != 0)
			continue;
		reference->kind = (enum reference_kind)kind;
		reference->text = inner;
		reference->length = (size_t)(name_end - inner);
		if (kind == REFERENCE_SEALED ||
			(split_parts(dot + 1, (size_t)(name_end - dot - 1), reference) &&
				reference->part_count >= kinds[kind].parts_least &&
				reference->part_count <= kinds[kind].parts_most))
			return parse_calls(name_end, (size_t)(end - name_end), reference, error);
	}

	return malformed(error);
}

/* The next "${" that is not escaped as "$${"; NULL: none. */
static const char *next_reference(const char *text)
{
	for (const char *found = strstr(text, "${"); found != NULL; found = strstr(found + 2, "${"))
		if (found == text || found[-1] != '$')
			return found;
	return NULL;
}

enum error_class reference_find(const char *text, struct reference *ret_reference,
	const char **ret_start, const char **ret_end, struct error *error)
{
	*ret_start = next_reference(text);
	return *ret_start != NULL ? parse(*ret_start, ret_reference, ret_end, error) : ERROR_NONE;
}

size_t reference_unescape(char *text)
{
	size_t length = strlen(text);
	for (char *found = text; (found = strstr(found, ESCAPE)) != NULL; found += 2) {
		memmove(found, found + 1, strlen(found + 1) + 1);
		length--;
	}
	return length;
}

struct resolving {
	const struct reference_source *source;
	const cJSON *whole; /* the tree */
	bool in_json;       /* the current string is JSON */
	/* The last time: each "$${" in the tree becomes "${", and values are inserted as they are.
	 * Otherwise the tree will be resolved again, so each "${" in a value becomes "$${". */
	bool unescapes;
	struct reference_budget *budget;
	struct faults *faults;
	struct error *error;
	/* The last reference that was looked up, for errors; NULL before the first. */
	const char *reference;
	int reference_length;
};

/* ---- limits of the result ---- */

static enum error_class too_large(const struct resolving *resolving, const char *what)
{
	struct error *error = resolving->error;

	if (resolving->reference == NULL)
		error_set(error, ERROR_PAYLOAD_TOO_LARGE, "the input %s", what);
	else
		error_set(error, ERROR_PAYLOAD_TOO_LARGE, "with %.*s resolved, the input %s",
			resolving->reference_length < 100 ? resolving->reference_length : 100,
			resolving->reference, what);
	return error_remedy(error, NULL,
		"Refer to less data: a value counts each time it is referred to, as if it had been "
		"sent. In a plan the inputs of all steps count together.");
}

static enum error_class too_long(const struct resolving *resolving)
{
	char what[64];
	text_format(what, sizeof(what), "is larger than %zu bytes", REFERENCE_TEXT_MAX);
	return too_large(resolving, what);
}

/* Charges a value at this depth to the budget. */
static enum error_class charge(const struct resolving *resolving, const cJSON *value, size_t depth)
{
	struct reference_budget *budget = resolving->budget;
	struct json_size size = json_measure(value);
	char what[64];

	if (size.text > budget->text)
		return too_long(resolving);
	if (size.nodes > budget->nodes) {
		text_format(what, sizeof(what), "has more than %d values", REFERENCE_NODES_MAX);
		return too_large(resolving, what);
	}

	if (depth - 1 + size.depth > REFERENCE_DEPTH_MAX) {
		text_format(what, sizeof(what), "is more than %d deep", REFERENCE_DEPTH_MAX);
		return too_large(resolving, what);
	}

	budget->text -= size.text;
	budget->nodes -= size.nodes;
	return ERROR_NONE;
}

/* The same for a value that replaces one that is already charged. */
static enum error_class charge_instead(
	const struct resolving *resolving, const cJSON *value, const cJSON *before, size_t depth)
{
	struct json_size size = json_measure(before);
	resolving->budget->text += size.text;
	resolving->budget->nodes += size.nodes;
	return charge(resolving, value, depth);
}

static enum error_class look_up(struct resolving *resolving, const char *text, const char *end,
	const struct reference *reference, cJSON **ret_value)
{
	resolving->reference = text;
	resolving->reference_length = (int)(end - text);
	enum error_class class = resolving->source->lookup(
		resolving->source->context, reference, ret_value, resolving->error);
	if (class != ERROR_NONE || *ret_value == NULL)
		return class;

	class = reference_calls_apply(&reference->calls, ret_value, resolving->error);
	if (class != ERROR_NONE) {
		cJSON_Delete(*ret_value);
		*ret_value = NULL;
	}
	return class;
}

/* ---- inserted values are never expanded again ---- */

static bool ends_with_dollar(const struct buffer *buffer)
{
	return buffer->length > 0 && buffer_text(buffer)[buffer->length - 1] == '$';
}

/* Appends a text, with each "${" escaped as "$${", also one that forms with the text before it. */
static bool append_escaped(struct buffer *buffer, const char *text, size_t length)
{
	const char *end = text + length, *found;

	if (length > 0 && text[0] == '{' && ends_with_dollar(buffer) &&
		!buffer_append_string(buffer, "$"))
		return false;
	while ((found = memmem(text, (size_t)(end - text), "${", 2)) != NULL) {
		if (!buffer_append(buffer, text, (size_t)(found - text)) ||
			!buffer_append_string(buffer, ESCAPE))
			return false;
		text = found + 2;
	}

	return buffer_append(buffer, text, (size_t)(end - text));
}

static enum error_class refuse_text(const struct resolving *resolving, const struct buffer *buffer)
{
	if (!buffer->full)
		return error_set(
			resolving->error, ERROR_OUT_OF_MEMORY, "no memory to resolve references");
	return too_long(resolving);
}

/* Escapes all strings of a value; json_parse limits the depth. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class escape_value(const struct resolving *resolving, cJSON *value)
{
	enum error_class class = ERROR_NONE;

	if (cJSON_IsString(value) && strstr(value->valuestring, "${") != NULL) {
		struct buffer buffer;
		buffer_init(&buffer, REFERENCE_TEXT_MAX);
		if (!append_escaped(&buffer, value->valuestring, strlen(value->valuestring)) ||
			cJSON_SetValuestring(value, buffer_text(&buffer)) == NULL)
			class = refuse_text(resolving, &buffer);
		buffer_release(&buffer);
	}

	for (cJSON *item = value->child; item != NULL && class == ERROR_NONE; item = item->next)
		class = escape_value(resolving, item);
	return class;
}

static bool append_text(const struct resolving *resolving, struct buffer *buffer, const char *text)
{
	return resolving->unescapes ? buffer_append_string(buffer, text)
				    : append_escaped(buffer, text, strlen(text));
}

/* A text in JSON is escaped, and stands between the quotation marks that are written around the
 * reference. */
static bool append_value(
	const struct resolving *resolving, struct buffer *buffer, const cJSON *value, bool in_json)
{
	bool is_text = cJSON_IsString(value);
	if (is_text && !in_json)
		return append_text(resolving, buffer, value->valuestring);

	char *text = cJSON_PrintUnformatted(value);
	if (text != NULL && is_text)
		text[strlen(text) - 1] = '\0';
	bool appended = text != NULL && append_text(resolving, buffer, is_text ? text + 1 : text);
	cJSON_free(text);
	return appended;
}

/* Appends the first length bytes of the text, with "$${" as "${". */
static bool append_written(
	const struct resolving *resolving, const char *text, size_t length, struct buffer *buffer)
{
	const char *end = text + length, *escape;

	if (!resolving->unescapes && length > 0 && text[0] == '{' && ends_with_dollar(buffer) &&
		!buffer_append_string(buffer, "$"))
		return false;
	while (resolving->unescapes &&
		(escape = memmem(text, (size_t)(end - text), ESCAPE, strlen(ESCAPE))) != NULL) {
		if (!buffer_append(buffer, text, (size_t)(escape - text)))
			return false;
		text = escape + 1;
	}

	return buffer_append(buffer, text, (size_t)(end - text));
}

/* Keeps a reference as it is, to be resolved later. */
static enum error_class keep_reference(
	const struct resolving *resolving, const char *text, size_t length, struct buffer *buffer)
{
	if (ends_with_dollar(buffer)) {
		error_set(resolving->error, ERROR_INVALID_INPUT,
			"a value that ends with $ is followed by a reference");
		return error_remedy(
			resolving->error, NULL, "Put another character between the two.");
	}
	return buffer_append(buffer, text, length) ? ERROR_NONE : refuse_text(resolving, buffer);
}

/* One reference inside a text: inserts its value as text, or keeps the reference for later. */
static enum error_class resolve_inside(
	struct resolving *resolving, const char **text, struct buffer *buffer)
{
	struct reference reference;
	const char *end;
	cJSON *value = NULL;

	if (parse(*text, &reference, &end, resolving->error) != ERROR_NONE ||
		look_up(resolving, *text, end, &reference, &value) != ERROR_NONE)
		return resolving->error->class;
	enum error_class class = ERROR_NONE;

	/* Without it, the text would look complete and be sent like that. */
	if (cJSON_IsNull(value))
		class = error_set(resolving->error, ERROR_INVALID_INPUT, "%.*s has no value",
			(int)(end - *text < 200 ? end - *text : 200), *text);
	else if (value == NULL)
		class = keep_reference(resolving, *text, (size_t)(end - *text), buffer);
	else if (!append_value(resolving, buffer, value,
			 resolving->in_json && reference.kind != REFERENCE_SEALED))
		class = refuse_text(resolving, buffer);
	cJSON_Delete(value);
	*text = end;
	return class;
}

static enum error_class resolve_mixed(
	struct resolving *resolving, cJSON *json, struct buffer *buffer)
{
	const char *text = json->valuestring, *found;

	while ((found = next_reference(text)) != NULL) {
		if (!append_written(resolving, text, (size_t)(found - text), buffer))
			return refuse_text(resolving, buffer);
		text = found;
		if (resolve_inside(resolving, &text, buffer) != ERROR_NONE)
			return resolving->error->class;
	}

	if (!append_written(resolving, text, strlen(text), buffer))
		return refuse_text(resolving, buffer);
	if (cJSON_SetValuestring(json, buffer_text(buffer)) == NULL)
		return error_set(
			resolving->error, ERROR_OUT_OF_MEMORY, "no memory to resolve references");
	return ERROR_NONE;
}

/* Replaces a string that is exactly one reference by the value, of any type. */
static enum error_class resolve_string(
	struct resolving *resolving, cJSON *json, cJSON **ret_replacement)
{
	const char *text = json->valuestring;
	struct reference reference;
	const char *end;

	if (!text_has_reference(text) && (!resolving->unescapes || strstr(text, ESCAPE) == NULL))
		return ERROR_NONE;
	if (next_reference(text) == text) {
		if (parse(text, &reference, &end, resolving->error) != ERROR_NONE)
			return resolving->error->class;
		if (*end == '\0')
			return look_up(resolving, text, end, &reference, ret_replacement);
	}

	struct buffer buffer;
	size_t before = strlen(text), room = resolving->budget->text + before;
	buffer_init(&buffer, room);
	enum error_class class = resolve_mixed(resolving, json, &buffer);
	if (class == ERROR_NONE)
		resolving->budget->text = room - buffer.length;
	buffer_release(&buffer);
	return class;
}

static enum error_class resolve_tree(
	struct resolving *resolving, cJSON *json, const char *place, size_t depth);

/* Replaces the child; takes ownership of the replacement. Null means absent. */
static void replace_child(cJSON *parent, cJSON *child, cJSON *replacement)
{
	if (cJSON_IsNull(replacement) && cJSON_IsObject(parent)) {
		cJSON_Delete(replacement);
		cJSON_Delete(cJSON_DetachItemViaPointer(parent, child));
		return;
	}

	/* The replacement may be a copy that still has a name of its own: it takes the child's, an
	 * item of an array none. */
	cJSON_free(replacement->string);
	replacement->string = child->string;
	child->string = NULL;
	cJSON_ReplaceItemViaPointer(parent, child, replacement);
}

/* Whether a row says that the string is JSON, by what stands beside it. */
static bool is_json_text(const struct record *record, const cJSON *parent, const cJSON *child)
{
	const struct field *field = record != NULL && child->string != NULL
		? record_field(record, child->string)
		: NULL;
	if (field == NULL || field->json_where.name == NULL)
		return false;

	const char *beside = json_member_string(parent, field->json_where.name);
	const struct field *type = record_field(record, field->json_where.name);
	if (beside == NULL && type != NULL)
		beside = type->fallback;
	size_t length = strlen(field->json_where.value);
	return beside != NULL && strncasecmp(beside, field->json_where.value, length) == 0 &&
		strchr("; ", beside[length]) != NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class resolve_child(
	struct resolving *resolving, cJSON *parent, cJSON *child, const char *place, size_t depth)
{
	cJSON *replacement = NULL;
	resolving->in_json = parent == resolving->whole &&
		is_json_text(resolving->source->record, parent, child);
	enum error_class class = cJSON_IsString(child)
		? resolve_string(resolving, child, &replacement)
		: resolve_tree(resolving, child, place, depth);

	if (class != ERROR_NONE) {
		if (resolving->error->place[0] == '\0')
			error_at(resolving->error, "%s", place);
		return faults_note(resolving->faults, resolving->error) ? ERROR_NONE : class;
	}

	if (replacement == NULL)
		return ERROR_NONE;
	if ((!resolving->unescapes && escape_value(resolving, replacement) != ERROR_NONE) ||
		charge_instead(resolving, replacement, child, depth) != ERROR_NONE) {
		cJSON_Delete(replacement);
		return error_at(resolving->error, "%s", place);
	}

	replace_child(parent, child, replacement);
	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class resolve_tree(
	struct resolving *resolving, cJSON *json, const char *place, size_t depth)
{
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return ERROR_NONE;
	size_t index = 0;
	for (cJSON *child = json->child, *next; child != NULL; child = next) {
		char child_place[JSON_POINTER_SIZE];
		next = child->next;
		json_pointer_child(child_place, place, child, index++);
		if (resolve_child(resolving, json, child, child_place, depth + 1) != ERROR_NONE)
			return resolving->error->class;
	}

	return ERROR_NONE;
}

static enum error_class resolve_whole(struct resolving *resolving, cJSON *json, const char *place)
{
	if (charge(resolving, json, 1) != ERROR_NONE)
		return error_at(resolving->error, "%s", place);
	return resolve_tree(resolving, json, place, 1);
}

enum error_class references_resolve(cJSON *json, const char *place,
	const struct reference_source *source, struct reference_budget *budget,
	struct faults *faults, struct error *error)
{
	struct reference_budget own = REFERENCE_BUDGET;
	struct resolving resolving = { .source = source,
		.whole = json,
		.budget = budget != NULL ? budget : &own,
		.faults = faults,
		.error = error };
	return resolve_whole(&resolving, json, place);
}

enum error_class references_visit_text(const char *text, const char *place, reference_visit *visit,
	void *context, struct faults *faults, struct error *error)
{
	while ((text = next_reference(text)) != NULL) {
		struct reference reference;
		if (parse(text, &reference, &text, error) != ERROR_NONE ||
			visit(context, &reference, error) != ERROR_NONE) {
			error_at(error, "%s", place);
			return faults_note(faults, error) ? ERROR_NONE : error->class;
		}
	}

	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
enum error_class references_visit(const cJSON *json, const char *place, reference_visit *visit,
	void *context, struct faults *faults, struct error *error)
{
	if (cJSON_IsString(json))
		return references_visit_text(
			json->valuestring, place, visit, context, faults, error);
	size_t index = 0;
	const cJSON *child;
	cJSON_ArrayForEach (child, json) {
		char child_place[JSON_POINTER_SIZE];
		json_pointer_child(child_place, place, child, index++);
		if (references_visit(child, child_place, visit, context, faults, error) !=
			ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

enum error_class references_put(
	cJSON *json, const char *place, const struct reference_source *source, struct error *error)
{
	struct reference_budget budget = REFERENCE_BUDGET;
	struct resolving resolving = { .source = source,
		.whole = json,
		.unescapes = true,
		.budget = &budget,
		.error = error };
	return resolve_whole(&resolving, json, place);
}
