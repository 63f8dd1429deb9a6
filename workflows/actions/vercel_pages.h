/*
 * Lists of Vercel that come in pages: all of them, one after another.
 */
#ifndef WORKFLOWS_VERCEL_PAGES_H
#define WORKFLOWS_VERCEL_PAGES_H

#include "slipway/provider.h"

/*
 * Reads a list to its end: `member` names it in the response, `item` describes one of it. The
 * request has room for another pair in its query, for Vercel takes the page in "until". An expected
 * status is an empty list. False if a call failed.
 */
bool pages_read(struct action_context *context, const struct provider_request *request,
	const char *member, const struct record *item,
	struct object_list *ret_list) SLIPWAY_MUST_CHECK;

#endif
