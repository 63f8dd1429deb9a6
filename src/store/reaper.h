/*
 * The reaper: puts right whatever is due, and what a worker that is gone has left. Each run by one script, reap.lua.
 */
#ifndef SLIPWAY_STORE_REAPER_H
#define SLIPWAY_STORE_REAPER_H

#include "store/runs.h"

#define RUN_CRASHES_MAX 3 /* lost leases in a row that end a run */
#define RUN_UNCLAIMED_MS                                                                                               \
	5000 /* an entry that was read is claimed at once, or its reader is dead; or a lease, if less */

#define RUN_LOST_MESSAGE "three workers in a row were lost while they ran this step"

/* Told of each run that has ended, or was taken over because its worker was lost: it is live then. */
struct reap_listener {
	void (*told)(void *context, const struct run *run);
	void *context;
};

/*
 * Puts one run right, by its name app:workflow:step, whether it is due or not: for an operator, so a lease that ran out
 * is not left alone. A name that no run can have is taken out of the index.
 */
enum error_class run_repair(struct redis *redis, const char *index, const char *member, int64_t lease_ms,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Puts right what is due: at most 100 runs of each index. *ret_count tells how many were looked at; where it is
 * 100 or more there may be others, call again. ERROR_STORE_REFUSED where a hand has broken a key: what that keeps from
 * going on is looked at again later. The listener may be NULL.
 */
enum error_class runs_reap(struct redis *redis, int64_t lease_ms, const struct reap_listener *listener,
	size_t *ret_count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
