/*
 * The head of a branch, for the actions that need it.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_HEAD_H
#define WORKFLOWS_ACTIONS_GITHUB_HEAD_H

#include "slipway/action.h"

/* A commit as GitHub lists it; only its SHA is read. */
struct commit {
	const char *sha;
};
extern const struct record commit_record;

/* Finds the commit at the head of a branch of owner/name; NULL if GitHub shows no such branch, or
 * no commit yet. */
bool branch_head(struct action_context *context, const char *repository, const char *branch,
	const char **ret_sha) SLIPWAY_MUST_CHECK;

#endif
