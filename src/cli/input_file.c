/*
 * Reads the file of --input, up to a cap and as strictly as the server reads a body, so that a broken file is
 * named here and not by a refusal of the endpoint.
 */
#include "cli/input_file.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

#define INPUT_MAX ((size_t)1 << 20)

enum error_class input_file_read(const char *path, cJSON **ret_json, struct error *error)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct buffer buffer;
	char bytes[4096];
	size_t length;
	bool fits = true;

	if (file == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "cannot read %s", path);
	buffer_init(&buffer, INPUT_MAX);
	while (fits && (length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_append(&buffer, bytes, length);
	if (file != stdin)
		fclose(file);
	enum error_class class = fits
		? json_parse(buffer_text(&buffer), buffer.length, JSON_LIMITS_CLIENT, ret_json, error)
		: error_set(error, ERROR_INVALID_INPUT, "%s is larger than %zu bytes", path, INPUT_MAX);
	if (class == ERROR_NONE && !cJSON_IsObject(*ret_json)) {
		cJSON_Delete(*ret_json);
		class = error_set(error, ERROR_INVALID_INPUT, "%s must hold a JSON object", path);
	}

	buffer_release(&buffer);
	return class;
}
