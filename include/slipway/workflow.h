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
 * A reference to the output of a step makes that step a need. Needs without a value are listed in
 * `needs`. `make` refuses unknown references, cycles and duplicate ids.
 */
#ifndef SLIPWAY_WORKFLOW_H
#define SLIPWAY_WORKFLOW_H

#include "slipway/action.h"

/* A value of the step's input, with references: ${step.<id>.<output>}, ${config.<name>},
 * ${env.<NAME>}; with functions, as in ${config.name|default:My site|slug}: slug, lower, default.
 */
struct binding {
	const char *field; /* member of the action's input */
	const char *value;
	/* Whether a client's input may replace the value. Never for a member that decides whose
	 * resource the step works on, such as a repository or a project: one app could then change
	 * what another has. If the input has a secret, nothing is replaced: only the workflow
	 * decides where a secret goes. */
	bool overridable;
	/* The value to use if the input has a secret; NULL: the same. For an address that a client
	 * can influence, for example with a custom domain. */
	const char *with_secret;
};

struct step_definition {
	const char *id; /* actionId in the HTTP API */
	const struct action_definition *action;
	const char *input_key; /* member of `inputs` that is the input of this step; NULL: it takes
				  none */
	/* ids of steps that must be done first, ending with NULL; NULL: none */
	const char *const *needs;
	const struct binding *bind; /* ends with a NULL field; NULL: none */
	/* Of another connection than the provider's usual one, for a template in another
	 * organisation, say: the name that an app gives one with mode 'configure', and else that of
	 * a connection of its tenant. NULL: the usual one. */
	const char *connection;
	bool optional; /* skipped if neither the trigger nor the app has an input with this key */
};

struct workflow_definition {
	const char *id;
	const char *summary;
	const struct step_definition *steps;
	size_t step_count;
};

#define WORKFLOW_STEPS_MAX 32

/* clang-format off */
#define BIND(...)  (const struct binding[]){ __VA_ARGS__, { .field = NULL } }
#define NEEDS(...) (const char *const[]){ __VA_ARGS__, NULL }
/* clang-format on */

/* All workflows, ending with NULL: workflows/workflows.c. */
extern const struct workflow_definition *const workflows[];

#endif
