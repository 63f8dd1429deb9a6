/*
 * Builds a JSON tree from the events of libyaml, and remembers where each value stands. Nothing is
 * expanded, so a small file cannot become a large tree. The only door to libyaml.
 */
#include "cli/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "cli/input_file.h"
#include "cli/yaml_plain.h"
#include "slipway/field.h"

struct mark {
	const cJSON *json;
	size_t line, column; /* from 1 */
};

struct reader {
	yaml_parser_t parser;
	struct yaml_document *document;
	const char *text;
	size_t length;
	size_t nodes;
	bool json;    /* the text is JSON: of its numbers there is one reading only */
	bool misread; /* a value is missing, which JSON cannot be: libyaml is at fault */
	struct error *error;
};

#define TOO_DEEP         "it is nested deeper than %d levels", YAML_DEPTH_MAX
#define TOO_MANY_VALUES  "there are more than %d values: use several files", YAML_NODES_MAX
#define TOO_MANY_MEMBERS "a map has more than %d members", YAML_MEMBERS_MAX

#define NUMBER_SIZE 64 /* of a number as it is printed */

/* On a local: releases the event, which may be a zeroed one, at the end of the block. */
#define CLEANUP_EVENT CLEANUP(yaml_event_delete)

/* ---- errors ---- */

static enum error_class fail_at(struct reader *reader, size_t line, size_t column,
	const char *format, ...) SLIPWAY_FORMAT(4, 5);
static enum error_class fail_at(
	struct reader *reader, size_t line, size_t column, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	text_format_list(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(reader->error, ERROR_INVALID_INPUT, "%s:%zu:%zu: %s",
		reader->document->name, line, column, text);
}

#define FAIL_AT(reader, mark, ...)                                                                 \
	fail_at((reader), (mark)->line + 1, (mark)->column + 1, __VA_ARGS__)

static enum error_class no_memory(struct reader *reader)
{
	return error_set(
		reader->error, ERROR_OUT_OF_MEMORY, "no memory for %s", reader->document->name);
}

/* Whether a tab stands before the first character of the line. */
static bool has_tab_before(const struct reader *reader, size_t line)
{
	const char *next = reader->text;

	for (size_t i = 0; i < line && next != NULL; i++) {
		next = strchr(next, '\n');
		next = next != NULL ? next + 1 : NULL;
	}
	return next != NULL && next[strspn(next, " ")] == '\t';
}

static enum error_class fail_bytes(struct reader *reader)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < reader->parser.problem_offset && i < reader->length; i++) {
		column = reader->text[i] == '\n' ? 1 : column + 1;
		line += reader->text[i] == '\n' ? 1 : 0;
	}
	return fail_at(reader, line, column,
		"a character may not stand there (%s): write it in UTF-8, control characters as "
		"\"\\x1b\" in quotation marks",
		reader->parser.problem);
}

/* What libyaml has found. */
static enum error_class fail_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const yaml_mark_t *mark = &parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return no_memory(reader);
	if (parser->error == YAML_READER_ERROR)
		return fail_bytes(reader);
	if (has_tab_before(reader, mark->line))
		return FAIL_AT(reader, mark, "a tab may not indent: write spaces");
	return FAIL_AT(reader, mark,
		"it is not valid YAML: %s%s%s; write 'name: value' on lines of their own, indented "
		"by "
		"spaces, and texts with special characters in quotation marks",
		parser->problem, parser->context != NULL ? " " : "",
		parser->context != NULL ? parser->context : "");
}

/* ---- events ---- */

static enum error_class read_event(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->parser, event) == 1 ? ERROR_NONE : fail_syntax(reader);
}

/* Remembers where the value stands. */
static enum error_class remember(struct reader *reader, const cJSON *json, const yaml_mark_t *start)
{
	const struct mark mark = { json, start->line + 1, start->column + 1 };

	if (++reader->nodes > YAML_NODES_MAX)
		return FAIL_AT(reader, start, TOO_MANY_VALUES);
	return buffer_append(&reader->document->marks, (const char *)&mark, sizeof(mark))
		? ERROR_NONE
		: no_memory(reader);
}

