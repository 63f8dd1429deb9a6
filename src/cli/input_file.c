/*
 * Reads the file of --input, up to a size limit and as strictly as the server parses a body, so
 * that the message about a broken file names the file.
 */
#include "cli/input_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum error_class input_file_text(const char *path, struct buffer *buffer, struct error *error)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char bytes[4096];
	size_t length;
	bool fits = true;

	if (file == NULL)
		return error_set(
			error, ERROR_INVALID_INPUT, "cannot read %s: %s", path, strerror(errno));
	while (fits && (length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_append(buffer, bytes, length);
	bool broken = ferror(file) != 0;
	if (file != stdin)
		fclose(file);

	if (broken)
		return error_set(error, ERROR_INVALID_INPUT, "cannot read all of %s", path);
	if (!fits)
		return error_set(error, ERROR_INVALID_INPUT, "%s is larger than %zu bytes", path,
			buffer->limit);
	return ERROR_NONE;
}

enum error_class input_file_read(const char *path, cJSON **ret_json, struct error *error)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(INPUT_FILE_MAX);
	CLEANUP_JSON cJSON *json = NULL;

	if (input_file_text(path, &buffer, error) != ERROR_NONE)
		return error->class;
	if (json_parse(buffer_text(&buffer), buffer.length, JSON_LIMITS_CLIENT, &json, error) !=
		ERROR_NONE)
		return error->class;
	if (!cJSON_IsObject(json))
		return error_set(
			error, ERROR_INVALID_INPUT, "%s does not contain a JSON object", path);
	*ret_json = json_take(&json);
	return ERROR_NONE;
}
