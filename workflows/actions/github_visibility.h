/*
 * Who sees a repository that is to be made: its members only, unless the input says otherwise.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_VISIBILITY_H
#define WORKFLOWS_ACTIONS_GITHUB_VISIBILITY_H

#include "actions/github_origin.h"

/* What the input says of it: `visibility`, or `private`, which is older and a boolean. Each may be NULL. */
struct visibility {
	const char *visibility, *private_repository;
};

extern const char *const visibilities[]; /* as GitHub writes them; ended by NULL */

/* For .validate: the two members must agree. */
void visibility_check(struct input_check *check, const struct visibility *asked);

/* As which it is made. */
const char *visibility_to_make(const struct visibility *asked);

/*
 * ACTION_DONE where the repository is seen by whom the input names, or the input names nobody. One that is made from a
 * template becomes internal only afterwards, so where `made` says that it is ours, this is done here. Anything else is
 * for people to change, and fails.
 */
enum action_result visibility_settle(
	struct action_context *context, const struct visibility *asked, const struct repository *repository, bool made);

#endif
