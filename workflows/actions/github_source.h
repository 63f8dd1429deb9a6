/*
 * What a repository is made from: a template, or the upstream of a fork.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_SOURCE_H
#define WORKFLOWS_ACTIONS_GITHUB_SOURCE_H

#include "slipway/action.h"

/*
 * GitHub answers 404 to a request to make a repository of the owner from the source, and means one of several things:
 * looks which one it is, and fails so. The member of the step's input that names the source is `template` or `fork`.
 */
enum action_result explain_missing_source(
	struct action_context *context, const char *source, const char *member, const char *owner);

#endif
