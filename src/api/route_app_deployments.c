/*
 * GET /api/apps/{app}/deployments: those that are live, all on the first page, and then those that
 * have ended, the last one first.
 */
#include <string.h>

#include "api/app_deployments.h"
#include "api/page.h"
#include "api/route.h"
#include "core/history.h"
#include "store/deployments.h"
#include "store/streams.h"

/* The list while it is made. */
struct listing {
	const struct service *service;
	const char *app;
	cJSON *list;
};

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of deployments");
}

static bool has(const cJSON *list, const char *id)
{
	const cJSON *deployment;

	cJSON_ArrayForEach (deployment, list) {
		const char *other = json_member_string(deployment, "deploymentId");
		if (other != NULL && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

static enum error_class add(
	struct listing *listing, const struct deployment *deployment, struct error *error)
{
	cJSON *json;

	/* One may end between the two questions. */
	if (deployment->id[0] == '\0' || has(listing->list, deployment->id))
		return ERROR_NONE;
	if (deployment_json(deployment, &json, error) != ERROR_NONE)
		return error->class;
	return json_append(listing->list, json) ? ERROR_NONE : no_memory(error);
}

static enum error_class take_ended(
	void *context, const struct stream_entry *entry, struct error *error)
{
	struct listing *listing = context;
	struct deployment deployment;

	if (deployment_take(entry->fields, listing->app, stream_field(entry->fields, "workflow"),
		    listing->service->arena, &deployment, error) != ERROR_NONE)
		return error->class;
	return add(listing, &deployment, error);
}

/* Of other builds, too. A key that a hand has made something else hides none of the others. */
static enum error_class add_live(
	struct listing *listing, const struct page *page, struct error *error)
{
	struct string_list all;

	if (app_deployments_workflows(listing->service, &listing->app, 1, &all, error) !=
		ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < all.count; i++) {
		const struct run_name name = { listing->service->tenant, listing->app, all.items[i],
			NULL };
		struct deployment deployment;

		if (page->workflow != NULL && strcmp(page->workflow, all.items[i]) != 0)
			continue;
		enum error_class class = deployment_read(listing->service->redis, &name,
			listing->service->arena, &deployment, error);
		if (class == ERROR_STORE_REFUSED)
			continue;
		if (class != ERROR_NONE)
			return class;
		if (deployment_is_live(&deployment) &&
			add(listing, &deployment, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

static enum error_class list_deployments(const struct service *service, const struct page *page,
	const char *app, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	char next[STREAM_ID_SIZE] = "";
	const struct stream_query query = { service_app(service, app), STREAM_DEPLOYMENTS,
		page->after, page->workflow, page->status, page->limit };
	struct listing listing = { service, app, list };
	bool running = page->status != NULL && strcmp(page->status, "running") == 0;

	if (list == NULL)
		return no_memory(error);
	if (page->after == NULL && (page->status == NULL || running) &&
		add_live(&listing, page, error) != ERROR_NONE)
		return error->class;
	if (!running &&
		stream_page(service->redis, &query, take_ended, &listing, next, error) !=
			ERROR_NONE)
		return error->class;
	return page_respond(response, app, "deployments", json_take(&list), next, error);
}

static enum error_class handle_deployments(const struct service *service,
	const struct request *request, struct response *response, struct error *error)
{
	static const char *const statuses[] = { "running", "done", "error", NULL };
	CLEANUP_PAGE struct page page = PAGE_EMPTY;

	if (page_read(request, PAGE_BY_WORKFLOW | PAGE_BY_STATUS, statuses, &page, error) !=
		ERROR_NONE)
		return error->class;
	if (page.after != NULL && !stream_id_valid(page.after))
		return page_refuse_after(error);
	return list_deployments(service, &page, request->app, response, error);
}

const struct route route_app_deployments = { .method = "GET",
	.path = "/api/apps/{app}/deployments",
	.role = ROLE_READ,
	.handle = handle_deployments };
