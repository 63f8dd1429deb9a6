/*
 * The gates before the providers: one a provider and credential, shared by all workers. Whoever is told of a rate limit
 * closes it for all; when its time is up one caller goes first, and the others wait for what becomes of it.
 */
#ifndef SLIPWAY_STORE_LIMITS_H
#define SLIPWAY_STORE_LIMITS_H

#include "store/redis.h"

/* Both borrowed; the credential is a name for it that does not give it away. */
struct limit_name {
	const char *provider, *credential;
};

/*
 * *ret_wait_ms is 0 where the caller may go through, else when to ask again. *ret_probing: it is the first one after
 * the gate was closed, and must tell what became of it by limit_close or limit_open.
 */
enum error_class limit_enter(struct redis *redis, const struct limit_name *name, int64_t *ret_wait_ms,
	bool *ret_probing, struct error *error) SLIPWAY_MUST_CHECK;

/* Closes the gate for at least so long from now. */
enum error_class limit_close(struct redis *redis, const struct limit_name *name, int64_t milliseconds,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The provider answered the one who probed. */
enum error_class limit_open(struct redis *redis, const struct limit_name *name, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * A time for a call that changes something, spacing_ms after the one before it. *ret_granted: it is in *ret_wait_ms (0:
 * now), at most most_ms, and nobody else gets it; else it is too far away, and *ret_wait_ms says how far.
 */
enum error_class limit_pace(struct redis *redis, const struct limit_name *name, int64_t spacing_ms, int64_t most_ms,
	int64_t *ret_wait_ms, bool *ret_granted, struct error *error) SLIPWAY_MUST_CHECK;

#endif
