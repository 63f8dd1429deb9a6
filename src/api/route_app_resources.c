/*
 * GET /api/apps/{app}/resources: what an app has at providers, sorted by provider, type and key.
 */
#include <string.h>

#include "api/page.h"
#include "api/resources_list.h"
#include "api/route.h"

static bool is_wanted(const struct page *page, const cJSON *resource)
{
	const char *workflow = json_member_string(resource, "workflow");
	return page->workflow == NULL ||
		(workflow != NULL && strcmp(workflow, page->workflow) == 0);
}

/* Takes the rows of the page out of the list; *ret_next is the name of the last one if there are
 * more. */
static enum error_class take_page(const struct service *service, const struct page *page,
	cJSON *all, cJSON *taken, const char **ret_next, struct error *error)
{
	const char *last = "";
	size_t count = 0;

	*ret_next = "";
	for (cJSON *row = all->child, *next; row != NULL; row = next) {
		const char *name = resource_name(row, service->arena);
		next = row->next;
		if (name == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
		if (!is_wanted(page, row) ||
			(page->after != NULL && strcmp(name, page->after) <= 0))
			continue;
		if (count++ == page->limit) {
			*ret_next = last;
			return ERROR_NONE;
		}
		last = name;
		if (!json_append(taken, cJSON_DetachItemViaPointer(all, row)))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
	}
	return ERROR_NONE;
}

static enum error_class handle_resources(const struct service *service,
	const struct request *request, struct response *response, struct error *error)
{
	CLEANUP_PAGE struct page page = PAGE_EMPTY;
	CLEANUP_JSON cJSON *all = NULL, *taken = cJSON_CreateArray();
	const char *next;

	if (taken == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
	if (page_read(request, PAGE_BY_WORKFLOW, NULL, &page, error) != ERROR_NONE ||
		resources_list(service, request->app, &all, error) != ERROR_NONE ||
		take_page(service, &page, all, taken, &next, error) != ERROR_NONE)
		return error->class;
	return page_respond(response, request->app, "resources", json_take(&taken), next, error);
}

const struct route route_app_resources = { .method = "GET",
	.path = "/api/apps/{app}/resources",
	.role = ROLE_READ,
	.handle = handle_resources };
