/*
 * Digests of definitions: what a step or a workflow means to whoever runs it. Two builds of Slipway
 * that are mixed during an update recognise by them which of their steps are the same.
 */
#ifndef SLIPWAY_CORE_DIGEST_H
#define SLIPWAY_CORE_DIGEST_H

#include "base/arena.h"
#include "slipway/field.h"
#include "slipway/workflow.h"

#define DEFINITION_SIZE 17 /* 16 hexadecimal digits */

/*
 * The digest of all that decides whether a run of the step can be executed by another build: the
 * ids of workflow, step and action, the tables of input, checkpoint and output, the bindings, the
 * needs and the input key. Descriptions and limits are not part of it, and neither is code: an
 * action whose code gives the same tables another meaning must get another id.
 */
void step_digest(const struct workflow_definition *workflow, const struct step_definition *step,
	char ret_digest[DEFINITION_SIZE]);

/* The digest of all steps of the workflow, in their order. */
void workflow_digest(const struct workflow_definition *workflow, char ret_digest[DEFINITION_SIZE]);

/* All that this build has, in the arena: "WORKFLOW" and "WORKFLOW.STEP", each with its digest.
 * False if out of memory. */
bool definitions_list(struct arena *arena, struct string_map *ret_definitions) SLIPWAY_MUST_CHECK;

/* The digest that such a list has for a step, or for a workflow if step is NULL; NULL: none. */
const char *definitions_find(
	const struct string_map *definitions, const char *workflow, const char *step);

#endif
