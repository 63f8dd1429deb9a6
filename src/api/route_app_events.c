/*
 * GET /api/apps/{app}/events: what changed of an app's runs and deployments, and what its actions
 * logged, the last one first.
 */
#include "api/page.h"
#include "api/route.h"
#include "base/record.h"
#include "core/history.h"
#include "store/streams.h"

static enum error_class take_event(
	void *context, const struct stream_entry *entry, struct error *error)
{
	cJSON *list = context, *json;
	struct app_event event;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	bool complete = true;

	record_clear(&app_event_fields, &event);
	for (size_t i = 0; complete && i + 1 < reply_count(entry->fields); i += 2)
		complete = record_take(&app_event_fields, &event,
			reply_text(reply_item(entry->fields, i)),
			reply_text(reply_item(entry->fields, i + 1)), &arena);
	event.at = entry->at;
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of events");
	if (app_event_json(&event, &json, error) != ERROR_NONE)
		return error->class;
	return json_append(list, json)
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of events");
}

static enum error_class handle_events(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_PAGE struct page page = PAGE_EMPTY;
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	char next[STREAM_ID_SIZE];

	if (list == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of events");
	if (page_read(request, PAGE_BY_WORKFLOW, NULL, &page, error) != ERROR_NONE)
		return error->class;
	if (page.after != NULL && !stream_id_valid(page.after))
		return page_refuse_after(error);

	const struct stream_query query = { service_app(service, request->app), STREAM_EVENTS,
		page.after, page.workflow, NULL, page.limit };
	if (stream_page(service->redis, &query, take_event, list, next, error) != ERROR_NONE)
		return error->class;
	return page_respond(response, request->app, "events", json_take(&list), next, error);
}

const struct route route_app_events = { .method = "GET",
	.path = "/api/apps/{app}/events",
	.role = ROLE_READ,
	.handle = handle_events };
