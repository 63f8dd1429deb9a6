/*
 * The deployments of apps, by all workflows that there are.
 */
#ifndef SLIPWAY_API_APP_DEPLOYMENTS_H
#define SLIPWAY_API_APP_DEPLOYMENTS_H

#include "api/request.h"

/* Reads the last deployment of each workflow of these apps, and gives for each app a list of the
 * deployment objects of those that there are. *ret_lists is a list of lists, and the caller's. */
enum error_class app_deployments_list(const struct service *service, const char *const *apps,
	size_t count, cJSON **ret_lists, struct error *error) SLIPWAY_MUST_CHECK;

#endif
