/*
 * GET /api/apps: all apps with the state of their deployments, the one that changed last first.
 */
#include <string.h>

#include "api/app_deployments.h"
#include "api/page.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/apps.h"

#define CURSOR_SIZE (IDENTIFIER_SIZE + 24)

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of apps");
}

/* The time of the last change and the id, with a dot between: no id has one. */
static bool read_cursor(const char *text, struct apps_cursor *cursor)
{
	char time[24];
	size_t length = strcspn(text, ".");

	return text_format(time, sizeof(time), "%.*s", (int)length, text) &&
		text_to_integer(time, &cursor->changed_at) && text[length] == '.' &&
		identifier_valid(text + length + 1) &&
		text_copy(cursor->id, sizeof(cursor->id), text + length + 1);
}

static void print_cursor(const struct apps_cursor *cursor, char text[CURSOR_SIZE])
{
	text[0] = '\0';
	if (cursor->id[0] != '\0')
		text_format(
			text, CURSOR_SIZE, "%lld.%s", (long long)cursor->changed_at, cursor->id);
}

static cJSON *app_json(const struct listed_app *app, cJSON *deployments)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	char changed[CLOCK_TEXT_SIZE];

	clock_format(app->changed_at, changed);
	if (json == NULL) {
		cJSON_Delete(deployments);
		return NULL;
	}
	if (!json_add(json, "deployments", deployments) ||
		!json_add(json, "appId", cJSON_CreateString(app->id)) ||
		!json_add(json, "changedAt", cJSON_CreateString(changed)))
		return NULL;
	return json_take(&json);
}

static enum error_class describe(const struct service *service, const struct listed_app *apps,
	size_t count, cJSON *list, struct error *error)
{
	const char *ids[PAGE_LIMIT_MAX];
	CLEANUP_JSON cJSON *deployments = NULL;

	for (size_t i = 0; i < count; i++)
		ids[i] = apps[i].id;
	if (app_deployments_list(service, ids, count, &deployments, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < count; i++) {
		cJSON *own = cJSON_DetachItemViaPointer(deployments, deployments->child);
		if (!json_append(list, app_json(&apps[i], own)))
			return no_memory(error);
	}
	return ERROR_NONE;
}

static enum error_class handle_apps(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_PAGE struct page page = PAGE_EMPTY;
	CLEANUP_JSON cJSON *list = cJSON_CreateArray();
	struct listed_app apps[PAGE_LIMIT_MAX];
	struct apps_cursor after = { 0 }, next;
	char cursor[CURSOR_SIZE];
	size_t count;

	if (list == NULL)
		return no_memory(error);
	if (page_read(request, PAGE_BY_NOTHING, NULL, &page, error) != ERROR_NONE)
		return error->class;
	if (page.after != NULL && !read_cursor(page.after, &after))
		return page_refuse_after(error);
	if (apps_page(service->redis, service->tenant, service->caller, &after, page.limit,
		    service->arena, apps, &count, &next, error) != ERROR_NONE)
		return error->class;
	if (describe(service, apps, count, list, error) != ERROR_NONE)
		return error->class;
	print_cursor(&next, cursor);
	return page_respond(response, "", "apps", json_take(&list), cursor, error);
}

const struct route route_apps = {
	.method = "GET", .path = "/api/apps", .role = ROLE_READ, .handle = handle_apps
};
