/*
 * What github.protection is asked for, and what stands where it looks: its own two ways of
 * protecting a branch, by classic protection and by a ruleset, share these.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_PROTECTION_H
#define WORKFLOWS_ACTIONS_GITHUB_PROTECTION_H

#include "slipway/action.h"

struct protection_input {
	const char *repository, *branch, *on_unsupported;
	struct string_list required_checks;
	int64_t required_reviews; /* -1: as it stands */
	bool enforce_admins;
};

/* What a protection or a ruleset of ours already requires, and what is never lowered. */
struct protection_standing {
	struct string_list checks; /* their names */
	int64_t reviews;           /* approvals; -1: no pull request is required */
};

#endif
