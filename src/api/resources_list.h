/*
 * What an app has at providers, as a list for responses.
 */
#ifndef SLIPWAY_API_RESOURCES_LIST_H
#define SLIPWAY_API_RESOURCES_LIST_H

#include "api/request.h"

/* All rows of the app's ledger as JSON objects, sorted by provider, type and key. A damaged one has
 * only its name. *ret_list is the caller's. */
enum error_class resources_list(const struct service *service, const char *app, cJSON **ret_list,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Those of the list that this run wrote last, as copies. NULL if memory is short. The caller's. */
cJSON *resources_of_run(const cJSON *list, const char *run);

/* The name of the row in the ledger, provider:type:key, in the arena; NULL if memory is short. */
const char *resource_name(const cJSON *resource, struct arena *arena);

#endif
