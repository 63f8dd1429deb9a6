/*
 * What the GET lists share: which part of a list is asked for, and the response with the part that
 * comes next.
 */
#ifndef SLIPWAY_API_PAGE_H
#define SLIPWAY_API_PAGE_H

#include "api/request.h"

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX     200

/* Which entries. Borrows from `query`, which it owns: page_release or CLEANUP_PAGE. */
struct page {
	cJSON *query;
	const char *after;             /* as `next` of the page before; NULL: the first page */
	const char *workflow, *status; /* NULL: any */
	size_t limit;
};

#define CLEANUP_PAGE CLEANUP(page_release)
#define PAGE_EMPTY   ((struct page){ .query = NULL })

/* A list is filtered by neither, or by one or both of these. */
enum page_filters {
	PAGE_BY_NOTHING = 0,
	PAGE_BY_WORKFLOW = 1,
	PAGE_BY_STATUS = 2,
};

/*
 * Reads after, limit and the filters of the list from the query. statuses (may be NULL) are those
 * that entries may have, ended by NULL. ERROR_INVALID_REQUEST with the parameter as its place.
 */
enum error_class page_read(const struct request *request, unsigned filters,
	const char *const *statuses, struct page *ret_page, struct error *error) SLIPWAY_MUST_CHECK;

/* ERROR_INVALID_REQUEST: `after` is none that this list has given. */
enum error_class page_refuse_after(struct error *error);

/* Frees the query. */
void page_release(struct page *page);

/* Responds with {name: list, "next": next}; next "" is null. app (may be "") becomes appId. Takes
 * the list over. */
enum error_class page_respond(struct response *response, const char *app, const char *name,
	cJSON *list, const char *next, struct error *error) SLIPWAY_MUST_CHECK;

#endif
