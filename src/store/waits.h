/*
 * Why a run waits, where its hash alone cannot say it: no worker is running, others are before it,
 * its worker has been silent.
 */
#ifndef SLIPWAY_STORE_WAITS_H
#define SLIPWAY_STORE_WAITS_H

#include "core/run.h"
#include "store/redis.h"

/*
 * Sets reason and detail of those runs that have been queued for a while, or are executing. `beats`
 * is the reply to an HGETALL of KEY_WORKERS, from the same moment as the runs; an error: it is not
 * known who is running, and nothing is said. Asks for the place in the queue only where a run has
 * been queued for a while. It never fails: what cannot be known is left out. Texts are in the
 * arena.
 */
void waits_explain(struct redis *redis, struct run *runs, size_t count,
	const struct redisReply *beats, struct arena *arena);

#endif
