/*
 * What all removals have in common: only what the app's ledger says that the app created goes, and each thing is taken
 * out of the ledger as soon as it is gone, so that an attempt after a crash goes on with the next.
 */
#ifndef WORKFLOWS_ACTIONS_REMOVAL_H
#define WORKFLOWS_ACTIONS_REMOVAL_H

#include "slipway/action.h"

struct removal_input {
	const char *confirm;
};
extern const struct field removal_input_fields[1];

/* Both the checkpoint and the output: an attempt goes on counting where the last one ended. */
struct removal_counts {
	int64_t removed, left;
};
extern const struct field removal_counts_fields[2];

struct removal {
	const char *provider, *type; /* as in the ledger: github, repository */
	/*
	 * Removes one thing that the app created or asked for, and logs it: done where it is gone, by now or since
	 * long. Where it is not ours after all, *ret_left says why it is left, and that is logged by the caller. What
	 * waits or fails ends the attempt.
	 */
	enum action_result (*remove)(
		struct action_context *context, const struct ledger_resource *owned, const char **ret_left);
};

/* For so long what was asked for may still appear, whatever became of the answer. */
#define REMOVAL_SETTLE_MS 120000

/*
 * For a thing that is not there: waits while it is pending and was asked for a moment ago, for it may still appear.
 * ACTION_DONE: it is gone, or never was.
 */
enum action_result removal_settle(
	struct action_context *context, const struct ledger_resource *owned) SLIPWAY_MUST_CHECK;

/* Whether the thing that stands there, of this id and made at this time, is what the app made or asked for, and no
 * other app has it. False where that cannot be asked. */
bool removal_is_ours(struct action_context *context, const struct ledger_resource *owned, const char *id,
	int64_t made_at, bool *ret_ours) SLIPWAY_MUST_CHECK;

/*
 * Runs a removal of all that the ledger has of the type, the newest first. What was adopted is taken out of the ledger
 * and left. Nothing happens where the input's confirm is not the app's id.
 */
enum action_result removal_run(struct action_context *context, const struct removal *removal, const void *input,
	void *checkpoint, void *output) SLIPWAY_MUST_CHECK;

/*
 * Puts the parts of a key, such as acme/docs/bug, into so many parameters of a path; the last takes all slashes that
 * are left. False where the key has fewer parts.
 */
bool removal_split(
	struct action_context *context, const char *key, const char **parameters, size_t count) SLIPWAY_MUST_CHECK;

#endif
