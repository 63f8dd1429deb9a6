/*
 * The input file of `slipway run` and its parts: inputs go with the start, because what is
 * configured is shared with all other clients of the app.
 */
#include "cli/run_input.h"

#include <string.h>

#include "cli/input_file.h"

#define CONNECTIONS "connections" /* which plans and checks do not take */

static const char *const configured[] = { "config", "env", "secrets", CONNECTIONS };
#define CONFIGURED_COUNT (sizeof(configured) / sizeof(configured[0]))

static bool set_config(cJSON *config, const char *setting)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *equals = strchr(setting, '=');
	const char *name = arena_copy(&arena, setting, (size_t)(equals - setting));

	if (name == NULL)
		return false;
	cJSON_DeleteItemFromObjectCaseSensitive(config, name);
	return json_add(config, name, cJSON_CreateString(equals + 1));
}

static enum error_class add_settings(
	cJSON *json, const char *const *settings, size_t count, struct error *error)
{
	cJSON *config = json_member_mutable(json, "config");

	if (config == NULL)
		config = cJSON_AddObjectToObject(json, "config");
	if (config != NULL && !cJSON_IsObject(config)) {
		error_set(error, ERROR_INVALID_INPUT, "config must be an object");
		return error_at(error, "/config");
	}

	bool complete = config != NULL;
	for (size_t i = 0; complete && i < count; i++)
		complete = set_config(config, settings[i]);
	return complete ? ERROR_NONE
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
}

enum error_class run_input_read(const char *path, const char *const *settings, size_t count,
	cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (path != NULL && input_file_read(path, &json, error) != ERROR_NONE)
		return error->class;
	if (path == NULL)
		json = cJSON_CreateObject();
	if (json == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
	if (count > 0 && add_settings(json, settings, count, error) != ERROR_NONE)
		return error->class;
	*ret_json = json_take(&json);
	return ERROR_NONE;
}

cJSON *run_input_request(const cJSON *input, const char *mode, const char *app)
{
	CLEANUP_JSON cJSON *body = cJSON_Duplicate(input, true);
	bool configures = strcmp(mode, "configure") == 0;
	bool takes_all = strcmp(mode, "validate") == 0 || strcmp(mode, "plan") == 0;

	if (body != NULL && configures)
		cJSON_DeleteItemFromObjectCaseSensitive(body, "inputs");
	if (body != NULL && !configures)
		cJSON_DeleteItemFromObjectCaseSensitive(body, CONNECTIONS);
	for (size_t i = 0; body != NULL && !configures && !takes_all && i < CONFIGURED_COUNT; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(body, configured[i]);
	if (body == NULL || !json_add(body, "mode", cJSON_CreateString(mode)) ||
		!json_add(body, "appId", cJSON_CreateString(app)))
		return NULL;
	return json_take(&body);
}

bool run_input_configures(const cJSON *input)
{
	bool any = false;
	for (size_t i = 0; i < CONFIGURED_COUNT; i++)
		any = any || json_member(input, configured[i]) != NULL;
	return any;
}
