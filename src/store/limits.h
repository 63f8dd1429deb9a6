/*
 * Rate limiters, shared by all workers: one per provider and credential or, if the provider limits
 * each endpoint separately, per endpoint. A caller that meets a rate limit blocks the limiter for
 * all. When the time is up, one caller probes and the others wait for its result. It is the same if
 * calls of several apps fail one after the other: then the provider is down, and one run probes.
 * It is down for all if it responds with failures or hangs, and for one worker if that worker
 * cannot reach it; and for one tenant alone as long as only calls of its apps have failed.
 */
#ifndef SLIPWAY_STORE_LIMITS_H
#define SLIPWAY_STORE_LIMITS_H

#include "core/run.h"
#include "store/redis.h"

/* Both borrowed. The credential is a name that does not reveal it, followed by a colon and the
 * endpoint if that has a limit of its own. An outage is of the provider, with all its endpoints. */
struct limit_name {
	const char *provider, *credential;
};

/* Who calls. All borrowed. */
struct limit_caller {
	const char *run_id;
	struct app_name app;
	const char *worker;
	bool heeds_outages; /* keeps away from a provider that is down */
};

/* A call is admitted if both times are 0; else they say how long to wait before asking again. */
struct limit_admission {
	int64_t wait_ms;  /* for the rate limit */
	int64_t down_ms;  /* for the provider */
	int64_t status;   /* of the last response of a provider that is down; 0: none came */
	bool worker_only; /* it is down for this worker only, which cannot reach it */
	bool probing;     /* the caller must report the result with limit_block or limit_unblock */
	bool watched; /* calls have failed: if this one gets a response, the caller must report it
			 (limit_answered) */
};

/* Asks whether a call of this run may be sent. */
enum error_class limit_admit(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, struct limit_admission *ret_admission,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Blocks the limiter for at least this long from now. */
enum error_class limit_block(struct redis *redis, const struct limit_name *name,
	int64_t milliseconds, struct error *error) SLIPWAY_MUST_CHECK;

/* Unblocks the limiter: the probing caller got a response. */
enum error_class limit_unblock(
	struct redis *redis, const struct limit_name *name, struct error *error) SLIPWAY_MUST_CHECK;

struct limit_failure {
	int64_t status;   /* of the response; 0: none came */
	int64_t retry_ms; /* how long the provider asks to wait, or 0 */
	bool unreachable; /* the worker got no connection to it, or lost it */
};

/* The provider failed or could not be reached. */
enum error_class limit_failed(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, const struct limit_failure *failure,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The provider responded, be it with a refusal: it is up, for all. */
enum error_class limit_answered(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, struct error *error) SLIPWAY_MUST_CHECK;

/* When a call that changes something may be sent. */
struct limit_turn {
	int64_t wait_ms; /* 0: now. Otherwise how long to wait: to send if granted, else to ask
			    again */
	bool granted;
	int64_t ahead; /* runs ahead of it */
};

/* The run that asks for a turn, the spacing after the previous turn, and how long it is willing to
 * wait. Borrowed. */
struct limit_request {
	const char *run_id;
	int64_t spacing_ms, most_ms;
};

/*
 * Asks for a turn to send a call that changes something, spacing_ms after the previous turn. It is
 * granted if it is at most most_ms away; otherwise the run queues and keeps its place until it asks
 * again. In its turn a run may make five calls in a row; those behind it wait correspondingly
 * longer.
 */
enum error_class limit_pace(struct redis *redis, const struct limit_name *name,
	const struct limit_request *request, struct limit_turn *ret_turn,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
