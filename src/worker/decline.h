/*
 * Builds that are mixed during an update: how a run that this one does not have the definition of
 * is left to a worker that has.
 */
#ifndef SLIPWAY_WORKER_DECLINE_H
#define SLIPWAY_WORKER_DECLINE_H

#include "store/queue.h"
#include "store/workers.h"

struct step_definition;

/* The step of this build that a run names; NULL if there is none. */
const struct step_definition *step_of(const struct run_name *name);

/* Which workers are running, as it was read a short while ago. One per executor; zeroed at first,
 * and kept for as long as the process lives. */
struct worker_directory {
	struct arena arena;
	struct worker_rows rows;
	int64_t read_at; /* monotonic; 0: never */
};

/* Says of a run that was taken off the queue and left to others, TAKEN_OTHER_BUILD, whether there
 * is one that has its definition, and logs it. Failures are logged: it comes back by itself. */
void decline_taken(struct redis *redis, struct worker_directory *directory,
	const struct taken *taken, struct arena *arena);

#endif
