/*
 * A repository as GitHub shows it, for those who make, adopt and remove repositories: what it was made from, and how it
 * stands in the ledger.
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
	const void *parent, *source, *template_repository; /* structs of its own */
};
extern const struct record repository_record;

/* Whether it is there; *ret_repository is filled then. By an old name as well, for GitHub redirects: compare the name,
 * repository_is_named. */
bool repository_read(struct action_context *context, const char *owner, const char *name, bool *ret_exists,
	struct repository *ret_repository) SLIPWAY_MUST_CHECK;

/* Whether that is its name, and not one that it had before. */
bool repository_is_named(const struct repository *repository, const char *owner, const char *name);

/* Whether it was made from the template or is a fork of the source; for no source (NULL), whether it is neither. */
bool repository_is_made_from(struct action_context *context, const char *source, const struct repository *repository,
	bool *ret_is) SLIPWAY_MUST_CHECK;

/* GitHub's id of it as text; NULL where memory is short. */
const char *repository_id(struct action_context *context, const struct repository *repository);

/* Writes it into the ledger under the name that it goes by now: a row of an older name gives way. */
bool repository_own(struct action_context *context, const struct repository *repository, bool created,
	bool shared) SLIPWAY_MUST_CHECK;

#endif