static enum error_class check_plain(
	struct reader *reader, const yaml_event_t *event, const void *anchor, const void *tag)
{
	if (anchor != NULL)
		return FAIL_AT(reader, &event->start_mark,
			"anchors (&name) are not supported: write the value out in each place");
	if (tag != NULL)
		return FAIL_AT(reader, &event->start_mark,
			"tags (!name) are not supported: leave it out, and write texts in "
			"quotation "
			"marks");
	return ERROR_NONE;
}

/* ---- scalars ---- */

/* Whether the number stays what was written when it is printed again. */
static bool stays(const cJSON *number, const char *text, char printed[NUMBER_SIZE])
{
	printed[0] = '\0';
	if (!cJSON_PrintPreallocated((cJSON *)number, printed, NUMBER_SIZE, false) ||
		strcmp(text, "-0") == 0)
		return false;
	return strcmp(printed, text) == 0 ||
		(strchr(text, '.') == NULL && strtod(printed, NULL) == number->valuedouble);
}

static enum error_class read_number(
	struct reader *reader, const yaml_event_t *event, const char *text, cJSON **ret_json)
{
	char printed[NUMBER_SIZE];
	double number = strtod(text, NULL);
	bool fraction = strpbrk(text, ".eE") != NULL;

	if (!isfinite(number) || (!fraction && fabs(number) > (double)JSON_INTEGER_MAX))
		return FAIL_AT(reader, &event->start_mark,
			"%.40s is too large for a number: write \"%.40s\" if a text is meant", text,
			text);
	*ret_json = cJSON_CreateNumber(number);
	if (*ret_json == NULL || reader->json || stays(*ret_json, text, printed))
		return ERROR_NONE;
	json_clear(ret_json);
	if (fraction)
		return FAIL_AT(reader, &event->start_mark,
			"'%.40s' would not stay as it is written: write \"%.40s\" if a text is "
			"meant, else %s",
			text, text, printed);
	return FAIL_AT(reader, &event->start_mark,
		"%.40s has too many digits for a number: write \"%.40s\"", text, text);
}

/* A scalar without quotation marks. */
static enum error_class read_plain(
	struct reader *reader, const yaml_event_t *event, const char *text, cJSON **ret_json)
{
	reader->misread = text[0] == '\0';
	if (reader->misread)
		return FAIL_AT(reader, &event->start_mark,
			"a value is missing: write one; \"\" is an empty text, {} an empty map, "
			"and "
			"null deletes");
	if (strcmp(text, "null") == 0)
		*ret_json = cJSON_CreateNull();
	else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		*ret_json = cJSON_CreateBool(text[0] == 't');
	else if (reader->json ? yaml_plain_is_number(text) : yaml_plain_is_decimal(text))
		return read_number(reader, event, text, ret_json);
	else if (yaml_plain_is_typed(text))
		return FAIL_AT(reader, &event->start_mark,
			"'%.60s' is read differently by different programs: write \"%.60s\" if a "
			"text is "
			"meant; else true, false, null or a decimal number",
			text, text);
	else
		*ret_json = cJSON_CreateString(text);
	return ERROR_NONE;
}

static enum error_class read_scalar(
	struct reader *reader, const yaml_event_t *event, cJSON **ret_json)
{
	const char *text = (const char *)event->data.scalar.value;

	if (check_plain(reader, event, event->data.scalar.anchor, event->data.scalar.tag) !=
		ERROR_NONE)
		return reader->error->class;
	if (strlen(text) != event->data.scalar.length)
		return FAIL_AT(
			reader, &event->start_mark, "a text may not have the character U+0000");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (read_plain(reader, event, text, ret_json) != ERROR_NONE)
			return reader->error->class;
	} else {
		*ret_json = cJSON_CreateString(text);
	}
	return *ret_json != NULL ? ERROR_NONE : no_memory(reader);
}

/* ---- maps and lists ---- */

static enum error_class read_value(
	struct reader *reader, yaml_event_t *event, int depth, cJSON **ret_json);

