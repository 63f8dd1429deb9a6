/*
 * The calls of a dry run, by provider: how many it has made, how many a run would need, and what
 * will stop that.
 */
#ifndef SLIPWAY_ACTION_DRY_RUN_TALLY_H
#define SLIPWAY_ACTION_DRY_RUN_TALLY_H

#include "action/context.h"
#include "core/dry_run.h"

#define DRY_RUN_TALLY_MAX 8

struct dry_run_tally {
	struct action_context *context; /* of the dry run; its arena owns the texts */
	struct dry_run_calls rows[DRY_RUN_TALLY_MAX];
	size_t count;
};

/* Adds the calls of one step. */
void dry_run_tally_step(struct dry_run_tally *tally, const struct step_dry_run *observed);

/* Adds the provider of an action that has called nobody yet: it is named after it. Other actions
 * add nothing. */
void dry_run_tally_expect(struct dry_run_tally *tally, const struct action_definition *action);

/* At the end: asks each provider what is wrong with the credential or the account as a whole, and
 * writes the warnings. What cannot be asked is no error. */
void dry_run_tally_finish(struct dry_run_tally *tally);

#endif
