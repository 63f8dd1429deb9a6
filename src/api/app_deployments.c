/*
 * One question to Redis for many apps and all workflows.
 */
#include "api/app_deployments.h"

#include "core/workflow.h"
#include "store/apps.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of deployments");
}

static size_t count_workflows(void)
{
	size_t count = 0;

	while (workflows[count] != NULL)
		count++;
	return count;
}

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

enum error_class app_deployments_list(const struct service *service, const char *const *apps,
	size_t count, cJSON **ret_lists, struct error *error)
{
	size_t each = count_workflows(), all = each * count;
	struct run_name *names = arena_allocate_array(service->arena, all, sizeof(*names));
	struct deployment *deployments =
		arena_allocate_array(service->arena, all, sizeof(*deployments));
	CLEANUP_JSON cJSON *lists = cJSON_CreateArray();

	if (names == NULL || deployments == NULL || lists == NULL)
		return no_memory(error);
	for (size_t i = 0; i < all; i++)
		names[i] = (struct run_name){ apps[i / each], workflows[i % each]->id, NULL };
	if (deployments_read(service->redis, names, all, service->arena, deployments, error) !=
		ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++)
		if (list_of_app(&deployments[i * each], each, lists, error) != ERROR_NONE)
			return error->class;
	*ret_lists = json_take(&lists);
	return ERROR_NONE;
}
