/*
 * mode configure: stores what later triggers of an app use. Secrets are sealed here, before they go anywhere
 * else, so neither Redis nor a later answer can show them.
 */
#include "api/routes.h"
#include "api/sealed_inputs.h"
#include "core/secret.h"
#include "core/secret_input.h"
#include "core/workflow.h"
#include "slipway/field.h"
#include "store/payload.h"

static enum error_class check_strings(const cJSON *body, const char *part, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json_member(body, part)) {
		if (cJSON_IsString(member) || cJSON_IsNull(member))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "it must be a string, or null to delete it");
		error_at(error, "/%s", part);
		json_pointer_append(error->place, sizeof(error->place), member->string);
		return error->class;
	}

	return ERROR_NONE;
}

/* Objects only; env holds strings, for it becomes environment variables. */
static enum error_class check_parts(const cJSON *body, struct error *error)
{
	static const char *const names[] = { "inputs", "config", "env", "secrets" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const cJSON *part = json_member(body, names[i]);
		if (part == NULL || cJSON_IsObject(part))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "it must be an object");
		return error_at(error, "/%s", names[i]);
	}

	return check_strings(body, "env", error) == ERROR_NONE ? check_strings(body, "secrets", error) : error->class;
}

/* What no workflow takes is a slip, and would wait for somebody to notice that it has no effect. What was stored by a
 * version that had such a workflow can be deleted. */
static enum error_class check_keys(const cJSON *inputs, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, inputs) {
		bool known = cJSON_IsNull(member);
		for (size_t i = 0; !known && workflows[i] != NULL; i++)
			known = workflow_takes_input(workflows[i], member->string);
		if (known)
			continue;
		error_set(error, ERROR_INVALID_INPUT, "no step of any workflow takes this input");
		error_at(error, "/inputs");
		json_pointer_append(error->place, sizeof(error->place), member->string);
		return error->class;
	}

	return ERROR_NONE;
}

/* What is given in the place of secrets is what stands in Redis: sealed, or null. */
static enum error_class seal_all(const struct service *service, const char *app, cJSON *secrets, struct error *error)
{
	cJSON *secret;

	cJSON_ArrayForEach (secret, secrets) {
		const struct secret_name name = { app, secret->string };
		const char *sealed;
		if (cJSON_IsNull(secret))
			continue;
		if (secret_seal(service->settings->secrets_public_key, &name, secret->valuestring, service->arena,
			    &sealed, error) != ERROR_NONE) {
			error_at(error, "/secrets");
			json_pointer_append(error->place, sizeof(error->place), secret->string);
			return error->class;
		}
		if (cJSON_SetValuestring(secret, sealed) == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	}

	return ERROR_NONE;
}

/* They come back as no more than their names. */
static cJSON *names_of(const cJSON *secrets)
{
	cJSON *names = cJSON_CreateArray();
	const cJSON *secret;

	cJSON_ArrayForEach (secret, secrets) {
		if (names == NULL || json_append(names, cJSON_CreateString(secret->string)))
			continue;
		cJSON_Delete(names);
		return NULL;
	}

	return names;
}

/* The inputs without what is sealed in them, and the places of that. */
static bool add_inputs(cJSON *answer, const cJSON *inputs)
{
	struct error ignored;
	cJSON *shown = cJSON_Duplicate(inputs, true), *places = cJSON_CreateArray();
	bool complete =
		shown != NULL && places != NULL && secret_input_hide(shown, "/inputs", places, &ignored) == ERROR_NONE;

	if (!complete) {
		cJSON_Delete(shown);
		cJSON_Delete(places);
		return false;
	}

	if (json_add(answer, "inputs", shown))
		return json_add(answer, "sealed", places);
	cJSON_Delete(places);
	return false;
}

static cJSON *configured(const char *app, const struct payload *payload)
{
	cJSON *answer = cJSON_CreateObject();

	if (answer != NULL && json_add(answer, "appId", cJSON_CreateString(app)) &&
		json_add(answer, "version", json_integer(payload->version)) && add_inputs(answer, payload->inputs) &&
		json_add(answer, "config", cJSON_Duplicate(payload->config, true)) &&
		json_add(answer, "env", cJSON_Duplicate(payload->env, true)) &&
		json_add(answer, "secrets", names_of(payload->secrets)))
		return answer;
	cJSON_Delete(answer);
	return NULL;
}

enum error_class body_payload(const struct service *service, const char *app, const cJSON *body,
	struct payload *ret_changes, struct error *error)
{
	if (check_parts(body, error) != ERROR_NONE ||
		seal_all(service, app, json_member(body, "secrets"), error) != ERROR_NONE)
		return error->class;
	*ret_changes = (struct payload){ .inputs = json_member(body, "inputs"),
		.config = json_member(body, "config"),
		.env = json_member(body, "env"),
		.secrets = json_member(body, "secrets") };
	return ERROR_NONE;
}

enum error_class mode_configure(const struct service *service, const struct request *request, const cJSON *body,
	struct response *response, struct error *error)
{
	(void)request;
	const char *app;
	struct payload changes, payload;
	size_t sealed;

	if (body_identifier(body, "appId", &app, error) != ERROR_NONE ||
		body_payload(service, app, body, &changes, error) != ERROR_NONE ||
		check_keys(changes.inputs, error) != ERROR_NONE ||
		seal_inputs(service, app, NULL, body, &sealed, error) != ERROR_NONE ||
		payload_merge(service->redis, app, &changes, service->settings->retention_days * 86400, &payload,
			error) != ERROR_NONE)
		return error->class;
	enum error_class class = response_json(response, 200, configured(app, &payload), error);
	payload_release(&payload);
	return class;
}
