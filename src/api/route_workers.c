/*
 * GET /api/workers: which workers are running, by their heartbeats, what each runs of the tenant
 * that asks, and which definitions it has. Of others only the number of busy executors is told.
 */
#include <string.h>

#include "api/page.h"
#include "api/query.h"
#include "api/route.h"
#include "slipway/field.h"
#include "store/workers.h"

/* APP WORKFLOW STEP of each run of the tenant. */
static cJSON *running_to_json(const struct string_list *running, const char *tenant)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	size_t length = strlen(tenant);

	for (size_t i = 0; list != NULL && i < running->count; i++) {
		const char *run = running->items[i];
		if (strncmp(run, tenant, length) == 0 && run[length] == ' ' &&
			!json_append(list, cJSON_CreateString(run + length + 1)))
			return NULL;
	}
	return json_take(&list);
}

static cJSON *definitions_to_json(const struct string_map *definitions)
{
	CLEANUP_JSON cJSON *map = cJSON_CreateObject();

	for (size_t i = 0; map != NULL && i < definitions->count; i++)
		if (!json_add(map, definitions->items[i].name,
			    cJSON_CreateString(definitions->items[i].value)))
			return NULL;
	return json_take(&map);
}

static cJSON *worker_to_json(const struct worker_row *row, const char *tenant)
{
	const struct worker_heartbeat *beat = &row->beat;
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	bool known = row->age_ms != WORKER_NEVER_MS, dated = beat->started_at[0] != '\0';

	if (json == NULL || !json_add(json, "name", cJSON_CreateString(beat->name)) ||
		!json_add(json, "version", cJSON_CreateString(beat->version)) ||
		!json_add(json, "startedAt",
			dated ? cJSON_CreateString(beat->started_at) : cJSON_CreateNull()) ||
		!json_add(json, "executors", json_integer((int64_t)beat->executors)) ||
		!json_add(json, "busy", json_integer((int64_t)beat->busy)) ||
		!json_add(json, "running", running_to_json(&beat->running, tenant)) ||
		!json_add(json, "definitions", definitions_to_json(&row->definitions)) ||
		!json_add(json, "silent", cJSON_CreateBool(row->age_ms > WORKER_SILENT_MS)) ||
		!json_add(json, "heartbeatAgeMs",
			known ? json_integer(row->age_ms) : cJSON_CreateNull()))
		return NULL;
	return json_take(&json);
}

static enum error_class handle_workers(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const no_parameters[] = { NULL };
	CLEANUP_JSON cJSON *query = NULL, *list = cJSON_CreateArray();
	struct worker_rows rows;
	bool complete = list != NULL;

	if (query_parse(request->query, no_parameters, &query, error) != ERROR_NONE ||
		workers_read(service->redis, service->arena, &rows, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; complete && i < rows.count; i++)
		complete = json_append(list, worker_to_json(&rows.items[i], service->tenant));
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of workers");
	return page_respond(response, "", "workers", json_take(&list), "", error);
}

const struct route route_workers = { .method = "GET",
	.path = "/api/workers",
	.role = ROLE_READ,
	.whole = true,
	.handle = handle_workers };
