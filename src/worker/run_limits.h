/*
 * The setting SLIPWAY_RUN_LIMITS: how many runs are run at a time. A mistake in it would be a limit
 * that nobody keeps, so a worker does not start with one. Where it says nothing of tenants, one
 * whose runs hang at a provider is to leave an executor to the others.
 */
#ifndef SLIPWAY_WORKER_RUN_LIMITS_H
#define SLIPWAY_WORKER_RUN_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "slipway/error.h"

/*
 * Whether each word of the text is NAME=NUMBER, where the name is `tenant`, `app` or an action of
 * this build, and the number 1 to 100,000. ERROR_INVALID_INPUT if not; NULL has no words.
 */
enum error_class run_limits_check(const char *text, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the text, which run_limits_check has found right, limits the runs of each tenant. */
bool run_limits_has_tenant(const char *text);

/* How many runs a tenant may have at a time where one executor is left to the others; 0: no limit,
 * for there are no others, or nothing could be left to them. */
size_t run_limits_tenant_most(size_t tenants, size_t executors);

/* The text as take.lua reads it, with that limit where it is not 0. In the arena; NULL: no memory.
 */
const char *run_limits_text(struct arena *arena, const char *text, size_t tenant_most);

#endif
