/*
 * Who can see a new repository: only its members, unless the input says otherwise.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_VISIBILITY_H
#define WORKFLOWS_ACTIONS_GITHUB_VISIBILITY_H

#include "actions/github_origin.h"

/* What the input says: `visibility`, or the older boolean `private`. Each may be NULL. */
struct visibility {
	const char *visibility, *private_repository;
};

extern const char *const visibilities[]; /* as GitHub writes them; ended by NULL */

/* For .validate: the two members must agree. */
void visibility_check(struct input_check *check, const struct visibility *asked);

/* The visibility with which to create it. */
const char *visibility_to_make(const struct visibility *asked);

/* Fails, before anything is made, where a fork of the upstream would be public and the input asks
 * for another visibility. If GitHub does not show the upstream, the request for the fork tells why.
 */
bool visibility_fits_fork(struct action_context *context, const struct visibility *asked,
	const char *upstream) SLIPWAY_MUST_CHECK;

/*
 * ACTION_DONE if the repository has the visibility that the input asks for, if any. GitHub cannot
 * create an internal repository from a template, so if `made` says that it is ours, it is made
 * internal here. Any other difference fails: people have to change it.
 */
enum action_result visibility_settle(struct action_context *context, const struct visibility *asked,
	const struct repository *repository, bool made);

#endif
