/*
 * The ruleset of ours for one branch: where a branch is governed by rulesets, what is asked and
 * missing stands in one of them, beside those of the organisation and of people.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_RULESET_H
#define WORKFLOWS_ACTIONS_GITHUB_RULESET_H

#include "actions/github_protection.h"
#include "actions/github_rulesets.h"

/* How writing it ended. */
struct ruleset_outcome {
	bool changed; /* false: it had all that is asked */
	bool missing; /* GitHub answered 404 to the write */
};

/* Its id as the ledger has it; NULL if the app has none for the branch. */
const char *ruleset_owned(struct action_context *context, const struct protection_input *input);

/*
 * Finds it again, by the ledger and by its name, and adds what is asked and the branch's rules do
 * not require yet; creates it if there is none. Nothing in it is lowered. False if a call failed,
 * or if it could not be stored.
 */
bool ruleset_ensure(struct action_context *context, const struct protection_input *input,
	const struct branch_rules *rules, struct ruleset_outcome *ret_outcome) SLIPWAY_MUST_CHECK;

#endif
