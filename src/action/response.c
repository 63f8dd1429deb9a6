/*
 * What an action takes out of the response of an address that is no provider: members by their JSON
 * pointers, and an excerpt. Such a response may hold a secret that nobody has seen before, so
 * nothing else of it is shown.
 */
#include <string.h>

#include "action/context.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"

/* What is wrong with the place; NULL: nothing, and the value is in the arena. */
static const char *take_value(
	struct arena *arena, const cJSON *json, const char *pointer, const char **ret_text)
{
	const cJSON *value = json_pointer_find(json, pointer);

	if (value == NULL || cJSON_IsNull(value))
		return "leads nowhere in the response";
	if (cJSON_IsObject(value) || cJSON_IsArray(value))
		return "leads to an object or a list in the response, not to a single value";
	*ret_text = cJSON_IsString(value) ? arena_string(arena, value->valuestring)
					  : json_print(arena, value);
	return NULL;
}

bool response_values(struct action_context *context, const struct provider_response *response,
	const struct string_map *pointers, struct string_map *ret_values)
{
	struct string_pair *values =
		arena_allocate_array(context->arena, pointers->count, sizeof(*values));
	CLEANUP_JSON cJSON *json = NULL;
	struct error why;

	*ret_values = (struct string_map){ values, values != NULL ? pointers->count : 0 };
	if (pointers->count == 0)
		return true;
	enum error_class class =
		json_parse(response->body, response->body_length, JSON_LIMITS_WIDE, &json, &why);
	if (class != ERROR_NONE && class != ERROR_OUT_OF_MEMORY) {
		error_set(&context->error, ERROR_CHECK_FAILED,
			"the response is not valid JSON, so it has no %s",
			pointers->items[0].value);
		return false;
	}

	for (size_t i = 0; json != NULL && values != NULL && i < pointers->count; i++) {
		const char *pointer = pointers->items[i].value;
		values[i].name = pointers->items[i].name;
		const char *wrong = take_value(context->arena, json, pointer, &values[i].value);
		if (wrong == NULL)
			continue;
		error_set(&context->error, ERROR_CHECK_FAILED, "%s %s", pointer, wrong);
		return false;
	}

	if (json == NULL)
		error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory to read the response");
	return json != NULL && !context_is_short_of_memory(context);
}

/* ---- things in it ---- */

struct search {
	struct action_context *context;
	const struct string_map *where;
	struct provider_response *things;
	size_t count;
};

static bool has_value(struct search *search, const cJSON *thing, const struct string_pair *wanted)
{
	const char *text = NULL;
	return take_value(search->context->arena, thing, wanted->name, &text) == NULL &&
		text != NULL && strcmp(text, wanted->value) == 0;
}

static void add_thing(struct search *search, const cJSON *thing)
{
	if (thing == NULL || cJSON_IsNull(thing))
		return;
	for (size_t i = 0; i < search->where->count; i++)
		if (!has_value(search, thing, &search->where->items[i]))
			return;
	const char *text = json_print(search->context->arena, thing);
	if (text != NULL)
		search->things[search->count++] = (struct provider_response){
			.status = 200, .body = text, .body_length = strlen(text)
		};
}

/* The part of the pointer that is *; NULL: it has none. */
static const char *find_star(const char *pointer)
{
	for (const char *part = strstr(pointer, "/*"); part != NULL; part = strstr(part + 1, "/*"))
		if (part[2] == '\0' || part[2] == '/')
			return part;
	return NULL;
}

/* False where there is no list. */
static bool search_list(struct search *search, const cJSON *list, const char *below)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return false;
	search->things = arena_allocate_array(
		search->context->arena, (size_t)cJSON_GetArraySize(list), sizeof(*search->things));
	if (search->things == NULL)
		return true;
	cJSON_ArrayForEach (item, list) {
		add_thing(search, json_pointer_find(item, below));
	}

	return true;
}

static bool search_json(struct search *search, const cJSON *json, const char *at)
{
	const char *star = find_star(at);
	if (star != NULL) {
		char *above = arena_copy(search->context->arena, at, (size_t)(star - at));
		return above == NULL ||
			search_list(search, json_pointer_find(json, above), star + 2);
	}

	search->things = arena_allocate_array(search->context->arena, 1, sizeof(*search->things));
	if (search->things != NULL)
		add_thing(search, json_pointer_find(json, at));
	return true;
}

bool response_things(struct action_context *context, const struct provider_response *response,
	const char *at, const struct string_map *where, const struct provider_response **ret_things,
	size_t *ret_count)
{
	struct search search = { .context = context, .where = where };
	CLEANUP_JSON cJSON *json = NULL;
	struct error why;

	enum error_class class =
		json_parse(response->body, response->body_length, JSON_LIMITS_WIDE, &json, &why);
	if (class == ERROR_OUT_OF_MEMORY)
		error_set(&context->error, class, "no memory to read the response");
	else if (class != ERROR_NONE)
		error_set(&context->error, ERROR_CHECK_FAILED, "the response is not valid JSON");
	if (class != ERROR_NONE)
		return false;
	if (!search_json(&search, json, at)) {
		error_set(&context->error, ERROR_CHECK_FAILED,
			"the response has no list where %s needs one", at);
		return false;
	}

	*ret_things = search.things;
	*ret_count = search.count;
	return !context_is_short_of_memory(context);
}

const char *response_excerpt(
	struct action_context *context, const struct provider_response *response, size_t most)
{
	/* Enough to recognise each secret that begins within the excerpt. */
	size_t window = redact_window(most),
	       length = response->body_length < window ? response->body_length : window;
	char *text = arena_copy(context->arena, response->body, length);

	if (text == NULL)
		return NULL;

	/* Redact before anything else is replaced or truncated: a secret that was changed is not
	 * recognised.
	 */
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	redact_text(text);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7F)
			text[i] = ' ';
	}

	text_make_valid(text, length);
	char *excerpt = arena_allocate(context->arena, most + 1);
	if (excerpt != NULL)
		(void)text_copy(excerpt, most + 1, text);
	return excerpt;
}
