/*
 * The digests of compiled-in definitions, remembered by the process: they do not change while it
 * runs, and making one takes as long as all else that a poll of a step needs.
 */
#ifndef SLIPWAY_CORE_DEFINITION_MEMORY_H
#define SLIPWAY_CORE_DEFINITION_MEMORY_H

#include "core/digest.h"

/* As workflow_digest and step_digest (core/digest.h), for definitions that stay where and what they
 * are until the program ends. */
void workflow_digest_known(
	const struct workflow_definition *workflow, char ret_digest[DEFINITION_SIZE]);
void step_digest_known(const struct workflow_definition *workflow,
	const struct step_definition *step, char ret_digest[DEFINITION_SIZE]);

#endif
