/*
 * What GitHub's refusal of a commit, or of a branch that is to be moved to one, means.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_PUSH_H
#define WORKFLOWS_ACTIONS_GITHUB_PUSH_H

#include "slipway/provider.h"

/* Whether the branch has only moved since it was read, so that the same works on what is there now.
 * GitHub answers 409 and 422 for rules as well, and then it never does. */
bool push_lost_race(const struct provider_response *response);

/* After action_fail with what GitHub says: adds what to do about a rule of the repository, its
 * protection or that of secrets, and where. False where it was no rule. */
bool push_explain_rule(struct action_context *context, const char *repository);

#endif
