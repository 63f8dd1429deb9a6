/*
 * What the removals of things at Vercel have in common: only what the app's ledger says that the app created goes, by
 * the id that was stored then, and each thing is taken out of the ledger as soon as it is gone.
 */
#ifndef WORKFLOWS_VERCEL_REMOVAL_H
#define WORKFLOWS_VERCEL_REMOVAL_H

#include "slipway/action.h"

/* Both the checkpoint and the output of a removal: an attempt goes on counting where the last one failed. */
struct removal_counts {
	int64_t removed, left;
};

struct removal {
	const char *type; /* in the ledger: project */
	/* Removes one thing that the app created. *ret_gone is false where it stays, for it is not ours after all, and
	 * then the log says so. False: the call failed. */
	bool (*remove)(struct action_context *context, const struct owned_resource *resource, bool *ret_gone);
};

/*
 * Removes all that the ledger has of the type, the newest first. What was adopted is taken out of the ledger and left.
 * Nothing happens where confirm is not the app's id. The counts grow as it goes. False: failed, with an error.
 */
bool removal_run(struct action_context *context, const struct removal *removal, const char *confirm,
	struct removal_counts *counts) SLIPWAY_MUST_CHECK;

#endif