/* The line of a member that was read before. */
static size_t line_of(const struct reader *reader, const cJSON *json)
{
	const struct mark *marks = (const struct mark *)(const void *)reader->document->marks.bytes;
	size_t count = reader->document->marks.length / sizeof(*marks);

	for (size_t i = 0; i < count; i++)
		if (marks[i].json == json)
			return marks[i].line;
	return 0;
}

/* A name without quotation marks is one for all programs. */
static enum error_class check_plain_key(
	struct reader *reader, const yaml_event_t *event, const char *name)
{
	if (name[0] == '\0')
		return FAIL_AT(
			reader, &event->start_mark, "a name is missing: write it before the colon");
	if (strcmp(name, "<<") == 0)
		return FAIL_AT(reader, &event->start_mark,
			"merging (<<) is not supported: write the members out");
	if (yaml_plain_is_typed(name))
		return FAIL_AT(reader, &event->start_mark,
			"'%.60s' as a name is read differently by different programs: write "
			"\"%.60s\"",
			name, name);
	return ERROR_NONE;
}

static enum error_class check_key(
	struct reader *reader, const yaml_event_t *event, const cJSON *object)
{
	if (event->type != YAML_SCALAR_EVENT)
		return FAIL_AT(reader, &event->start_mark, "the name of a member must be a text");
	const char *name = (const char *)event->data.scalar.value;
	const cJSON *same = json_member(object, name);

	if (check_plain(reader, event, event->data.scalar.anchor, event->data.scalar.tag) !=
		ERROR_NONE)
		return reader->error->class;
	if (strlen(name) != event->data.scalar.length)
		return FAIL_AT(
			reader, &event->start_mark, "a name may not have the character U+0000");
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		check_plain_key(reader, event, name) != ERROR_NONE)
		return reader->error->class;
	if (same != NULL)
		return FAIL_AT(reader, &event->start_mark,
			"'%.60s' is there twice, first in line %zu: leave one of them out", name,
			line_of(reader, same));
	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class read_member(
	struct reader *reader, const yaml_event_t *key, int depth, cJSON *object)
{
	CLEANUP_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
	CLEANUP_JSON cJSON *value = NULL;

	if (check_key(reader, key, object) != ERROR_NONE ||
		read_event(reader, &event) != ERROR_NONE ||
		read_value(reader, &event, depth, &value) != ERROR_NONE ||
		remember(reader, value, &key->start_mark) != ERROR_NONE)
		return reader->error->class;
	return json_add(object, (const char *)key->data.scalar.value, json_take(&value))
		? ERROR_NONE
		: no_memory(reader);
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class read_item(
	struct reader *reader, yaml_event_t *event, int depth, cJSON *array)
{
	CLEANUP_JSON cJSON *value = NULL;

