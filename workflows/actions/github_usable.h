/*
 * Whether an existing repository can be used, as the result "done" promises.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_USABLE_H
#define WORKFLOWS_ACTIONS_GITHUB_USABLE_H

#include "actions/github_origin.h"

/* ACTION_DONE if it accepts changes, that is, if it is not archived and not disabled by GitHub;
 * else fails. */
enum action_result repository_check_usable(
	struct action_context *context, const struct repository *repository);

/* Whether GitHub shows a commit in the repository. */
bool repository_has_commits(struct action_context *context, const struct repository *repository,
	bool *ret_has) SLIPWAY_MUST_CHECK;

/* Whether a repository without commits will get some by itself, because GitHub
 * is still filling it. */
bool repository_will_be_filled(struct action_context *context, const struct repository *repository);

#endif
