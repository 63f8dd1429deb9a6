/*
 * The head of a branch, as several actions ask for it.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_HEAD_H
#define WORKFLOWS_ACTIONS_GITHUB_HEAD_H

#include "slipway/action.h"

/* A commit as GitHub lists it, as far as its name goes. */
struct commit {
	const char *sha;
};
extern const struct record commit_record;

/* The commit at the head of the branch of owner/name; NULL where GitHub shows no such branch, or no commit yet. */
bool branch_head(struct action_context *context, const char *repository, const char *branch,
	const char **ret_sha) SLIPWAY_MUST_CHECK;

#endif
