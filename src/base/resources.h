/*
 * What one process may take of the machine: too much must be its own loss, and not that of its neighbours.
 */
#ifndef SLIPWAY_BASE_RESOURCES_H
#define SLIPWAY_BASE_RESOURCES_H

#include <stddef.h>

/*
 * Refuses this process more than so many bytes of memory of its own from now on: an allocation beyond it fails. Without
 * effect under the sanitizers, whose own memory is more than any limit.
 */
void resources_limit_memory(size_t bytes);

#endif
