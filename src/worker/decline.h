/*
 * Builds that are mixed during an update: whether this one has what an entry of the queue is about,
 * and how a run is left to a worker that has.
 */
#ifndef SLIPWAY_WORKER_DECLINE_H
#define SLIPWAY_WORKER_DECLINE_H

#include "store/queue.h"
#include "store/workers.h"

struct step_definition;

/* The step that the entry names, if this build has it with the same definition; else NULL. An entry
 * without a definition, such as one that was added manually, takes any. */
const struct step_definition *entry_step(const struct queue_entry *entry);

/* Which workers are running, as it was read a short while ago. One per executor; zeroed at first,
 * and kept for as long as the process lives. */
struct worker_directory {
	struct arena arena;
	struct worker_rows rows;
	int64_t read_at; /* monotonic; 0: never */
};

/* Leaves the run of an entry to others, and logs it. Failures are logged: the reaper finds the
 * entry again. */
void decline_entry(struct redis *redis, struct worker_directory *directory,
	const struct queue_entry *entry, struct arena *arena);

#endif
