/*
 * Which apps have changed: a stream to which each script that changes runs or a deployment adds
 * tenant:app, or several (scripts/changes.lua). It is capped, and only wakes those that wait: what
 * has changed they read themselves.
 */
#ifndef SLIPWAY_STORE_CHANGES_H
#define SLIPWAY_STORE_CHANGES_H

#include "store/redis.h"
#include "store/streams.h"

/* Where the stream ends now; what comes behind it is what changes from now on. */
enum error_class changes_position(struct redis *redis, char ret_position[STREAM_ID_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Takes tenant:app of an app that has changed, "" where it is not known which ones have: any may.
 */
typedef void change_taker(void *context, const char *app);

/*
 * Waits at most wait_ms for something behind the position, and calls take for each change; position
 * is then behind them. The connection's time-out must be longer.
 */
enum error_class changes_read(struct redis *redis, char position[STREAM_ID_SIZE], int64_t wait_ms,
	change_taker *take, void *context, struct error *error) SLIPWAY_MUST_CHECK;

#endif
