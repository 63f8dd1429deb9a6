/*
 * JSON has characters in a text that YAML takes for the end of a line, or not at all: they are
 * written as escapes, which both read.
 */
#include "cli/export_text.h"

#include <string.h>

#include "slipway/field.h"

/* What the server takes in one request; the rest is for its other members and for secrets. */
#define REQUEST_NODES_MAX (4096 - 64)
#define REQUEST_BYTES_MAX ((size_t)256 * 1024 - 4096)

/* ---- the text ---- */

/* The character of two or three bytes that the text begins with; 0: it begins with none. */
static unsigned wide_character(const char *text, size_t *ret_length)
{
	const unsigned char *bytes = (const unsigned char *)text;

	*ret_length = (bytes[0] & 0xE0) == 0xC0 ? 2 : 3;
	if (*ret_length == 2)
		return (unsigned)(bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F);
	if ((bytes[0] & 0xF0) != 0xE0)
		return 0;
	return (unsigned)(bytes[0] & 0x0F) << 12 | (unsigned)(bytes[1] & 0x3F) << 6 |
		(bytes[2] & 0x3F);
}

/* Writes the escape of what YAML folds or refuses. Returns how many bytes of the text it is. */
static size_t print_escape(const char *text, FILE *stream)
{
	size_t length;
	const unsigned character = wide_character(text, &length);
	const bool line_end = character == 0x2028 || character == 0x2029;
	const bool control = character >= 0x80 && character < 0xA0;

	if (!line_end && !control && character != 0xFEFF && character < 0xFFFE)
		return 0;
	fprintf(stream, "\\u%04x", character);
	return length;
}

/* Indented by spaces: no string has a raw tab. */
bool export_text_print(const cJSON *stack, FILE *stream)
{
	char *text = cJSON_Print(stack);
	bool begins = true;

	for (const char *next = text; next != NULL && *next != '\0'; next++) {
		const size_t escaped = print_escape(next, stream);
		if (escaped > 0)
			next += escaped - 1;
		else if (*next == '\t')
			fputs(begins ? "  " : " ", stream);
		else
			fputc(*next, stream);
		begins = *next == '\n' || (begins && *next == '\t');
	}
	fputc('\n', stream);
	cJSON_free(text);
	return text != NULL;
}

/* ---- what a request can have ---- */

bool export_text_fits(const cJSON *config, const cJSON *env, const cJSON *inputs)
{
	const cJSON *const parts[] = { config, env, inputs };
	size_t nodes = 0, bytes = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *text = parts[i] != NULL ? cJSON_PrintUnformatted(parts[i]) : NULL;
		nodes += json_measure(parts[i]).nodes;
		bytes += text != NULL ? strlen(text) : 0;
		cJSON_free(text);
	}
	return nodes <= REQUEST_NODES_MAX && bytes <= REQUEST_BYTES_MAX;
}
