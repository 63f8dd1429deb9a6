/*
 * The classic protection of a branch, as GitHub returns it and as it is sent back.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_PROTECTED_H
#define WORKFLOWS_ACTIONS_GITHUB_PROTECTED_H

#include "actions/github_protection.h"
#include "slipway/provider.h"

/* The records of each are in the source. */
struct protection {
	bool exists;
	bool branch_missing; /* GitHub says that there is no such branch */
	bool branch_late;    /* and that may change: see provider_is_late */
	const void *checks, *admins, *reviews, *restrictions;
	const void *linear, *force_pushes, *deletions, *creations, *resolution, *lock, *syncing;
};

/* Reads it; all members are NULL if the branch has none. */
bool protection_read(struct action_context *context, const struct protection_input *input,
	struct protection *ret_protection) SLIPWAY_MUST_CHECK;

/* Whether it applies to administrators. */
bool protection_has_admins(const struct protection *protection);

/* Checks are listed by name, whatever app they are pinned to. False if memory runs out. */
bool protection_list_standing(struct action_context *context, const struct protection *protection,
	struct protection_standing *ret_standing) SLIPWAY_MUST_CHECK;

/* Writes what is asked and what stands, the stricter of both. *response may be a 404. */
bool protection_write(struct action_context *context, const struct protection_input *input,
	const struct protection *current, struct provider_response *response) SLIPWAY_MUST_CHECK;

#endif
