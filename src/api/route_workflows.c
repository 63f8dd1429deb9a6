/*
 * GET /api/workflows: the compiled-in workflows, as clients need them to show forms and to order
 * steps. The schemas are made of the same tables that check the input.
 */
#include <string.h>

#include "api/asks.h"
#include "api/route.h"
#include "base/record.h"
#include "core/digest.h"
#include "core/workflow.h"

static bool add_needs(cJSON *step_json, const struct workflow_definition *workflow,
	const struct step_definition *step, struct error *error)
{
	struct step_set needs;
	cJSON *list = cJSON_AddArrayToObject(step_json, "needs");
	bool complete =
		list != NULL && step_needs(workflow, step, NULL, "", &needs, error) == ERROR_NONE;
	for (size_t i = 0; complete && i < workflow->step_count; i++)
		if (needs.contains[i])
			complete = json_append(list, cJSON_CreateString(workflow->steps[i].id));
	return complete;
}

/* A bound field is not required; one that no input may override is not even offered. */
static void drop_bound(cJSON *schema, const struct step_definition *step)
{
	cJSON *required = json_member_mutable(schema, "required");

	for (const struct binding *binding = step->bind; binding != NULL && binding->field != NULL;
		binding++) {
		if (!binding->overridable)
			cJSON_DeleteItemFromObjectCaseSensitive(
				json_member_mutable(schema, "properties"), binding->field);
		for (cJSON *name = required->child, *next; name != NULL; name = next) {
			next = name->next;
			if (strcmp(name->valuestring, binding->field) == 0)
				cJSON_Delete(cJSON_DetachItemViaPointer(required, name));
		}
	}
}

static bool add_schemas(cJSON *step_json, const struct step_definition *step, struct error *error)
{
	const struct action_definition *action = step->action;
	cJSON *schema;
	if (record_schema(&action->input, &schema, error) != ERROR_NONE ||
		!json_add(step_json, "input", schema))
		return false;
	drop_bound(schema, step);
	return record_schema(&action->output, &schema, error) == ERROR_NONE &&
		json_add(step_json, "output", schema);
}

/* The values that the workflow itself puts into the step's input. Those that the schema has too may
 * be overridden. */
static bool add_bound(cJSON *step_json, const struct step_definition *step)
{
	cJSON *bound = cJSON_AddObjectToObject(step_json, "bound");
	bool complete = bound != NULL;
	for (const struct binding *binding = step->bind;
		complete && binding != NULL && binding->field != NULL; binding++)
		complete = json_add(bound, binding->field, cJSON_CreateString(binding->value));
	return complete;
}

static cJSON *describe_step(const struct workflow_definition *workflow,
	const struct step_definition *step, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json != NULL && json_add(json, "id", cJSON_CreateString(step->id)) &&
		json_add(json, "action", cJSON_CreateString(step->action->id)) &&
		json_add(json, "summary", cJSON_CreateString(step->action->summary)) &&
		json_add(json, "inputKey",
			step->input_key != NULL ? cJSON_CreateString(step->input_key)
						: cJSON_CreateNull()) &&
		json_add(json, "optional", cJSON_CreateBool(step->optional)) &&
		add_needs(json, workflow, step, error) && add_bound(json, step) &&
		add_schemas(json, step, error))
		return json_take(&json);
	return NULL;
}

static cJSON *describe_workflow(const struct workflow_definition *workflow, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	char definition[DEFINITION_SIZE];

	workflow_digest(workflow, definition);
	bool complete = json != NULL && json_add(json, "id", cJSON_CreateString(workflow->id)) &&
		json_add(json, "definition", cJSON_CreateString(definition)) &&
		json_add(json, "summary", cJSON_CreateString(workflow->summary));
	cJSON *steps = complete ? cJSON_AddArrayToObject(json, "steps") : NULL;

	complete = steps != NULL;
	for (size_t i = 0; complete && i < workflow->step_count; i++)
		complete = json_append(steps, describe_step(workflow, &workflow->steps[i], error));
	complete = complete && json_add(json, "asks", asks_describe(workflow));
	return complete ? json_take(&json) : NULL;
}

static enum error_class handle_workflows(const struct service *service,
	const struct request *request, struct response *response, struct error *error)
{
	(void)service;
	(void)request;
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	cJSON *list = json != NULL ? cJSON_AddArrayToObject(json, "workflows") : NULL;
	bool complete = list != NULL;

	for (size_t i = 0; complete && workflows[i] != NULL; i++)
		complete = json_append(list, describe_workflow(workflows[i], error));
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to describe the workflows");
	return response_json(response, 200, json_take(&json), error);
}

const struct route route_workflows = { .method = "GET",
	.path = "/api/workflows",
	.role = ROLE_READ,
	.mode = "",
	.handle = handle_workflows };
