/*
 * What a repository is created from: a template, or the upstream of a fork.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_SOURCE_H
#define WORKFLOWS_ACTIONS_GITHUB_SOURCE_H

#include "slipway/provider.h"

/*
 * GitHub returned 404 to a request to create a repository for the owner from the source, which can
 * mean several things: finds out which, and fails with that message. `member` is the member of the
 * step's input that names the source: template or fork.
 */
enum action_result explain_missing_source(
	struct action_context *context, const char *source, const char *member, const char *owner);

/* Whether the repository in the response existed before the run: GitHub returns an old fork as if
 * it were new. */
bool is_older_than_run(const struct action_context *context,
	const struct provider_response *response, const char *created_at);

#endif
