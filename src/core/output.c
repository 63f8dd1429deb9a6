/* One digest over what is left when that which tells of the run alone is taken out. */
#include "core/output.h"

#include <string.h>

enum error_class output_digest(const struct record *record, const char *output,
	char ret_digest[DIGEST_SIZE], struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (json_parse(output, strlen(output), JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
		return error_set(error,
			error->class == ERROR_OUT_OF_MEMORY ? error->class : ERROR_INTERNAL,
			"an output is broken: %s", error->message);
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].incidental)
			cJSON_DeleteItemFromObjectCaseSensitive(json, record->fields[i].name);
	enum error_class class = json_digest(json, ret_digest, error);
	ret_digest[OUTPUT_DIGEST_LENGTH] = '\0';
	return class;
}
