/*
 * Rate limiters before the providers, shared by all workers: one per provider and credential or, where the provider
 * limits each endpoint by itself, per endpoint. Whoever is told of a rate limit blocks it for all; when its time is up
 * one caller goes first, and the others wait for what becomes of it.
 */
#ifndef SLIPWAY_STORE_LIMITS_H
#define SLIPWAY_STORE_LIMITS_H

#include "store/redis.h"

/* Both borrowed; the credential is a name for it that does not give it away, with the endpoint where that has a limit
 * of its own. */
struct limit_name {
	const char *provider, *credential;
};

/*
 * *ret_wait_ms is 0 where the caller may go through, else when to ask again. *ret_probing: it is the first one after
 * the gate was closed, and must tell what became of it by limit_block or limit_unblock.
 */
enum error_class limit_admit(struct redis *redis, const struct limit_name *name, int64_t *ret_wait_ms,
	bool *ret_probing, struct error *error) SLIPWAY_MUST_CHECK;

/* Closes the gate for at least so long from now. */
enum error_class limit_block(struct redis *redis, const struct limit_name *name, int64_t milliseconds,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The provider answered the one who probed. */
enum error_class limit_unblock(
	struct redis *redis, const struct limit_name *name, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a call that changes something may go. */
struct limit_turn {
	int64_t wait_ms; /* 0: now. Else then: in the caller's own time where it is granted, or to ask again */
	bool granted;
	int64_t ahead; /* runs that are before it */
};

/* Which run asks for a turn, so long after the one before it, and how long it would wait for it. Borrowed. */
struct limit_request {
	const char *run_id;
	int64_t spacing_ms, most_ms;
};

/*
 * A turn for a call of the run that changes something, spacing_ms after the one before it. It is granted where it is
 * at most most_ms away; else the run stands in a line, and keeps its place for when it comes back. A run whose turn it
 * is may make five calls in a row: those after it wait for as much longer.
 */
enum error_class limit_pace(struct redis *redis, const struct limit_name *name, const struct limit_request *request,
	struct limit_turn *ret_turn, struct error *error) SLIPWAY_MUST_CHECK;

#endif
