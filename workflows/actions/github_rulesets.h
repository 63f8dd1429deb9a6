/*
 * What the rulesets of a repository and of its organisation ask of a branch. They hold beside its
 * protection.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_RULESETS_H
#define WORKFLOWS_ACTIONS_GITHUB_RULESETS_H

#include "actions/github_protection.h"

struct branch_rules {
	struct object_list rules; /* as GitHub lists them */
};

/* Those that are in force for the branch; none where GitHub shows none. */
bool branch_rules_read(struct action_context *context, const char *repository, const char *branch,
	struct branch_rules *ret_rules) SLIPWAY_MUST_CHECK;

/* Whether they keep it from being deleted or written over, as a protection without anything else
 * does. */
bool branch_rules_protect(const struct branch_rules *rules);

/* Whether they ask for at least so many approvals, by a pull request. */
bool branch_rules_have_reviews(const struct branch_rules *rules, int64_t count);

/* Whether they ask for all of the status checks. */
bool branch_rules_have_checks(const struct branch_rules *rules, const struct string_list *checks);

/* Adds what the rules of one ruleset (by its id; NULL: none) require. False if memory runs out. */
bool branch_rules_list_standing(struct action_context *context, const struct branch_rules *rules,
	const char *ruleset, struct protection_standing *standing) SLIPWAY_MUST_CHECK;

#endif
