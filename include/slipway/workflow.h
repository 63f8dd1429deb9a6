/*
 * Defining a workflow: one file in workflows/definitions/, and one line in workflows/workflows.c.
 *
 *	static const struct step_definition steps[] = {
 *		{ .id = "repo",    .action = &github_repository, .input_key = "repo" },
 *		{ .id = "project", .action = &vercel_project,    .input_key = "project",
 *		  .bind = BIND({ .field = "repository", .value = "${step.repo.fullName}" }) },
 *	};
 *	const struct workflow_definition site = {
 *		.id = "site", .summary = "...", .steps = steps, .step_count = ARRAY_LEN(steps),
 *	};
 *
 * A reference to a step's output makes that step a need; needs that carry no value are named in `needs`.
 * `make` refuses unknown references, cycles and duplicate ids.
 */
#ifndef SLIPWAY_WORKFLOW_H
#define SLIPWAY_WORKFLOW_H

#include "slipway/action.h"

/* A value of the step's input, with references: ${step.<id>.<output>}, ${config.<name>}, ${env.<NAME>}. */
struct binding {
	const char *field; /* of the action's input */
	const char *value;
	/* Whether a client's input may put another value in its place. Never for what says whose thing the step works
	 * on, such as a repository or a project: else one app reaches into what another has. Where the input has a
	 * secret, none is replaced: only the workflow says where a secret goes. */
	bool overridable;
	/* The value where the input has a secret; NULL: the same. For an address that a client has a say in, such as by
	 * a domain of his own. */
	const char *with_secret;
};

struct step_definition {
	const char *id; /* on the wire: actionId */
	const struct action_definition *action;
	const char *input_key;      /* which member of `inputs` is this step's input; NULL: it takes none */
	const char *const *needs;   /* ids of steps that must be done before, ended by NULL; NULL: none */
	const struct binding *bind; /* ended by a NULL field; NULL: none */
	bool optional;              /* skipped where neither the trigger nor the app has an input of this key */
};

struct workflow_definition {
	const char *id;
	const char *summary;
	const struct step_definition *steps;
	size_t step_count;
};

#define WORKFLOW_STEPS_MAX 32

#define BIND(...)                                                                                                      \
	(const struct binding[])                                                                                       \
	{                                                                                                              \
		__VA_ARGS__,                                                                                           \
		{                                                                                                      \
			.field = NULL                                                                                  \
		}                                                                                                      \
	}
#define NEEDS(...)                                                                                                     \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}

/* All workflows, ended by NULL: workflows/workflows.c. */
extern const struct workflow_definition *const workflows[];

#endif
