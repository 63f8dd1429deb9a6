/*
 * The difference between the desired environment variables of a project and those that Vercel
 * lists.
 *
 * Two entries are the same variable if they have the same name and branch, and share a target.
 */
#ifndef WORKFLOWS_VERCEL_VARIABLES_H
#define WORKFLOWS_VERCEL_VARIABLES_H

#include "slipway/action.h"

/* production, preview, development; ends with NULL. In a set of targets, each is one bit, in this
 * order. */
#define VARIABLE_TARGETS 3
extern const char *const variable_targets[VARIABLE_TARGETS + 1];

/* A desired variable. The record describes it in the step's input. */
struct variable {
	const char *key, *value, *type, *git_branch, *comment;
	struct string_list target;
};
extern const struct record variable_record;

/* A variable that Vercel lists. */
struct listed {
	const char *id, *key, *value, *type, *git_branch, *configuration_id;
	const char *target; /* JSON: an array, or a string on older projects */
	int64_t updated_at;
};
extern const struct record listed_record;

enum change {
	CHANGE_NONE,
	CHANGE_CREATE,
	CHANGE_UPSERT, /* exists, with the desired targets and type */
	CHANGE_PATCH,  /* exists, with other targets or type */
};

/* What to do: `kinds` and `claims` have one item for each desired variable. */
struct variable_changes {
	const struct variable *variables;
	size_t count;
	const struct listed *listed;
	size_t listed_count;
	enum change *kinds;
	const struct listed **claims; /* the listed variable that it corresponds to; NULL: none */
};

/*
 * Compares the desired variables with the listed ones; both are borrowed. A value that Vercel does
 * not show counts as equal if its fingerprint is the one that variables_remember stored, and nobody
 * has changed it since. False if memory runs out.
 */
bool variable_changes_find(struct action_context *context, const char *project,
	const struct object_list *desired, const struct object_list *listed,
	struct variable_changes *ret_changes) SLIPWAY_MUST_CHECK;

/* Stores in the ledger a fingerprint of each desired variable that Vercel does not show and that
 * was just written. False as for ledger_put. */
bool variables_remember(struct action_context *context, const char *project,
	const struct variable_changes *changes) SLIPWAY_MUST_CHECK;

/* Removes the fingerprint of a removed variable. False as for ledger_remove. */
bool variable_forget(struct action_context *context, const char *project,
	const struct listed *listed) SLIPWAY_MUST_CHECK;

/* Number of variables with this kind of change. */
int64_t variable_changes_count(const struct variable_changes *changes, enum change change);

/* Whether a desired variable corresponds to it. */
bool variable_changes_has(const struct variable_changes *changes, const struct listed *listed);

/* The targets of a listed variable that no desired variable of the same name and branch takes. */
unsigned variable_changes_rest(const struct variable_changes *changes, const struct listed *listed);

/* Whether it matches no desired variable, and has a target that one of them needs. */
bool variable_is_in_the_way(const struct variable_changes *changes, const struct listed *listed);

/* Whether a prune removes it. An entry with none of the three targets has already lost them, or
 * belongs to a custom environment, which the action does not know. */
bool variable_is_to_go(const struct variable_changes *changes, const struct listed *listed);

/* For plans: tells what would be changed, and what is found there. */
void variable_changes_report(
	struct action_context *context, const struct variable_changes *changes, bool prunes);

/* The targets as a set of bits. */
unsigned variable_desired_targets(const struct variable *variable);
unsigned variable_listed_targets(const struct listed *listed);

/* Whether two strings are equal; NULL counts as "". */
bool variable_same_text(const char *one, const char *two);

#endif
