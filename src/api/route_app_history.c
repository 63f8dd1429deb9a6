/*
 * GET /api/apps/{app}/history: the runs of an app that have ended, the last one first.
 */
#include "api/page.h"
#include "api/resources_list.h"
#include "api/route.h"
#include "base/record.h"
#include "core/history.h"
#include "store/streams.h"

/* The list while it is made. */
struct listing {
	const struct service *service;
	const char *app;
	cJSON *resources, *runs;
};

static enum error_class take_run(
	void *context, const struct stream_entry *entry, struct error *error)
{
	struct listing *listing = context;
	struct ended_run run;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	cJSON *json;
	bool complete = true;

	record_clear(&ended_run_fields, &run);
	for (size_t i = 0; complete && i + 1 < reply_count(entry->fields); i += 2)
		complete = record_take(&ended_run_fields, &run,
			reply_text(reply_item(entry->fields, i)),
			reply_text(reply_item(entry->fields, i + 1)), &arena);
	run.finished_at = entry->at;
	cJSON *made = complete ? resources_of_run(listing->resources, run.id) : NULL;
	if (made == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a history");
	if (ended_run_json(&run, listing->app, made, &json, error) != ERROR_NONE)
		return error->class;
	return json_append(listing->runs, json)
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a history");
}

static enum error_class list_runs(const struct service *service, const struct page *page,
	const char *app, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *resources = NULL, *runs = cJSON_CreateArray();
	char next[STREAM_ID_SIZE];
	const struct stream_query query = { service_app(service, app), STREAM_HISTORY, page->after,
		page->workflow, page->status, page->limit };

	if (runs == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a history");
	if (resources_list(service, app, &resources, error) != ERROR_NONE)
		return error->class;
	struct listing listing = { service, app, resources, runs };
	if (stream_page(service->redis, &query, take_run, &listing, next, error) != ERROR_NONE)
		return error->class;
	return page_respond(response, app, "runs", json_take(&runs), next, error);
}

static enum error_class handle_history(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const statuses[] = { "done", "error", NULL };
	CLEANUP_PAGE struct page page = PAGE_EMPTY;

	if (page_read(request, PAGE_BY_WORKFLOW | PAGE_BY_STATUS, statuses, &page, error) !=
		ERROR_NONE)
		return error->class;
	if (page.after != NULL && !stream_id_valid(page.after))
		return page_refuse_after(error);
	return list_runs(service, &page, request->app, response, error);
}

const struct route route_app_history = { .method = "GET",
	.path = "/api/apps/{app}/history",
	.role = ROLE_READ,
	.handle = handle_history };
