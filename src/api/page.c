/*
 * Reads the query of a list, and makes its response. A page never has more than PAGE_LIMIT_MAX
 * entries, so one request cannot make a handler hold a whole history.
 */
#include "api/page.h"

#include <string.h>

#include "api/body.h"
#include "api/query.h"
#include "base/text.h"
#include "slipway/field.h"

void page_release(struct page *page)
{
	json_clear(&page->query);
}

static enum error_class read_limit(struct page *page, struct error *error)
{
	const char *text = json_member_string(page->query, "limit");
	int64_t limit = PAGE_LIMIT_DEFAULT;

	if (text != NULL &&
		(!text_to_integer(text, &limit) || limit < 1 || limit > PAGE_LIMIT_MAX)) {
		error_set(error, ERROR_INVALID_REQUEST, "limit must be a whole number from 1 to %d",
			PAGE_LIMIT_MAX);
		return error_at(error, "?limit");
	}
	page->limit = (size_t)limit;
	return ERROR_NONE;
}

static enum error_class read_status(
	struct page *page, const char *const *statuses, struct error *error)
{
	char names[80] = "";

	page->status = json_member_string(page->query, "status");
	if (page->status == NULL || statuses == NULL)
		return ERROR_NONE;
	for (size_t i = 0; statuses[i] != NULL; i++) {
		if (strcmp(statuses[i], page->status) == 0)
			return ERROR_NONE;
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", statuses[i]);
	}
	error_set(error, ERROR_INVALID_REQUEST, "status must be one of %s", names);
	return error_at(error, "?status");
}

enum error_class page_read(const struct request *request, unsigned filters,
	const char *const *statuses, struct page *ret_page, struct error *error)
{
	const char *names[5] = { "after", "limit" };
	size_t count = 2;

	if (filters & PAGE_BY_WORKFLOW)
		names[count++] = "workflowId";
	if (filters & PAGE_BY_STATUS)
		names[count++] = "status";
	*ret_page = PAGE_EMPTY;
	if (query_parse(request->query, names, &ret_page->query, error) != ERROR_NONE)
		return error->class;
	if (body_identifier_optional(ret_page->query, "workflowId", &ret_page->workflow, error) !=
		ERROR_NONE)
		return query_fault(error);
	if (read_limit(ret_page, error) != ERROR_NONE)
		return error->class;
	ret_page->after = json_member_string(ret_page->query, "after");
	return read_status(ret_page, statuses, error);
}

enum error_class page_refuse_after(struct error *error)
{
	error_set(error, ERROR_INVALID_REQUEST, "after must be what `next` of another page says");
	error_at(error, "?after");
	return error_remedy(error, NULL, "Leave it out to begin with the first page.");
}

enum error_class page_respond(struct response *response, const char *app, const char *name,
	cJSON *list, const char *next, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL) {
		cJSON_Delete(list);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	}
	bool complete = json_add(json, name, list) &&
		(app[0] == '\0' || json_add(json, "appId", cJSON_CreateString(app))) &&
		json_add(json, "next",
			next[0] != '\0' ? cJSON_CreateString(next) : cJSON_CreateNull());
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	return response_json(response, 200, json_take(&json), error);
}
