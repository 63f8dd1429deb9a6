/*
 * All faults of one input. A check that is given a list continues after a fault, so that a person
 * sees them all at once.
 */
#ifndef SLIPWAY_BASE_FAULTS_H
#define SLIPWAY_BASE_FAULTS_H

#include <stddef.h>

#include "slipway/error.h"

#define FAULTS_MAX 16 /* more would help nobody, and each entry holds its own texts */

/* Zeroed before use; nothing to release. */
struct faults {
	struct error list[FAULTS_MAX];
	size_t count;
};

/*
 * Records the error; true means to continue with the next place. False ends the check with this
 * error: the list is full, the error is not about the input, or faults is NULL (the caller wants
 * the first fault only). Only the first fault of a place is recorded, because later ones follow
 * from it.
 */
bool faults_note(struct faults *faults, const struct error *error);

#endif
