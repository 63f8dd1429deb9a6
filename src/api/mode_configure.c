#include "api/routes.h"
#include "store/payload.h"

/* Objects only; env holds strings, for it becomes environment variables. */
static enum error_class check_parts(const cJSON *body, struct error *error)
{
	static const char *const names[] = { "inputs", "config", "env" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const cJSON *part = json_member(body, names[i]);
		if (part == NULL || cJSON_IsObject(part))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "it must be an object");
		return error_at(error, "/%s", names[i]);
	}
	const cJSON *variable;
	cJSON_ArrayForEach(variable, json_member(body, "env"))
	{
		if (cJSON_IsString(variable) || cJSON_IsNull(variable))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "it must be a string, or null to delete it");
		error_at(error, "/env");
		json_pointer_append(error->place, sizeof(error->place), variable->string);
		return error->class;
	}
	return ERROR_NONE;
}

static cJSON *configured(const char *app, const struct payload *payload)
{
	cJSON *answer = cJSON_CreateObject();
	if (answer != NULL && json_add(answer, "appId", cJSON_CreateString(app)) &&
		json_add(answer, "version", json_integer(payload->version)) &&
		json_add(answer, "inputs", cJSON_Duplicate(payload->inputs, true)) &&
		json_add(answer, "config", cJSON_Duplicate(payload->config, true)) &&
		json_add(answer, "env", cJSON_Duplicate(payload->env, true)))
		return answer;
	cJSON_Delete(answer);
	return NULL;
}

enum error_class mode_configure(const struct service *service, const struct request *request, const cJSON *body,
	struct response *response, struct error *error)
{
	(void)request;
	const char *app;
	struct payload payload;
	if (body_identifier(body, "appId", &app, error) != ERROR_NONE || check_parts(body, error) != ERROR_NONE)
		return error->class;
	const struct payload changes = { json_member(body, "inputs"), json_member(body, "config"),
		json_member(body, "env"), 0 };
	if (payload_merge(service->redis, app, &changes, service->settings->retention_days * 86400, &payload, error) !=
		ERROR_NONE)
		return error->class;
	enum error_class class = response_json(response, 200, configured(app, &payload), error);
	payload_release(&payload);
	return class;
}
