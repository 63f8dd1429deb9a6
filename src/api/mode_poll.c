/*
 * mode poll and its GET form: the status of one step or of all steps of a workflow. Takes one round
 * trip to Redis, which reads only what is shown; a second one if a run has been queued for a while.
 * A poll changes nothing, so the GET form may be answered with 304.
 */
#include <string.h>

#include "api/mode.h"
#include "api/query.h"
#include "api/route.h"
#include "api/target.h"
#include "base/text.h"
#include "core/digest.h"
#include "core/dry_run.h"
#include "store/app_steps.h"
#include "store/shown.h"

/* Where the deployment was started by another build, its workflow may have had steps that this one
 * has no more: they are shown behind the others, as far as they have a run. */
static enum error_class add_removed(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	char definition[DEFINITION_SIZE];
	struct app_steps steps;
	struct shown removed = { .count = 0 };

	workflow_digest(target->workflow, definition);
	if (shown->deployment.definition[0] == '\0' ||
		strcmp(shown->deployment.definition, definition) == 0)
		return ERROR_NONE;
	if (app_steps_list(service->redis, target->app, target->workflow_id, service->arena, &steps,
		    error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < steps.count && shown->count + removed.count < SHOWN_MAX; i++)
		if (workflow_step(target->workflow, steps.names[i].step) == NULL)
			removed.names[removed.count++] = steps.names[i];
	if (removed.count == 0)
		return ERROR_NONE;
	if (shown_read(service->redis, service->arena, &removed, error) != ERROR_NONE)
		return error->class;

	for (size_t i = 0; i < removed.count; i++)
		if (removed.runs[i].id[0] != '\0')
			shown->runs[shown->count++] = removed.runs[i];
	return ERROR_NONE;
}

/* Compiled-in steps; with the deployment, and the step that it began with where it was started by a
 * plan. */
static enum error_class read_known(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	const struct workflow_definition *workflow = target->workflow;

	shown->count = workflow->step_count;
	shown->with_deployment = true;
	for (size_t i = 0; i < shown->count; i++)
		shown->names[i] =
			(struct run_name){ target->app, workflow->id, workflow->steps[i].id };
	shown->names[shown->count++] =
		(struct run_name){ target->app, workflow->id, DRY_RUN_GUARD_ID };
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;

	const struct run *guard = &shown->runs[shown->count - 1];
	if (guard->id[0] == '\0' || strcmp(guard->deployment, shown->deployment.id) != 0)
		shown->count--;
	return add_removed(service, target, shown, error);
}

/* A workflow that only other builds have: its steps are those that have run. */
static enum error_class read_unknown(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	struct app_steps steps;
	size_t count = 0;

	if (app_steps_list(service->redis, target->app, target->workflow_id, service->arena, &steps,
		    error) != ERROR_NONE)
		return error->class;
	if (steps.count == 0)
		return target_unknown(target, error);
	memcpy(shown->names, steps.names, sizeof(steps.names));
	shown->count = steps.count;
	shown->with_deployment = true;
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;

	for (size_t i = 0; i < shown->count; i++)
		if (shown->runs[i].id[0] != '\0')
			shown->runs[count++] = shown->runs[i];
	shown->count = count;
	return count > 0 ? ERROR_NONE : target_unknown(target, error);
}

/* The runs of the target, in the order of its steps; with the deployment, if it is all steps. */
static enum error_class read_shown(const struct service *service, const struct target *target,
	struct shown *shown, struct error *error)
{
	if (target->step_id == NULL)
		return target->workflow != NULL ? read_known(service, target, shown, error)
						: read_unknown(service, target, shown, error);
	shown->count = 1;
	shown->with_deployment = false;
	shown->names[0] = target_name(target);
	if (shown_read(service->redis, service->arena, shown, error) != ERROR_NONE)
		return error->class;
	return target_is_known(target) || shown->runs[0].id[0] != '\0'
		? ERROR_NONE
		: target_unknown(target, error);
}

static enum error_class show_all(
	const struct target *target, const struct shown *shown, cJSON *json, struct error *error)
{
	cJSON *deployment = NULL, *steps = cJSON_AddArrayToObject(json, "actions");
	bool complete = steps != NULL &&
		json_add(json, "workflowId", cJSON_CreateString(target->workflow_id)) &&
		json_add(json, "appId", cJSON_CreateString(target->app));

	for (size_t i = 0; complete && i < shown->count; i++) {
		cJSON *status;
		if (run_status(&shown->runs[i], &status, error) != ERROR_NONE)
			return error->class;
		complete = json_append(steps, status);
	}

	if (deployment_status(&shown->deployment, &deployment, error) != ERROR_NONE)
		return error->class;
	return json_add(json, "deployment", deployment) && complete
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
}

static enum error_class show(const struct target *target, const struct shown *shown,
	struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (target->step_id != NULL) {
		if (run_status(&shown->runs[0], &json, error) != ERROR_NONE)
			return error->class;
		return response_json(response, 200, json_take(&json), error);
	}

	json = cJSON_CreateObject();
	if (json == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	if (show_all(target, shown, json, error) != ERROR_NONE)
		return error->class;
	return response_json(response, 200, json_take(&json), error);
}

static enum error_class handle_post(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	(void)request;
	struct target target;
	struct shown shown;
	if (target_from_body_any(body, false, &target, error) != ERROR_NONE ||
		read_shown(service, &target, &shown, error) != ERROR_NONE)
		return error->class;
	return show(&target, &shown, response, error);
}

/* The header may list several tags. A GET compares weakly, so W/ before a tag does not matter. */
static bool etag_matches(const char *if_none_match, const char *etag)
{
	return strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL;
}

static enum error_class handle_get(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const names[] = { "appId", "workflowId", "actionId", NULL };
	CLEANUP_JSON cJSON *query = NULL; /* the target borrows its texts */
	struct target target;
	struct shown shown;
	char tag[RUN_TAG_SIZE];

	if (query_parse(request->query, names, &query, error) != ERROR_NONE)
		return error->class;
	response_subject(response, query);
	if (target_from_body_any(query, false, &target, error) != ERROR_NONE ||
		read_shown(service, &target, &shown, error) != ERROR_NONE)
		return error->class;

	shown_tag(&shown, tag);
	text_format(response->etag, sizeof(response->etag), "\"%s\"", tag);
	if (!etag_matches(request->if_none_match, response->etag))
		return show(&target, &shown, response, error);
	response->status = 304;
	return ERROR_NONE;
}

const struct mode mode_poll = {
	.name = "poll",
	.members = (const char *const[]){ "workflowId", "actionId", NULL },
	.reads = true,
	.handle = handle_post,
};

const struct route route_poll = { .method = "GET", .path = "/api/deploy", .handle = handle_get };
