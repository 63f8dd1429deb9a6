/*
 * Rows of a ledger as JSON. One that was damaged by hand hides none of the others.
 */
#include "api/resources_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/record.h"
#include "core/resource.h"
#include "store/ledger.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of resources");
}

static int compare_names(const void *one, const void *other)
{
	const cJSON *const *a = one, *const *b = other;
	return strcmp((*a)->string, (*b)->string);
}

/* Borrows the rows. NULL if memory is short. */
static const cJSON **sort_rows(const cJSON *ledger, size_t count, struct arena *arena)
{
	const cJSON **rows = arena_allocate_array(arena, count, sizeof(const cJSON *));
	const cJSON *row;
	size_t i = 0;

	if (rows == NULL)
		return NULL;
	cJSON_ArrayForEach (row, ledger)
		rows[i++] = row;
	if (count > 0)
		qsort(rows, count, sizeof(const cJSON *), compare_names);
	return rows;
}

static enum error_class row_json(
	const struct service *service, const cJSON *row, cJSON **ret_json, struct error *error)
{
	struct resource resource;
	const char *text = cJSON_GetStringValue(row);

	if (resource_read(row->string, text, service->arena, &resource, error) != ERROR_NONE) {
		if (error->class == ERROR_OUT_OF_MEMORY)
			return error->class;
		resource = (struct resource){ .key = row->string, .state = "damaged" };
	}
	return record_encode(&resource_record, &resource, ret_json, error);
}

enum error_class resources_list(
	const struct service *service, const char *app, cJSON **ret_list, struct error *error)
{
	const struct app_name name = service_app(service, app);
	CLEANUP_JSON cJSON *ledger = NULL, *list = cJSON_CreateArray();

	if (list == NULL)
		return no_memory(error);
	if (ledger_read(service->redis, &name, &ledger, error) != ERROR_NONE)
		return error->class;
	size_t count = (size_t)cJSON_GetArraySize(ledger);
	const cJSON **rows = sort_rows(ledger, count, service->arena);
	if (rows == NULL)
		return no_memory(error);
	for (size_t i = 0; i < count; i++) {
		cJSON *resource;
		if (row_json(service, rows[i], &resource, error) != ERROR_NONE)
			return error->class;
		if (!json_append(list, resource))
			return no_memory(error);
	}
	*ret_list = json_take(&list);
	return ERROR_NONE;
}

cJSON *resources_of_run(const cJSON *list, const char *run)
{
	CLEANUP_JSON cJSON *found = cJSON_CreateArray();
	const cJSON *resource;

	cJSON_ArrayForEach (resource, list) {
		const char *wrote = json_member_string(resource, "run");
		if (wrote == NULL || run[0] == '\0' || strcmp(wrote, run) != 0)
			continue;
		if (found == NULL || !json_append(found, cJSON_Duplicate(resource, true)))
			return NULL;
	}
	return json_take(&found);
}

const char *resource_name(const cJSON *resource, struct arena *arena)
{
	const char *provider = json_member_string(resource, "provider");
	const char *type = json_member_string(resource, "type");
	const char *key = json_member_string(resource, "key");

	if (provider == NULL || type == NULL)
		return key != NULL ? key : "";
	return arena_format(arena, "%s:%s:%s", provider, type, key != NULL ? key : "");
}
