/*
 * Whether a repository that is there can be worked on: "done" says so.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_USABLE_H
#define WORKFLOWS_ACTIONS_GITHUB_USABLE_H

#include "actions/github_origin.h"

/* ACTION_DONE where it takes changes: nothing can be written to one that is archived, or that GitHub has disabled. */
enum action_result repository_check_usable(struct action_context *context, const struct repository *repository);

/* Whether GitHub shows a commit in it. */
bool repository_has_commits(
	struct action_context *context, const struct repository *repository, bool *ret_has) SLIPWAY_MUST_CHECK;

/* Whether one that has no commit yet gets some without anybody's doing, as GitHub fills what it has just made. */
bool repository_will_be_filled(struct action_context *context, const struct repository *repository);

#endif
