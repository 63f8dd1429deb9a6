/*
 * The difference between the environment variables that a project is to have and those that Vercel lists.
 *
 * A variable is what has the same name and branch and a target in common.
 */
#ifndef WORKFLOWS_VERCEL_VARIABLES_H
#define WORKFLOWS_VERCEL_VARIABLES_H

#include "slipway/action.h"

/* production, preview, development; ended by NULL. Sets of targets are bits in this order. */
#define VARIABLE_TARGETS 3
extern const char *const variable_targets[VARIABLE_TARGETS + 1];

/* One that is desired. The record is of the input. */
struct variable {
	const char *key, *value, *type, *git_branch, *comment;
	struct string_list target;
};
extern const struct record variable_record;

/* One that Vercel lists. */
struct listed {
	const char *id, *key, *value, *type, *git_branch, *configuration_id;
	const char *target; /* JSON: an array, or a string on older projects */
	int64_t updated_at;
};
extern const struct record listed_record;

enum change {
	CHANGE_NONE,
	CHANGE_CREATE,
	CHANGE_UPSERT, /* there, with the desired targets and type */
	CHANGE_PATCH,  /* there, with others */
};

/* What is to be done: an item of `changes` and of `claims` for each variable of the input. */
struct variable_changes {
	const struct variable *variables;
	size_t count;
	const struct listed *listed;
	size_t listed_count;
	enum change *kinds;
	const struct listed **claims; /* which one it stands for; NULL: none */
};

/*
 * Compares the desired with the listed of the project, which are both borrowed. A value that Vercel does not show is as
 * desired where it is what variables_remember saw, and nobody has written since. False: memory is short.
 */
bool variable_changes_find(struct action_context *context, const char *project, const struct object_list *desired,
	const struct object_list *listed, struct variable_changes *ret_changes) SLIPWAY_MUST_CHECK;

/* Writes into the ledger, of each desired variable that Vercel does not show, a fingerprint of what the plan has for
 * it: it has just been written. False as for ledger_put. */
bool variables_remember(
	struct action_context *context, const char *project, const struct variable_changes *changes) SLIPWAY_MUST_CHECK;

/* The opposite: it is gone. False as for ledger_remove. */
bool variable_forget(
	struct action_context *context, const char *project, const struct listed *listed) SLIPWAY_MUST_CHECK;

/* How many variables have this change before them. */
int64_t variable_changes_count(const struct variable_changes *changes, enum change change);

/* Whether one of the desired variables stands for it. */
bool variable_changes_has(const struct variable_changes *changes, const struct listed *listed);

/* The targets that are left to a listed one once all desired ones of its name and branch have theirs. */
unsigned variable_changes_rest(const struct variable_changes *changes, const struct listed *listed);

/* The targets as a set of bits. */
unsigned variable_desired_targets(const struct variable *variable);
unsigned variable_listed_targets(const struct listed *listed);

/* Whether two texts, each of which may be NULL, are equal; NULL is as good as "". */
bool variable_same_text(const char *one, const char *two);

#endif
