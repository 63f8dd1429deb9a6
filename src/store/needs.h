/*
 * What a run needs: steps whose outputs it is made of, of the same app or of another.
 */
#ifndef SLIPWAY_STORE_NEEDS_H
#define SLIPWAY_STORE_NEEDS_H

#include "core/workflow.h"
#include "store/runs.h"

struct needs {
	struct run_name names[NEEDS_MAX]; /* set by the caller */
	size_t count;
	const char *outputs[NEEDS_MAX]; /* JSON, in the same order; those of all, or none */
	const struct run_name *missing; /* the first that is not done; NULL: all are */
	const char *missing_status;     /* "" where nothing was triggered, or it is forgotten */
};

/*
 * Reads the outputs of the needs of a leased run, and keeps in the run that it is made of them. Texts lie in the arena.
 * ERROR_LEASE_LOST where the run is no longer the caller's.
 */
enum error_class needs_take(struct redis *redis, const struct lease *lease, struct needs *needs, struct arena *arena,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
