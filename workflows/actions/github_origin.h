/*
 * A repository as GitHub shows it, for the actions that create, adopt and delete repositories: what
 * it was created from, and its row in the ledger.
 */
#ifndef WORKFLOWS_GITHUB_ORIGIN_H
#define WORKFLOWS_GITHUB_ORIGIN_H

#include "slipway/action.h"

struct repository_owner {
	const char *login;
};

struct repository {
	int64_t id;
	const char *full_name, *name, *default_branch, *html_url, *created_at, *visibility;
	bool fork, archived, disabled;
	const void *owner;                                 /* struct repository_owner */
	const void *parent, *source, *template_repository; /* structs with a full_name */
};
extern const struct record repository_record;

/* Reads a repository; *ret_repository is filled if it exists. An old name also works, because
 * GitHub redirects: compare the name with repository_is_named. */
bool repository_read(struct action_context *context, const char *owner, const char *name,
	bool *ret_exists, struct repository *ret_repository) SLIPWAY_MUST_CHECK;

/* Whether that is its current name, and not an old one. */
bool repository_is_named(const struct repository *repository, const char *owner, const char *name);

/* Whether the repository was created from the template, or forked from the repository, `source`. If
 * source is NULL: whether it is neither a fork nor created from a template. */
bool repository_is_made_from(struct action_context *context, const char *source,
	const struct repository *repository, bool *ret_is) SLIPWAY_MUST_CHECK;

/* GitHub's id of the repository as text; NULL if memory runs out. */
const char *repository_id(struct action_context *context, const struct repository *repository);

/* Writes it into the ledger under its current name, and removes the row of an older name. */
bool repository_own(struct action_context *context, const struct repository *repository,
	bool created, bool shared) SLIPWAY_MUST_CHECK;

#endif
