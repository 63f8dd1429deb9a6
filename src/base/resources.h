/*
 * Limits on what one process may use, so that a runaway process fails itself and not its
 * neighbours.
 */
#ifndef SLIPWAY_BASE_RESOURCES_H
#define SLIPWAY_BASE_RESOURCES_H

#include <stddef.h>

/*
 * Limits the memory of this process: allocations beyond it fail. No effect under the sanitizers,
 * which need more than any limit.
 */
void resources_limit_memory(size_t bytes);

/* Lets this process have as many open files as it may have at most, and returns how many these are.
 * A server has one for each connection. */
size_t resources_raise_files(void);

/* Gives back to the system what this process has freed and kept. It takes a while. */
void resources_give_back(void);

#endif
