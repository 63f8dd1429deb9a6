/*
 * The last deployments of apps, one of each workflow.
 */
#ifndef SLIPWAY_API_APP_DEPLOYMENTS_H
#define SLIPWAY_API_APP_DEPLOYMENTS_H

#include "api/request.h"

/* The ids of the workflows that there may be deployments of, for each of these apps: those of this
 * build, and behind them those that only other builds have and the app has had runs of. In the
 * arena. */
enum error_class app_deployments_workflows(const struct service *service, const char *const *apps,
	size_t count, struct string_list *ret_workflows, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the last deployment of each of these workflows of these apps, and gives for each app a list
 * of the deployment objects of those that there are. *ret_lists is a list of lists, and the
 * caller's. */
enum error_class app_deployments_list(const struct service *service, const char *const *apps,
	size_t count, cJSON **ret_lists, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Reads the last deployment of each workflow of the app, with what it was started with, also of
 * workflows that only other builds have. *ret_list is a list of them and *ret_workflows one of the
 * ids of the workflows that the app has had runs of; both are the caller's.
 */
enum error_class app_deployments_read(const struct service *service, const char *app,
	cJSON **ret_workflows, cJSON **ret_list, struct error *error) SLIPWAY_MUST_CHECK;

#endif
