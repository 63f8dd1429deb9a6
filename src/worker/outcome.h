/*
 * What happens to a run after a failed attempt: the class of the error decides.
 */
#ifndef SLIPWAY_WORKER_OUTCOME_H
#define SLIPWAY_WORKER_OUTCOME_H

#include "base/arena.h"
#include "store/runs.h"

/* The progress of a run so far. */
struct run_progress {
	int64_t attempt, attempts;
	int64_t age_ms;                   /* since it was triggered, without outages */
	int64_t left_ms;                  /* until its deadline */
	int64_t outage_ms, outage_max_ms; /* for how long it has waited for a provider that is down,
					     and how long at most */
	int64_t outage_since_ms;          /* the same, with its time in the queue */
	int64_t lost_ms;                  /* how long the last call took */
	bool hung;        /* the last call only reads, and waited for a response in vain */
	bool was_refused; /* the last call was not sent: others ask whether it is back */
	const char *seen; /* what the last call that was sent met; "": unknown */
};

/*
 * Fills the write for a failed attempt: a rate limit that opens after the run's deadline ends it as
 * plan_limit, at once and with the time; rate_limited else and, in a run's first quarter of an
 * hour, not_ready wait and use up no attempt; so does a provider that is down or hangs, until the
 * outage has lasted for outage_max_ms: then it ends the run (0: it is as other failures), where
 * nobody was asked only after three minutes more; what Redis kept from going on waits as
 * store_unavailable, for as long as the run may last; a retryable class is
 * tried again after a delay, while attempts are left, and internal no more than twice; anything
 * else ends the run. What the write points to lies in the arena, with secrets redacted.
 */
enum error_class failure_write(const struct error *failure, const struct run_progress *progress,
	struct arena *arena, struct run_write *ret_write, struct error *error) SLIPWAY_MUST_CHECK;

#endif