	if (read_value(reader, event, depth, &value) != ERROR_NONE ||
		remember(reader, value, &event->start_mark) != ERROR_NONE)
		return reader->error->class;
	return json_append(array, json_take(&value)) ? ERROR_NONE : no_memory(reader);
}

/* Members or items up to the event that ends them: read_value goes no deeper than its limit. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class read_children(struct reader *reader, int depth, cJSON *parent)
{
	for (int count = 0;; count++) {
		CLEANUP_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };
		if (read_event(reader, &event) != ERROR_NONE)
			return reader->error->class;
		if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT)
			return ERROR_NONE;
		if (cJSON_IsObject(parent) && count == YAML_MEMBERS_MAX)
			return FAIL_AT(reader, &event.start_mark, TOO_MANY_MEMBERS);
		enum error_class class = cJSON_IsObject(parent)
			? read_member(reader, &event, depth, parent)
			: read_item(reader, &event, depth, parent);
		if (class != ERROR_NONE)
			return class;
	}
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class read_parent(
	struct reader *reader, const yaml_event_t *event, int depth, cJSON **ret_json)
{
	CLEANUP_JSON cJSON *parent = NULL;

	if (depth >= YAML_DEPTH_MAX)
		return FAIL_AT(reader, &event->start_mark, TOO_DEEP);
	parent = event->type == YAML_MAPPING_START_EVENT ? cJSON_CreateObject()
							 : cJSON_CreateArray();
	if (parent == NULL)
		return no_memory(reader);
	if (read_children(reader, depth + 1, parent) != ERROR_NONE)
		return reader->error->class;
	*ret_json = json_take(&parent);
	return ERROR_NONE;
}

// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class read_value(
	struct reader *reader, yaml_event_t *event, int depth, cJSON **ret_json)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, event, ret_json);
	case YAML_MAPPING_START_EVENT:
		return check_plain(reader, event, event->data.mapping_start.anchor,
			       event->data.mapping_start.tag) == ERROR_NONE
			? read_parent(reader, event, depth, ret_json)
			: reader->error->class;
	case YAML_SEQUENCE_START_EVENT:
		return check_plain(reader, event, event->data.sequence_start.anchor,
			       event->data.sequence_start.tag) == ERROR_NONE
			? read_parent(reader, event, depth, ret_json)
			: reader->error->class;
	default:
		return FAIL_AT(reader, &event->start_mark,
			"aliases (*name) are not supported: write the value out");
	}
}

/* ---- the document ---- */

/* Skips the event that begins or ends a document or the stream. */
static enum error_class skip_event(struct reader *reader, yaml_event_type_t wanted)
{
	CLEANUP_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };

	if (read_event(reader, &event) != ERROR_NONE)
		return reader->error->class;
	if (event.type == wanted)
		return ERROR_NONE;
	return wanted == YAML_DOCUMENT_START_EVENT
		? FAIL_AT(reader, &event.start_mark, "it is empty")
		: FAIL_AT(reader, &event.start_mark,
			  "a second document begins: use a file for each");
}

static enum error_class read_document(struct reader *reader)
{
	CLEANUP_EVENT yaml_event_t event = { .type = YAML_NO_EVENT };

	if (skip_event(reader, YAML_STREAM_START_EVENT) != ERROR_NONE ||
		skip_event(reader, YAML_DOCUMENT_START_EVENT) != ERROR_NONE ||
		read_event(reader, &event) != ERROR_NONE ||
		read_value(reader, &event, 0, &reader->document->json) != ERROR_NONE ||
		remember(reader, reader->document->json, &event.start_mark) != ERROR_NONE ||
		skip_event(reader, YAML_DOCUMENT_END_EVENT) != ERROR_NONE)
		return reader->error->class;
	return skip_event(reader, YAML_STREAM_END_EVENT);
}

/* Whether a map of the value has too many members. The parser limits the depth. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool has_large_map(const cJSON *json)
{
	const cJSON *child;

	if (cJSON_IsObject(json) && cJSON_GetArraySize(json) > YAML_MEMBERS_MAX)
		return true;
	cJSON_ArrayForEach (child, json) {
		if (has_large_map(child))
			return true;
	}
	return false;
}

/* Reads JSON that libyaml does not take: escapes of characters beyond U+FFFF, names of more than
 * 1,024 bytes. The places of its values are not known. */
static enum error_class read_json(struct reader *reader)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error why;

	enum error_class class =
		json_parse(reader->text, reader->length, JSON_LIMITS_WIDE, &json, &why);
	if (class != ERROR_NONE)
		return error_set(reader->error, ERROR_INVALID_INPUT, "%s:%s %s",
			reader->document->name, why.place, why.message);
	const struct json_size size = json_measure(json);
	if (size.depth > YAML_DEPTH_MAX + 1)
		return fail_at(reader, 1, 1, TOO_DEEP);
	if (size.nodes > YAML_NODES_MAX)
		return fail_at(reader, 1, 1, TOO_MANY_VALUES);
	if (has_large_map(json))
		return fail_at(reader, 1, 1, TOO_MANY_MEMBERS);
	yaml_release(reader->document);
	reader->document->json = json_take(&json);
	return ERROR_NONE;
}

