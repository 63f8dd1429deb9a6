/*
 * Refuses a Redis that holds state in another layout of keys: a program would find none of it, and
 * make everything a second time.
 */
#ifndef SLIPWAY_STORE_LAYOUT_H
#define SLIPWAY_STORE_LAYOUT_H

#include <stdbool.h>

#include "store/redis.h"

/* The number in KEY_LAYOUT. Raise it here and in scripts/layout.lua where old keys are read no
 * longer. */
#define LAYOUT "7"

/*
 * Whether the state in Redis has our layout, or there is none yet. ERROR_STORE_UNAVAILABLE, which
 * layout_refused() knows, where it has not; the remedy says what to do. Takes one round trip;
 * changes nothing.
 */
enum error_class layout_check(struct redis *redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Has that checked at each new connection, before anything else goes out: a Redis that was restored
 * from a backup, or another one after a failover, is a new connection. */
void layout_require(struct redis *redis);

/* Whether the error is layout_check()'s. */
bool layout_refused(const struct error *error);

#endif
