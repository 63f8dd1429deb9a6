/*
 * A plan: every step of a workflow looks at what is there, and nothing is written. It is a run like any other, of a
 * step that every workflow has by the id `plan`, so that it is queued, leased, retried, polled and cancelled like one.
 */
#ifndef SLIPWAY_CORE_PLAN_H
#define SLIPWAY_CORE_PLAN_H

#include "core/workflow.h"

/* No workflow may have a step of its own by this id. */
#define PLAN_STEP_ID "plan"

extern const struct step_definition plan_step;

/* What the endpoint puts on the queue: each step's input, or what is wrong with it. */
struct plan_question {
	const char *id;
	const char *input; /* JSON text, with references to steps still in it; NULL: it is not valid */
	const char *error; /* JSON text of an error as it stands in a status; NULL: none */
};
struct plan_input {
	struct object_list steps; /* of struct plan_question */
};
extern const struct record plan_input_record;

/* What the worker answers, a step each. */
struct plan_answer {
	const char *id, *action;
	const char *change; /* create, update, remove, adopt, nothing, blocked, conflict */
	const char *text;   /* a sentence: what would be done, or why nothing can be said; NULL: nothing to add */
	struct string_list differences;
	const char *error; /* JSON text of an error as it stands in a status; NULL: none */
};

/* What was and would be asked of a provider. */
struct plan_calls {
	const char *provider;
	int64_t looked;    /* calls that the plan made */
	int64_t writes;    /* calls that the steps would make besides, at the least */
	int64_t remaining; /* of the provider's rate limit after the plan; -1: it does not say */
};
struct plan_output {
	struct object_list steps; /* of struct plan_answer */
	struct object_list calls; /* of struct plan_calls */
};
extern const struct record plan_output_record;

/* The action of plan_step, which runs where the other actions do. */
enum action_result plan_run(struct action_context *context, const void *input, void *checkpoint, void *output);

#endif
