/*
 * Finds workflow and step of a request by name. The refusal of an unknown name lists those that
 * exist, because it is nearly always a typing mistake.
 */
#include "api/target.h"

#include <string.h>

#include "api/body.h"
#include "base/text.h"

static enum error_class no_workflow(const char *id, struct error *error)
{
	char list[240] = "";
	for (size_t i = 0; workflows[i] != NULL; i++)
		text_append(list, sizeof(list), "%s%s", i > 0 ? ", " : "", workflows[i]->id);
	error_set(error, ERROR_NOT_FOUND, "the workflow '%s' does not exist", id);
	error_remedy(error, NULL, "The workflows are %s.", list);
	return error_at(error, "/workflowId");
}

static enum error_class no_step(
	const struct workflow_definition *workflow, const char *id, struct error *error)
{
	char list[240] = "";
	for (size_t i = 0; i < workflow->step_count; i++)
		text_append(list, sizeof(list), "%s%s", i > 0 ? ", " : "", workflow->steps[i].id);
	error_set(error, ERROR_NOT_FOUND, "the workflow '%s' has no step '%s'", workflow->id, id);
	error_remedy(error, NULL, "Its steps are %s.", list);
	return error_at(error, "/actionId");
}

bool target_is_known(const struct target *target)
{
	return target->workflow != NULL && (target->step != NULL || target->step_id == NULL);
}

enum error_class target_unknown(const struct target *target, struct error *error)
{
	return target->workflow == NULL ? no_workflow(target->workflow_id, error)
					: no_step(target->workflow, target->step_id, error);
}

static struct target find(
	const struct service *service, const char *app, const char *workflow, const char *step)
{
	struct target target = { .tenant = service->tenant,
		.app = app,
		.workflow = workflow_find(workflow),
		.workflow_id = workflow,
		.step_id = step };

	if (target.workflow != NULL && step != NULL)
		target.step = workflow_step(target.workflow, step);
	return target;
}

enum error_class target_from_body_any(const struct service *service, const cJSON *body,
	bool needs_step, struct target *ret_target, struct error *error)
{
	const char *app, *workflow, *step;
	if (body_identifier(body, "appId", &app, error) != ERROR_NONE ||
		body_identifier(body, "workflowId", &workflow, error) != ERROR_NONE)
		return error->class;
	enum error_class class = needs_step
		? body_identifier(body, "actionId", &step, error)
		: body_identifier_optional(body, "actionId", &step, error);
	if (class == ERROR_NONE)
		*ret_target = find(service, app, workflow, step);
	return class;
}

enum error_class target_from_body(const struct service *service, const cJSON *body, bool needs_step,
	struct target *ret_target, struct error *error)
{
	if (target_from_body_any(service, body, needs_step, ret_target, error) != ERROR_NONE)
		return error->class;
	return target_is_known(ret_target) ? ERROR_NONE : target_unknown(ret_target, error);
}

struct app_name target_app(const struct target *target)
{
	return (struct app_name){ target->tenant, target->app };
}

struct run_name target_name(const struct target *target)
{
	return (struct run_name){ target->tenant, target->app, target->workflow_id,
		target->step != NULL ? target->step->id : target->step_id };
}
