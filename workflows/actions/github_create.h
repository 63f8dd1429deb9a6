/*
 * The ways in which GitHub creates a repository: a fork, one from a template, or an empty one.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_CREATE_H
#define WORKFLOWS_ACTIONS_GITHUB_CREATE_H

#include "actions/github_visibility.h"
#include "slipway/provider.h"

/* What is to be created; all may be NULL but owner and name. At most one of template_repository and
 * fork is given. */
struct creation {
	const char *owner, *name, *template_repository, *fork, *description;
	struct visibility asked;
};

/* Checks the owner's account before anything is created; *ret_organization is what it is. False if
 * it may not get the repository, or if a call failed. */
bool creation_check_owner(struct action_context *context, const struct creation *new,
	bool *ret_organization) SLIPWAY_MUST_CHECK;

/* Sends the request that creates it. False as for provider_call. */
bool creation_send(struct action_context *context, const struct creation *new, bool organization,
	struct provider_response *response) SLIPWAY_MUST_CHECK;

#endif
