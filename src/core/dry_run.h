/*
 * A dry run, which clients call a plan: every step of a workflow reads what exists, and nothing is
 * written. It is a run like any other, of a step with the id `plan` that every workflow has, so it
 * is queued, leased, retried, polled and cancelled like one.
 */
#ifndef SLIPWAY_CORE_DRY_RUN_H
#define SLIPWAY_CORE_DRY_RUN_H

#include "core/workflow.h"

/* No workflow may have a step of its own by this id. */
#define DRY_RUN_STEP_ID "plan"

extern const struct step_definition dry_run_step;

/*
 * A deployment that was started by the hash of a plan begins with this step, which no workflow has:
 * it plans anew, and all else needs it. It has an id of its own, so that no later plan of a client
 * passes for it.
 */
#define DRY_RUN_GUARD_ID "as-planned"

extern const struct step_definition dry_run_guard;

/* Whether it is one of the two. */
bool step_is_dry_run(const struct step_definition *step);

/* What the endpoint queues: the input of each step, or what is wrong with it. */
struct dry_run_input_step {
	const char *id;
	/* JSON text, with references to steps still in it; NULL: it is not valid */
	const char *input;
	const char *error; /* JSON text of an error as it stands in a status; NULL: none */
};
struct dry_run_input {
	struct object_list steps;  /* of struct dry_run_input_step */
	const char *expect;        /* the hash that is to be found; NULL: none */
	struct object_list before; /* of struct dry_run_effect: what the plan with that hash saw */
	/* Names of secrets that the app has not got, and that the request gives it or asks for:
	 * their values are unknown. */
	struct string_list secrets;
};
extern const struct record dry_run_input_record;

/* The result: what each step would do. */
struct dry_run_effect {
	const char *id, *action;
	/* create, update, remove, adopt, nothing, undecided, blocked, conflict */
	const char *change;
	const char *text; /* a sentence: what would be done, or why nothing can be said; NULL:
			     nothing to add */
	/* What it would create or adopt, as the ledger names it; NULL: unknown. */
	const char *kind, *name;
	bool gone;                /* the app had that thing, and it is not there any more */
	struct string_list after; /* steps whose results would tell more */
	struct string_list differences;
	int64_t more_differences; /* that are not listed, but in `seen` */
	const char *error;        /* JSON text of an error as it stands in a status; NULL: none */
	const char *seen;         /* digest of its input and of all that it has found */
};

/* The calls to one provider. */
struct dry_run_calls {
	const char *provider;
	int64_t reads;     /* that the dry run made; `looked` on the wire */
	int64_t writes;    /* that the steps would make in addition, at least */
	int64_t needed;    /* reads and writes together that a run of all steps makes, at least */
	int64_t remaining; /* calls left of the provider's rate limit after the dry run; -1: unknown
			    */
	const char *warning; /* what will stop runs soon; NULL: nothing is known of */
};
struct dry_run_output {
	struct object_list steps; /* of struct dry_run_effect */
	struct object_list calls; /* of struct dry_run_calls */
	const char *hash;         /* over what it saw: see dry_run_hash */
};
extern const struct record dry_run_output_record;

/* The action of dry_run_step; src/action/dry_run.c, for it runs the actions of the other steps. */
enum action_result dry_run_execute(
	struct action_context *context, const void *input, void *checkpoint, void *output);

#endif
