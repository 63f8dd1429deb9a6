/*
 * The limits of runs at a time that a worker takes by: those of its operator, and where he has set
 * none for tenants, one that leaves an executor to the others.
 */
#ifndef SLIPWAY_WORKER_RESERVE_H
#define SLIPWAY_WORKER_RESERVE_H

#include "worker/supervision.h"

/* Reads how many tenants and executors there are. Where Redis does not say it, what was known last
 * holds on. */
enum error_class reserve_renew(
	struct supervisor *supervisor, struct error *error) SLIPWAY_MUST_CHECK;

/* Counts anew what the limits count, and logs what was not right. Where every_ms is not 0, one
 * worker of all does it in this time. */
enum error_class reserve_recount(
	struct supervisor *supervisor, int64_t every_ms, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether there are any limits. */
bool reserve_limits_runs(const struct supervisor *supervisor);

/* All limits as take.lua reads them, in the arena; NULL: no memory. */
const char *reserve_limits(const struct supervisor *supervisor, struct arena *arena);

#endif