static bool is_json(const char *text, size_t length)
{
	struct error ignored;

	return text[strspn(text, " \t\r\n")] == '{' &&
		json_scan(text, length, JSON_LIMITS_WIDE, &ignored) == ERROR_NONE;
}

/* What YAML 1.1 takes for the end of a line, and YAML 1.2 and JSON do not. NULL: there is none. */
static const char *find_line_end(const char *text, const char **ret_escape)
{
	static const struct string_pair line_ends[] = { { "\xc2\x85", "\\u0085" },
		{ "\xe2\x80\xa8", "\\u2028" }, { "\xe2\x80\xa9", "\\u2029" } };
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(line_ends); i++) {
		const char *found = strstr(text, line_ends[i].name);
		if (found == NULL || (first != NULL && found > first))
			continue;
		first = found;
		*ret_escape = line_ends[i].value;
	}
	return first;
}

static enum error_class fail_line_end(struct reader *reader, const char *found, const char *escape)
{
	size_t line = 1;
	const char *begin = reader->text;

	for (const char *next; (next = strchr(begin, '\n')) != NULL && next < found; line++)
		begin = next + 1;
	return fail_at(reader, line, (size_t)(found - begin) + 1,
		"a character stands there that only some programs take for the end of a line: "
		"write %s in quotation marks",
		escape);
}

static enum error_class read_text(struct reader *reader)
{
	const char *escape = "", *line_end = find_line_end(reader->text, &escape);

	if (line_end != NULL)
		return reader->json ? read_json(reader) : fail_line_end(reader, line_end, escape);
	if (yaml_parser_initialize(&reader->parser) != 1)
		return no_memory(reader);
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&reader->parser, (const unsigned char *)reader->text, reader->length);
	enum error_class class = read_document(reader);
	const bool misread = reader->misread || reader->parser.error != YAML_NO_ERROR;

	yaml_parser_delete(&reader->parser);
	return class != ERROR_NONE && misread && reader->json ? read_json(reader) : class;
}

enum error_class yaml_parse(const char *name, const char *text, size_t length,
	struct yaml_document *ret_document, struct error *error)
{
	struct reader reader = { .document = ret_document,
		.text = text,
		.length = length,
		.json = is_json(text, length),
		.error = error };

	*ret_document = YAML_EMPTY;
	text_copy(ret_document->name, sizeof(ret_document->name), name);
	buffer_init(&ret_document->marks, (YAML_NODES_MAX + 1) * sizeof(struct mark));
	enum error_class class = read_text(&reader);
	if (class != ERROR_NONE)
		yaml_release(ret_document);
	return class;
}

enum error_class yaml_read(
	const char *path, struct yaml_document *ret_document, struct error *error)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(YAML_FILE_MAX);

	if (input_file_text(path, &buffer, error) != ERROR_NONE)
		return error->class;
	return yaml_parse(strcmp(path, "-") == 0 ? "standard input" : path, buffer_text(&buffer),
		buffer.length, ret_document, error);
}

void yaml_release(struct yaml_document *document)
{
	json_clear(&document->json);
	buffer_release(&document->marks);
}

/* ---- places ---- */

static const struct mark *mark_of(const struct yaml_document *document, const cJSON *json)
{
	const struct mark *marks = (const struct mark *)(const void *)document->marks.bytes;
	size_t count = document->marks.length / sizeof(*marks);

	for (size_t i = 0; json != NULL && i < count; i++)
		if (marks[i].json == json)
			return &marks[i];
	return NULL;
}

void yaml_place(const struct yaml_document *document, const char *pointer, char *text, size_t size)
{
	char parent[JSON_POINTER_SIZE];
	const struct mark *mark = NULL;

	text_copy(parent, sizeof(parent), pointer);
	for (;;) {
		mark = mark_of(document, json_pointer_find(document->json, parent));
		char *slash = strrchr(parent, '/');
		if (mark != NULL || slash == NULL)
			break;
		*slash = '\0';
	}

	if (mark != NULL)
		text_format(text, size, "%s:%zu:%zu", document->name, mark->line, mark->column);
	else
		text_format(text, size, "%s: %s", document->name, pointer);
}
