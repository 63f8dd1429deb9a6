/*
 * Refuses what would wait for itself: steps and deployments of several apps that need one another.
 */
#ifndef SLIPWAY_API_RING_H
#define SLIPWAY_API_RING_H

#include <stddef.h>

#include "slipway/error.h"

/* The names around the ring, as the store has found them: the first is also the last. Always
 * ERROR_NEEDS_RING. */
enum error_class refuse_ring(
	const char *const *names, size_t count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
