/*
 * Parses and applies the functions of references. What upper and lower case, and accents, are is
 * libunistring's to say, for no language in particular: a name must not depend on the server's.
 */
#include "core/reference_function.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/text.h"
#include "slipway/field.h"

static const struct {
	const char *name;
	bool takes_argument, needs_text;
} functions[] = {
	[FUNCTION_DEFAULT] = { "default", true, false },
	[FUNCTION_LOWER] = { "lower", false, true },
	[FUNCTION_SLUG] = { "slug", false, true },
};

/* ---- parsing ---- */

/* Does not repeat the text, which may be part of a secret. */
static enum error_class refuse(struct error *error, const char *what)
{
	error_set(error, ERROR_INVALID_INPUT, "%s", what);
	return error_remedy(error, NULL,
		"The functions are lower, slug and default with its text, as in "
		"${config.name|default:My site|slug}.");
}

static enum error_class parse_call(
	const char *text, size_t length, struct reference_call *ret_call, struct error *error)
{
	const char *colon = memchr(text, ':', length);
	size_t name = colon != NULL ? (size_t)(colon - text) : length;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		if (strlen(functions[i].name) != name || memcmp(functions[i].name, text, name) != 0)
			continue;
		if (functions[i].takes_argument != (colon != NULL))
			return refuse(error,
				colon != NULL ? "a function has an argument that takes none"
					      : "a function lacks its argument");
		*ret_call = (struct reference_call){ .function = (enum reference_function)i,
			.argument = colon != NULL ? colon + 1 : text + length,
			.length = colon != NULL ? length - name - 1 : 0 };
		return ERROR_NONE;
	}

	return refuse(error, "what follows '|' in a reference is not a function");
}

enum error_class reference_calls_parse(
	const char *text, size_t length, struct reference_calls *ret_calls, struct error *error)
{
	const char *end = text + length;

	ret_calls->count = 0;
	if (memmem(text, length, "${", 2) != NULL)
		return refuse(error, "a reference stands in the argument of a function");
	while (text < end) {
		const char *call = text + 1, *bar = memchr(call, '|', (size_t)(end - call));
		text = bar != NULL ? bar : end;
		if (ret_calls->count == REFERENCE_CALLS_MAX)
			return refuse(error, "a reference has too many functions");
		if (parse_call(call, (size_t)(text - call), &ret_calls->list[ret_calls->count++],
			    error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

bool reference_calls_default(const struct reference_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		if (calls->list[i].function == FUNCTION_DEFAULT)
			return true;
	return false;
}

bool reference_calls_write(const struct reference_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		if (calls->list[i].length > 0)
			return true;
	return false;
}

bool reference_calls_need_text(const struct reference_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		if (functions[calls->list[i].function].needs_text)
			return true;
	return false;
}

/* ---- applying ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to resolve references");
}

/* Without language and normalisation: the NUL at the end is converted with the text. */
static cJSON *make_lower(const char *text)
{
	size_t length;
	uint8_t *lower =
		u8_tolower((const uint8_t *)text, strlen(text) + 1, NULL, NULL, NULL, &length);
	cJSON *value = lower != NULL ? cJSON_CreateString((const char *)lower) : NULL;
	free(lower);
	return value;
}

/* Letters, digits and accents of other scripts, and what is not visible: dropped. Everything else
 * separates words. */
static bool is_dropped(ucs4_t character)
{
	return character >= 0x80 &&
		uc_is_general_category_withtable(character,
			UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
				UC_CATEGORY_MASK_Cf);
}

static bool is_kept(ucs4_t character)
{
	return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

/* The text is case-folded and decomposed: an umlaut is its letter and an accent, and the German
 * sharp s is two letters. */
static void write_slug(const uint8_t *text, char slug[SLUG_MAX + 1])
{
	size_t length = 0;
	bool separated = false;
	ucs4_t character;

	while ((text = u8_next(&character, text)) != NULL && length < SLUG_MAX) {
		if (is_kept(character)) {
			if (separated && length > 0 && length < SLUG_MAX - 1)
				slug[length++] = '-';
			else if (separated && length > 0)
				break;
			slug[length++] = (char)character;
			separated = false;
		} else if (!is_dropped(character)) {
			separated = true;
		}
	}

	slug[length] = '\0';
}

static enum error_class make_slug(const char *text, cJSON **ret_slug, struct error *error)
{
	char slug[SLUG_MAX + 1], shown[61];
	size_t length;
	uint8_t *folded = u8_casefold(
		(const uint8_t *)text, strlen(text) + 1, NULL, UNINORM_NFKD, NULL, &length);

	if (folded == NULL)
		return no_memory(error);
	write_slug(folded, slug);
	free(folded);
	if (slug[0] == '\0') {
		text_copy(shown, sizeof(shown), text);
		error_set(error, ERROR_INVALID_INPUT, "slug leaves nothing of '%s'", shown);
		return error_remedy(error, NULL,
			"Give a text that has letters a to z or digits: a slug consists of these "
			"and dashes.");
	}

	*ret_slug = cJSON_CreateString(slug);
	return *ret_slug != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class apply_to_text(
	enum reference_function function, const char *text, cJSON **ret_value, struct error *error)
{
	if (function == FUNCTION_SLUG)
		return make_slug(text, ret_value, error);
	*ret_value = make_lower(text);
	return *ret_value != NULL ? ERROR_NONE : no_memory(error);
}

/* Numbers and booleans are taken as they would be inserted into a text. */
static enum error_class apply_text_function(enum reference_function function, const cJSON *value,
	cJSON **ret_value, struct error *error)
{
	if (cJSON_IsString(value))
		return apply_to_text(function, value->valuestring, ret_value, error);
	if (!cJSON_IsNumber(value) && !cJSON_IsBool(value)) {
		error_set(error, ERROR_INVALID_INPUT, "%s takes a text, and the value is a %s",
			functions[function].name, cJSON_IsArray(value) ? "list" : "map");
		return error_remedy(error, NULL, "Refer to one of its values, or leave %s out.",
			functions[function].name);
	}

	char *printed = cJSON_PrintUnformatted(value);
	enum error_class class = printed != NULL
		? apply_to_text(function, printed, ret_value, error)
		: no_memory(error);
	cJSON_free(printed);
	return class;
}

static bool is_missing(const cJSON *value)
{
	return cJSON_IsNull(value) || (cJSON_IsString(value) && value->valuestring[0] == '\0');
}

static enum error_class write_default(
	const struct reference_call *call, cJSON **ret_value, struct error *error)
{
	char *text = cJSON_malloc(call->length + 1);
	if (text == NULL)
		return no_memory(error);

	memcpy(text, call->argument, call->length);
	text[call->length] = '\0';
	*ret_value = cJSON_CreateString(text);
	cJSON_free(text);
	return *ret_value != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class reference_calls_apply(
	const struct reference_calls *calls, cJSON **value, struct error *error)
{
	for (size_t i = 0; i < calls->count; i++) {
		const struct reference_call *call = &calls->list[i];
		cJSON *result = NULL;
		if (call->function == FUNCTION_DEFAULT ? !is_missing(*value) : cJSON_IsNull(*value))
			continue;
		enum error_class class = call->function == FUNCTION_DEFAULT
			? write_default(call, &result, error)
			: apply_text_function(call->function, *value, &result, error);
		if (class != ERROR_NONE)
			return class;
		cJSON_Delete(*value);
		*value = result;
	}

	return ERROR_NONE;
}
