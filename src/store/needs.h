/*
 * The needs of a run: steps of the same or another app whose outputs it uses.
 */
#ifndef SLIPWAY_STORE_NEEDS_H
#define SLIPWAY_STORE_NEEDS_H

#include "core/workflow.h"
#include "store/runs.h"

struct needs {
	struct run_name names[NEEDS_MAX]; /* set by the caller */
	size_t count;
	const char *uses;               /* set by the caller: step_set_uses */
	const char *outputs[NEEDS_MAX]; /* JSON, in the same order; all of them or none */
	char *gives[NEEDS_MAX];         /* of each: see core/signed_text.h */
	const struct run_name *missing; /* the first one that is not done; NULL: all are done */
	const char *missing_status;     /* "" if it was never triggered, or has expired */
};

/*
 * Reads the outputs of a leased run's needs, and records in the run that it uses them. Texts are in
 * the arena. ERROR_LEASE_LOST if the caller no longer has the run.
 */
enum error_class needs_take(struct redis *redis, const struct lease *lease, struct needs *needs,
	struct arena *arena, struct error *error) SLIPWAY_MUST_CHECK;

#endif
