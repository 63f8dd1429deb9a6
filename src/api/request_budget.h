/*
 * The budget of requests that a tenant has a minute. Redis keeps it for all processes; a process
 * takes some out of it at a time, so that most requests cost no round trip, and gives back what is
 * left of them after a second.
 */
#ifndef SLIPWAY_API_REQUEST_BUDGET_H
#define SLIPWAY_API_REQUEST_BUDGET_H

#include "api/request.h"

/*
 * Takes one request of the tenant, of `most` a minute; ERROR_OVER_BUDGET with when to come back
 * where there is none, and ERROR_BUDGET_FULL where `most` is 0. A request that is looked at again,
 * for it was held, is none. Who was refused is refused without asking Redis until there is one
 * again. However many tenants there are, none uses what another has.
 */
enum error_class request_budget_take(const struct service *service, const struct request *request,
	int64_t most, struct error *error) SLIPWAY_MUST_CHECK;

#endif
