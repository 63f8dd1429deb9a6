/*
 * Fills the @NAME@ places of embedded files. A name without a replacement stays as it is, because
 * nginx and shell files have at signs of their own.
 */
#include "cli/template.h"

#include <string.h>

#include "cli/embedded.h"

/* The value for the @NAME@ at the start of the text, whose length goes to *ret_length. NULL: there
 * is none. */
static const char *find_replacement(
	const char *text, const char *const *replacements, size_t *ret_length)
{
	for (; replacements != NULL && replacements[0] != NULL; replacements += 2) {
		size_t length = strlen(replacements[0]);
		if (text[0] == '@' && strncmp(text + 1, replacements[0], length) == 0 &&
			text[length + 1] == '@') {
			*ret_length = length + 2;
			return replacements[1];
		}
	}
	return NULL;
}

static bool fill_in(const char *text, const char *const *replacements, struct buffer *buffer)
{
	while (*text != '\0') {
		size_t length;
		const char *value = find_replacement(text, replacements, &length);
		if (value == NULL) {
			if (!buffer_append(buffer, text++, 1))
				return false;
			continue;
		}
		if (!buffer_append_string(buffer, value))
			return false;
		text += length;
	}

	return true;
}

enum error_class template_fill(const char *embedded_name, const char *const *replacements,
	struct buffer *buffer, struct error *error)
{
	size_t length;
	const char *text = embedded_file(embedded_name, &length);
	if (text == NULL)
		return error_set(error, ERROR_INTERNAL, "%s is not compiled in", embedded_name);
	if (!fill_in(text, replacements, buffer))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for %s", embedded_name);
	return ERROR_NONE;
}
