/*
 * All that is wrong with one input: a check that is given a list goes on after a fault, so that a person has to
 * correct it only once.
 */
#ifndef SLIPWAY_BASE_FAULTS_H
#define SLIPWAY_BASE_FAULTS_H

#include <stddef.h>

#include "slipway/error.h"

#define FAULTS_MAX 16 /* more help nobody, and each has its texts in it */

/* Zeroed before use; nothing to release. */
struct faults {
	struct error list[FAULTS_MAX];
	size_t count;
};

/*
 * Notes the error and tells whether to go on with the next place. False, and the check ends with the error, where the
 * list is full, the error is not one of the input, or faults is NULL: then the first one counts. Of each place, the
 * first fault is noted: what is found there later comes of it.
 */
bool faults_note(struct faults *faults, const struct error *error);

#endif
