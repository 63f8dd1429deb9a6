/*
 * Reads lists of Vercel to their end. Each page names the next one, by a time or a token.
 *
 * API: https://vercel.com/docs/rest-api, "Pagination".
 */
#include "vercel_pages.h"

#include <string.h>

#define PAGES_MAX 100 /* a list that never ends is read no further */

struct pagination {
	const char *next;
};
static const struct field pagination_fields[] = { { SCALAR_FIELD(
	"next", struct pagination, next) } };
static const struct record pagination_record = RECORD(struct pagination, pagination_fields);

struct page {
	struct object_list items;
	const void *pagination;
};

/* *ret_next is NULL on the last page. */
static bool read_page(struct action_context *context, const struct provider_request *request,
	const char *member, const struct record *item, struct object_list *ret_items,
	const char **ret_next)
{
	const struct field fields[] = {
		{ OBJECTS_FIELD(member, struct page, items), .record = item },
		{ OBJECT_FIELD("pagination", struct page, pagination),
			.record = &pagination_record },
	};
	const struct record record = RECORD(struct page, fields);
	struct provider_response response;
	struct page page;

	*ret_items = (struct object_list){ NULL, 0 };
	*ret_next = NULL;
	if (!provider_call(context, &vercel, request, &response))
		return false;
	if (response.status >= 400)
		return true;
	if (!provider_decode(context, &response, &record, &page))
		return false;
	const struct pagination *pagination = page.pagination;
	*ret_items = page.items;
	*ret_next = pagination != NULL && page.items.count > 0 ? pagination->next : NULL;
	return true;
}

static bool append(struct action_context *context, const struct record *item,
	const struct object_list *page, struct object_list *list)
{
	size_t count = list->count + page->count;
	char *items = action_allocate(context, count, item->size);

	if (count == 0)
		return true;
	if (items == NULL) {
		action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for a list of %zu", count);
		return false;
	}

	if (list->count > 0)
		memcpy(items, list->items, list->count * item->size);
	if (page->count > 0)
		memcpy(items + list->count * item->size, page->items, page->count * item->size);
	*list = (struct object_list){ items, count };
	return true;
}

bool pages_read(struct action_context *context, const struct provider_request *request,
	const char *member, const struct record *item, struct object_list *ret_list)
{
	struct provider_request asked = *request;
	struct object_list page;
	const char *next = NULL;
	size_t slot = 0;

	while (slot < PROVIDER_PARAMETERS - 1 && asked.query[slot].name != NULL)
		slot++;
	*ret_list = (struct object_list){ NULL, 0 };
	for (int i = 0; i < PAGES_MAX; i++) {
		const char *before = next;
		if (!read_page(context, &asked, member, item, &page, &next) ||
			!append(context, item, &page, ret_list))
			return false;
		if (next == NULL || (before != NULL && strcmp(before, next) == 0))
			break;
		asked.query[slot] = (struct string_pair){ "until", next };
	}

	return true;
}
