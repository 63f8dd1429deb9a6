/*
 * The reaper: moves on the runs that are due, and takes over those of lost workers. One script per
 * run, reap.lua.
 */
#ifndef SLIPWAY_STORE_REAPER_H
#define SLIPWAY_STORE_REAPER_H

#include "store/runs.h"

#define RUN_CRASHES_MAX 3 /* lost leases in a row that end a run */

#define RUN_LOST_MESSAGE "three workers in a row were lost while they ran this step"

/* Gets each run that has ended, and each run that was taken over from a lost worker; the latter is
 * still live. */
struct reap_listener {
	void (*told)(void *context, const struct run *run);
	void *context;
};

/*
 * Repairs one run, named app:workflow:step, whether it is due or not. Meant for an operator, so it
 * acts on an expired lease at once. Removes a name from the index that no run can have.
 */
enum error_class run_repair(struct redis *redis, const char *index, const char *member,
	int64_t lease_ms, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Handles what is due: at most 100 runs of each index; and tells some users of a step that has more
 * of them than one script tells. *ret_count is the number examined or told; if it is 100 or more,
 * call again, because there may be others. ERROR_STORE_REFUSED if a key is corrupt,
 * such as after a manual edit: the runs that this holds up are tried again later. The listener may
 * be NULL.
 */
enum error_class runs_reap(struct redis *redis, int64_t lease_ms,
	const struct reap_listener *listener, size_t *ret_count,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
