/*
 * Several triggers in one script call. To each of them it is as if it had been sent alone: it has
 * an outcome of its own.
 */
#ifndef SLIPWAY_STORE_TRIGGERS_H
#define SLIPWAY_STORE_TRIGGERS_H

#include "base/arena.h"
#include "store/run_eval.h"
#include "store/runs.h"

#define TRIGGERS_MAX      32 /* in one call */
#define TRIGGER_ARGUMENTS 21

/* One of them. The caller sets what it borrows, in this order. It does not move once it is
 * prepared. */
struct trigger_part {
	const struct trigger *trigger;
	struct arena *arena; /* of the texts of the result */
	struct trigger_result *result;
	struct error *error;
	/* What has become of it: as run_trigger returns it. */
	enum error_class class;

	/* What is sent; kept by trigger_part_prepare. */
	struct script_argument arguments[TRIGGER_ARGUMENTS];
	char run_id[RUN_ID_SIZE];
};

/* Makes what is to be sent of it. */
void trigger_part_prepare(struct trigger_part *part);

/*
 * Sends TRIGGERS_MAX or fewer that were prepared, all of one tenant, and says of each what has
 * become of it. Where the call as a whole fails, that is the error of all: after
 * ERROR_OUTCOME_UNKNOWN each of them may have taken effect or not.
 */
void triggers_send(struct redis *redis, struct trigger_part *const *parts, size_t count);

#endif
