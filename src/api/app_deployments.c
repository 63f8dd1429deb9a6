/*
 * Few questions to Redis for many apps and all their workflows; of one app, each deployment is read
 * by itself, with all that it was started with.
 */
#include "api/app_deployments.h"

#include <string.h>

#include "core/history.h"
#include "core/workflow.h"
#include "store/app_steps.h"
#include "store/apps.h"
#include "store/deployments.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of deployments");
}

/* ---- workflows ---- */

static bool is_compiled_in(const char *id)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		if (strcmp(workflows[i]->id, id) == 0)
			return true;
	return false;
}

static bool join(
	const struct app_workflows *had, struct arena *arena, struct string_list *ret_workflows)
{
	size_t count = 0;

	while (workflows[count] != NULL)
		count++;
	const char **ids = arena_allocate_array(arena, count + had->count, sizeof(*ids));
	if (ids == NULL)
		return false;

	for (size_t i = 0; i < count; i++)
		ids[i] = workflows[i]->id;
	for (size_t i = 0; i < had->count; i++)
		if (!is_compiled_in(had->ids[i]))
			ids[count++] = had->ids[i];
	*ret_workflows = (struct string_list){ ids, count };
	return true;
}

enum error_class app_deployments_workflows(const struct service *service, const char *const *apps,
	size_t count, struct string_list *ret_workflows, struct error *error)
{
	struct app_workflows *had = arena_allocate_array(service->arena, count, sizeof(*had));

	if (had == NULL)
		return no_memory(error);
	if (app_workflows_list(service->redis, service->tenant, apps, count, service->arena, had,
		    error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++)
		if (!join(&had[i], service->arena, &ret_workflows[i]))
			return no_memory(error);
	return ERROR_NONE;
}

/* ---- of many apps ---- */

static enum error_class list_of_app(
	const struct deployment *deployments, size_t count, cJSON *lists, struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();

	if (list == NULL)
		return no_memory(error);
	for (size_t i = 0; i < count; i++) {
		cJSON *json;
		if (deployments[i].id[0] == '\0')
			continue;
		if (deployment_status(&deployments[i], &json, error) != ERROR_NONE)
			return error->class;
		if (!json_append(list, json))
			return no_memory(error);
	}
	return json_append(lists, json_take(&list)) ? ERROR_NONE : no_memory(error);
}

/* The deployments of the apps, one behind another, as many of each as it has workflows. */
static enum error_class read_all(const struct service *service, const char *const *apps,
	const struct string_list *had, size_t count, struct deployment **ret_deployments,
	struct error *error)
{
	size_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += had[i].count;
	struct run_name *names = arena_allocate_array(service->arena, all, sizeof(*names));
	*ret_deployments = arena_allocate_array(service->arena, all, sizeof(**ret_deployments));
	if (names == NULL || *ret_deployments == NULL)
		return no_memory(error);

	all = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < had[i].count; j++)
			names[all++] = (struct run_name){ service->tenant, apps[i], had[i].items[j],
				NULL };
	return deployments_read(
		service->redis, names, all, service->arena, *ret_deployments, error);
}

enum error_class app_deployments_list(const struct service *service, const char *const *apps,
	size_t count, cJSON **ret_lists, struct error *error)
{
	struct string_list *had = arena_allocate_array(service->arena, count, sizeof(*had));
	struct deployment *deployments;
	CLEANUP_JSON cJSON *lists = cJSON_CreateArray();

	if (had == NULL || lists == NULL)
		return no_memory(error);
	if (app_deployments_workflows(service, apps, count, had, error) != ERROR_NONE ||
		read_all(service, apps, had, count, &deployments, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; deployments += had[i++].count)
		if (list_of_app(deployments, had[i].count, lists, error) != ERROR_NONE)
			return error->class;
	*ret_lists = json_take(&lists);
	return ERROR_NONE;
}

/* ---- of one app ---- */

/* A key that a hand has made something else hides none of the others. */
static enum error_class add_last(const struct service *service, const char *app,
	const char *workflow, cJSON *list, struct error *error)
{
	const struct run_name name = { service->tenant, app, workflow, NULL };
	struct deployment deployment;
	cJSON *json;

	enum error_class class =
		deployment_read(service->redis, &name, service->arena, &deployment, error);
	if (class == ERROR_STORE_REFUSED)
		return ERROR_NONE;
	if (class != ERROR_NONE || deployment.id[0] == '\0')
		return class;
	if (deployment_json(&deployment, &json, error) != ERROR_NONE)
		return error->class;
	return json_append(list, json) ? ERROR_NONE : no_memory(error);
}

enum error_class app_deployments_read(const struct service *service, const char *app,
	cJSON **ret_workflows, cJSON **ret_list, struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	CLEANUP_JSON cJSON *ids = cJSON_CreateArray();
	struct app_workflows had;
	struct string_list all;

	if (list == NULL || ids == NULL)
		return no_memory(error);
	if (app_workflows_list(service->redis, service->tenant, &app, 1, service->arena, &had,
		    error) != ERROR_NONE)
		return error->class;
	if (!join(&had, service->arena, &all))
		return no_memory(error);
	for (size_t i = 0; i < all.count; i++)
		if (add_last(service, app, all.items[i], list, error) != ERROR_NONE)
			return error->class;
	for (size_t i = 0; i < had.count; i++)
		if (!json_append(ids, cJSON_CreateString(had.ids[i])))
			return no_memory(error);

	*ret_workflows = json_take(&ids);
	*ret_list = json_take(&list);
	return ERROR_NONE;
}
