/*
 * What a status shows of the steps of a workflow, and of its deployment: read in one round trip.
 */
#ifndef SLIPWAY_STORE_SHOWN_H
#define SLIPWAY_STORE_SHOWN_H

#include "core/deployment.h"
#include "core/run.h"
#include "core/workflow.h"
#include "store/redis.h"

#define SHOWN_MAX (WORKFLOW_STEPS_MAX + 1) /* the steps of a workflow, and `as-planned` */

struct shown {
	/* set by the caller: which runs, and whether the deployment of the first one's workflow */
	const struct run_name *names; /* borrowed */
	size_t count;                 /* 1 to SHOWN_MAX */
	bool with_deployment;

	struct run *runs;             /* of each; fields that no status shows are "" and 0 */
	struct deployment deployment; /* empty if it was not asked for */
};

/* Reads them; idle runs and an empty deployment if there are none. They and their texts are in the
 * arena. */
enum error_class shown_read(struct redis *redis, struct arena *arena, struct shown *shown,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What stands for all of it, see runs_tag. */
void shown_tag(const struct shown *shown, char tag[RUN_TAG_SIZE]);

#endif
