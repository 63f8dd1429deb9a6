/*
 * slipway:limit:<provider>:<credential hash>: a provider is closed to a credential until the key expires. Shared by
 * all workers.
 */
#ifndef SLIPWAY_STORE_LIMITS_H
#define SLIPWAY_STORE_LIMITS_H

#include "store/redis.h"

/* How long it is still closed; 0: open. */
enum error_class limit_read(struct redis *redis, const char *provider, const char *credential, int64_t *ret_closed_ms,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Closes it for milliseconds from now; never opens it earlier than somebody else said. */
enum error_class limit_close(struct redis *redis, const char *provider, const char *credential, int64_t milliseconds,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
