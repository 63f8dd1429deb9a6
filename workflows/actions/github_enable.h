/*
 * Workflows of GitHub Actions that are off: a fresh fork runs none until somebody allows them.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_ENABLE_H
#define WORKFLOWS_ACTIONS_GITHUB_ENABLE_H

#include "slipway/action.h"

/* What it takes to switch Actions on, of a GitHub App. */
extern const struct string_pair github_enable_permissions[];

/* Whether the text of a refusal says that the workflow, or Actions, are off. */
bool workflow_is_off(const char *message);

/* Whether the workflow's file is on the default branch: where GitHub shows no such workflow then,
 * it is off. By an id alone nobody can tell. */
bool workflow_file_exists(struct action_context *context, const char *repository,
	const char *workflow, bool *ret_exists) SLIPWAY_MUST_CHECK;

/*
 * Allows it as far as the credential may, once: *tried is of the checkpoint. What a person has
 * switched off is left off, and Actions as a whole are switched on in repositories of the app's own
 * only. Then waits, for GitHub or for a person who does it: the step goes on by itself once it is
 * done.
 */
enum action_result workflow_enable(
	struct action_context *context, const char *repository, const char *workflow, bool *tried);

/* For plans, where no dispatch is refused: ACTION_DONE where the workflow may run or would be
 * allowed to, with a difference that says so; else waits for the person who has to do it. */
enum action_result workflow_foresee(
	struct action_context *context, const char *repository, const char *workflow);

#endif
