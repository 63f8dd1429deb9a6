/*
 * What a repository is made from: a template, or the upstream of a fork.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_SOURCE_H
#define WORKFLOWS_ACTIONS_GITHUB_SOURCE_H

#include "slipway/provider.h"

/*
 * GitHub answers 404 to a request to make a repository of the owner from the source, and means one of several things:
 * looks which one it is, and fails so. The member of the step's input that names the source is `template` or `fork`.
 */
enum action_result explain_missing_source(
	struct action_context *context, const char *source, const char *member, const char *owner);

/* Whether GitHub answers with a repository that stood there before the run: an old fork is given as if it were new. */
bool is_older_than_run(
	const struct action_context *context, const struct provider_response *response, const char *created_at);

#endif
