/*
 * mode configure: stores what later triggers of an app use. Secrets are sealed before anything is
 * stored, so that neither Redis nor a later response can reveal them.
 */
#include "api/body.h"
#include "api/body_connections.h"
#include "api/body_secrets.h"
#include "api/mode.h"
#include "api/sealed_inputs.h"
#include "core/secret.h"
#include "core/secret_input.h"
#include "core/workflow.h"
#include "slipway/field.h"
#include "store/payload.h"

/* An input that no workflow takes is a mistake that would silently have no effect. null is allowed:
 * it deletes what an older version has stored. */
static enum error_class check_keys(const cJSON *inputs, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, inputs) {
		bool known = cJSON_IsNull(member);
		for (size_t i = 0; !known && workflows[i] != NULL; i++)
			known = workflow_takes_input(workflows[i], member->string);
		if (known)
			continue;
		error_set(error, ERROR_INVALID_INPUT,
			"no step of any workflow takes an input of this name");
		return error_at_member(error, "/inputs", member->string);
	}

	return ERROR_NONE;
}

/* Of secrets a response has only the names. */
static cJSON *names_of(const cJSON *secrets)
{
	CLEANUP_JSON cJSON *names = cJSON_CreateArray();
	const cJSON *secret;

	cJSON_ArrayForEach (secret, secrets) {
		if (names == NULL || !json_append(names, cJSON_CreateString(secret->string)))
			return NULL;
	}

	return json_take(&names);
}

/* Adds the inputs without their sealed values, and the places of those. */
static bool add_inputs(cJSON *json, const cJSON *inputs)
{
	CLEANUP_JSON cJSON *shown = cJSON_Duplicate(inputs, true);
	CLEANUP_JSON cJSON *places = cJSON_CreateArray();
	struct error ignored;

	return shown != NULL && places != NULL &&
		secret_input_hide(shown, "/inputs", places, &ignored) == ERROR_NONE &&
		json_add(json, "inputs", json_take(&shown)) &&
		json_add(json, "sealed", json_take(&places));
}

static cJSON *configured(const char *app, const struct payload *payload)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL || !json_add(json, "appId", cJSON_CreateString(app)) ||
		!json_add(json, "version", json_integer(payload->version)) ||
		!add_inputs(json, payload->inputs) ||
		!json_add(json, "config", cJSON_Duplicate(payload->config, true)) ||
		!json_add(json, "env", cJSON_Duplicate(payload->env, true)) ||
		!json_add(json, "secrets", names_of(payload->secrets)) ||
		!json_add(json, "generated", cJSON_Duplicate(payload->wishes, true)))
		return NULL;
	if (payload->connections->child != NULL &&
		!json_add(json, "connections", cJSON_Duplicate(payload->connections, true)))
		return NULL;
	return json_take(&json);
}

static enum error_class handle_configure(const struct service *service,
	const struct request *request, cJSON *body, struct response *response, struct error *error)
{
	(void)request;
	const char *app;
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;
	struct payload changes;
	size_t sealed;

	if (body_identifier(body, "appId", &app, error) != ERROR_NONE ||
		body_payload(service, app, body, &changes, error) != ERROR_NONE)
		return error->class;
	changes.budgets = service->budgets;
	if (check_keys(changes.inputs, error) != ERROR_NONE ||
		body_connections_check(service, app, changes.connections, error) != ERROR_NONE ||
		seal_inputs(service, app, NULL, body, &sealed, error) != ERROR_NONE ||
		body_secrets_share(service, body, error) != ERROR_NONE ||
		payload_merge(service->redis, &(struct app_name){ service->tenant, app }, &changes,
			service->settings->retention_days * 86400, &payload, error) != ERROR_NONE ||
		body_secrets_replace(service, body, error) != ERROR_NONE)
		return error->class;
	return response_json(response, 200, configured(app, &payload), error);
}

const struct mode mode_configure = {
	.name = "configure",
	.role = ROLE_DEPLOY,
	.members =
		(const char *const[]){ "inputs", "config", "env", "secrets", "connections", NULL },
	.handle = handle_configure,
};
