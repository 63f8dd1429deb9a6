/*
 * GET /api/workers: which workers are running, by their heartbeats.
 */
#include "api/page.h"
#include "api/query.h"
#include "api/route.h"
#include "slipway/field.h"
#include "store/workers.h"

/* The list while it is made. */
struct listing {
	cJSON *list;
	bool complete;
};

static void add_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct listing *listing = context;
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	bool known = age_ms != WORKER_NEVER_MS;

	listing->complete = listing->complete && json != NULL &&
		json_add(json, "name", cJSON_CreateString(beat->name)) &&
		json_add(json, "version", cJSON_CreateString(beat->version)) &&
		json_add(json, "executors", json_integer((int64_t)beat->executors)) &&
		json_add(json, "busy", json_integer((int64_t)beat->busy)) &&
		json_add(json, "silent", cJSON_CreateBool(age_ms > WORKER_SILENT_MS)) &&
		json_add(json, "heartbeatAgeMs",
			known ? json_integer(age_ms) : cJSON_CreateNull()) &&
		json_append(listing->list, json_take(&json));
}

static enum error_class handle_workers(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const no_parameters[] = { NULL };
	CLEANUP_JSON cJSON *query = NULL, *list = cJSON_CreateArray();
	struct listing listing = { list, list != NULL };

	if (query_parse(request->query, no_parameters, &query, error) != ERROR_NONE ||
		workers_list(service->redis, add_worker, &listing, error) != ERROR_NONE)
		return error->class;
	if (!listing.complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of workers");
	return page_respond(response, "", "workers", json_take(&list), "", error);
}

const struct route route_workers = {
	.method = "GET", .path = "/api/workers", .handle = handle_workers
};
