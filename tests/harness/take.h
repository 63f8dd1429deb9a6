/*
 * For tests: takes one run off the queue, as a worker does, and looks whether a client is told of
 * it what stands there.
 */
#ifndef TESTS_HARNESS_TAKE_H
#define TESTS_HARNESS_TAKE_H

#include "store/queue.h"

/* The first that the worker meets; its member `why` is "the queue is empty" where it met none. The
 * ledger of a claim is the caller's. */
struct taken take_as(struct redis *redis, const struct take *take, struct arena *arena);

/* A claim of the next run, for so long; the test fails where there is none. Without its ledger. */
struct claim take_next(struct redis *redis, int64_t lease_ms, struct arena *arena);

/* Fails where the run, as a client was told of it just now, is not the one in Redis: its status,
 * how often it may fail, and until when it may try. */
void assert_told_truly(struct redis *redis, const struct run *told, struct arena *arena);

/* Whether there is nothing to take. */
bool take_finds_nothing(struct redis *redis, struct arena *arena);

#endif
