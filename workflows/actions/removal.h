/*
 * What all removals share. Only resources that the app created, according to its ledger, are
 * removed. Each is removed from the ledger as soon as it is deleted, so an attempt after a crash
 * continues with the next one.
 */
#ifndef WORKFLOWS_ACTIONS_REMOVAL_H
#define WORKFLOWS_ACTIONS_REMOVAL_H

#include "slipway/action.h"

struct removal_input {
	const char *confirm;
};
extern const struct field removal_input_fields[1];

/* Both the checkpoint and the output: an attempt continues the counts of the previous one. */
struct removal_counts {
	int64_t removed, left;
};
extern const struct field removal_counts_fields[2];

struct removal {
	const char *provider, *type; /* as in the ledger, such as github, repository */
	/*
	 * Removes one resource that the app created or requested, and logs it. Done if it is gone,
	 * now or already before. If it turns out not to be ours, *ret_left says why it is kept, and
	 * the caller logs that. A wait or a failure ends the attempt.
	 */
	enum action_result (*remove)(struct action_context *context,
		const struct ledger_resource *owned, const char **ret_left);
	/* The same, instead of `remove`, for a removal that needs more than the row. */
	enum action_result (*remove_with)(struct action_context *context,
		const struct ledger_resource *owned, const void *data, const char **ret_left);
	const void *data;
};

/* A requested resource may still appear for this long, even if the response was lost. */
#define REMOVAL_SETTLE_MS 120000

/*
 * For a resource that does not exist: waits while it is pending and was requested recently, because
 * it may still appear. ACTION_DONE: it is gone, or was never created.
 */
enum action_result removal_settle(
	struct action_context *context, const struct ledger_resource *owned) SLIPWAY_MUST_CHECK;

/* Whether the existing resource, with this id and created at this time, is what the app created or
 * requested, and no other app has it. False if that cannot be determined. */
bool removal_is_ours(struct action_context *context, const struct ledger_resource *owned,
	const char *id, int64_t made_at, bool *ret_ours) SLIPWAY_MUST_CHECK;

/*
 * Removes all resources of the type that are in the ledger, the newest first. Adopted ones are
 * removed from the ledger only. Fails without removing anything if the input's confirm is not the
 * app's id.
 */
enum action_result removal_run(struct action_context *context, const struct removal *removal,
	const void *input, void *checkpoint, void *output) SLIPWAY_MUST_CHECK;

/*
 * Splits a key such as acme/docs/bug into `count` parameters of a path; the last one keeps any
 * further slashes. False if the key has fewer parts.
 */
bool removal_split(struct action_context *context, const char *key, const char **parameters,
	size_t count) SLIPWAY_MUST_CHECK;

#endif
