/* Getting rid of a secret whose copies nobody has counted. */
#ifndef SLIPWAY_BASE_SWEEP_H
#define SLIPWAY_BASE_SWEEP_H

#include <stddef.h>

/*
 * Overwrites each copy of these bytes in what this process may write to and has for itself, freed
 * memory and stacks included, and in the end the bytes themselves. For a child after fork, which
 * libraries have left copies to: takes a millisecond or so, and does nothing where /proc is not
 * there or length is 0.
 */
void memory_sweep(char *secret, size_t length);

#endif
