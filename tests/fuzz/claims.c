/* What fuzz targets share; see claims.h. */
#include "fuzz/claims.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

void claim_failed(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

char *input_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	CLAIM(copy != NULL, "no memory");
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

void input_split(const uint8_t *data, size_t size, char **ret_texts, size_t count)
{
	static const char line[] = "\n---\n";
	char *text = input_copy(data, size), *end = text + size;

	for (size_t i = 0; i < count; i++) {
		ret_texts[i] = text;
		char *next = memchr(text, '\0', (size_t)(end - text));
		char *mark = strstr(text, line);
		if (i + 1 < count && mark != NULL) {
			*mark = '\0';
			text = mark + strlen(line);
		} else {
			text = next != NULL ? next + 1 : end;
		}
	}
}

bool text_is_shown(const char *text)
{
	for (const char *next = text; *next != '\0'; next++)
		if ((unsigned char)*next < ' ' || *next == '\x7F')
			return false;
	return text_is_valid(text);
}

void claim_error(const struct error *error)
{
	const struct {
		const char *name, *text;
	} texts[] = { { "message", error->message }, { "place", error->place },
		{ "remedy", error->remedy }, { "remedy_url", error->remedy_url },
		{ "remedy_input", error->remedy_input }, { "provider", error->provider },
		{ "provider_code", error->provider_code }, { "request_id", error->request_id },
		{ "store_code", error->store_code } };

	CLAIM(error->class > ERROR_NONE && error->class < ERROR_CLASS_COUNT, "no class: %d",
		(int)error->class);
	CLAIM(error->message[0] != '\0', "an error without words");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		CLAIM(text_is_shown(texts[i].text), "the %s cannot be shown: '%s'", texts[i].name,
			texts[i].text);
}

void claim_object(const char *text, size_t length)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error error;

	CLAIM(json_parse(text, length, JSON_LIMITS_WIDE, &json, &error) == ERROR_NONE,
		"no JSON: %s: %s", error.message, text);
	CLAIM(cJSON_IsObject(json), "no object: %s", text);
}
