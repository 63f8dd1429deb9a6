/*
 * Asks for one page after another until there are enough entries, or no more.
 */
#include "cli/listing.h"

#include <stdio.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"

#define PAGE_MAX 200

static enum error_class read_page(const struct endpoint *endpoint, const struct listing *listing,
	int64_t left, const char *after, cJSON **ret_json, struct error *error)
{
	char path[160] = "/api/apps", limit[24];
	struct string_pair query[5] = { { "limit", limit } };
	size_t count = 1;

	if (listing->app != NULL)
		text_append(path, sizeof(path), "/%s/%s", listing->app, listing->list);
	text_format(limit, sizeof(limit), "%d", left < PAGE_MAX ? (int)left : PAGE_MAX);
	if (after != NULL)
		query[count++] = (struct string_pair){ "after", after };
	if (listing->workflow != NULL)
		query[count++] = (struct string_pair){ "workflowId", listing->workflow };
	if (listing->status != NULL)
		query[count++] = (struct string_pair){ "status", listing->status };
	return endpoint_get(endpoint, path, query, ret_json, error);
}

/* Prints at most `left` entries of the page; returns how many. */
static int64_t print_page(const struct listing *listing, const cJSON *page, int64_t left)
{
	const cJSON *entry;
	int64_t count = 0;

	cJSON_ArrayForEach (entry, json_member(page, listing->member)) {
		if (count == left)
			return count;
		if (listing->json)
			show_json(stdout, entry);
		else
			listing->show(entry);
		count++;
	}
	return count;
}

static enum error_class print_all(const struct listing *listing, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *page = NULL;
	int64_t printed = 0;
	const char *after = NULL;

	if (endpoint_open(&endpoint, listing->settings, error) != ERROR_NONE)
		return error->class;
	do {
		cJSON *next;
		if (read_page(&endpoint, listing, listing->limit - printed, after, &next, error) !=
			ERROR_NONE)
			return error->class;
		json_clear(&page);
		page = next;
		printed += print_page(listing, page, listing->limit - printed);
		after = json_member_string(page, "next");
	} while (after != NULL && printed < listing->limit);

	if (printed == 0 && !listing->json) {
		show_text(stdout, listing->none);
		putchar('\n');
	}
	if (after != NULL && !listing->json)
		printf("There are more; --limit says how many to print.\n");
	return ERROR_NONE;
}

int listing_print(const struct listing *listing)
{
	struct error error;

	return print_all(listing, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
}

void listing_column(const cJSON *entry, const char *member, int width)
{
	show_column(stdout, json_member_string(entry, member), width);
}
