/*
 * mode configure: stores what later triggers of an app use. Secrets are sealed here, before they go anywhere
 * else, so neither Redis nor a later answer can show them.
 */
#include "api/body.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "core/secret.h"
#include "core/secret_input.h"
#include "core/workflow.h"
#include "slipway/field.h"
#include "store/payload.h"

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

static enum error_class handle_configure(const struct service *service, const struct request *request, cJSON *body,
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

const struct mode mode_configure = {
	.name = "configure",
	.members = (const char *const[]){ "inputs", "config", "env", "secrets", NULL },
	.handle = handle_configure,
};
