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

#endif
