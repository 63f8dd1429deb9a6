/*
 * Wakes held requests: a coroutine that reads which apps have changed, over a connection to Redis
 * of its own, for it waits there. While nothing is held it reads nothing.
 */
#ifndef SLIPWAY_API_WATCHER_H
#define SLIPWAY_API_WATCHER_H

#include "api/holds.h"
#include "store/redis.h"

/* How long it waits in Redis at a time: the time-out of its connection must be longer. */
#define WATCHER_WAIT_MS 5000

struct watcher;

/*
 * Starts it in the loop. The connection has joined the loop; it and the holds are borrowed until
 * watcher_stop.
 */
enum error_class watcher_start(struct loop *loop, struct redis *redis, struct holds *holds,
	struct watcher **ret_watcher, struct error *error) SLIPWAY_MUST_CHECK;

/* Ends it: takes turns of the loop until it has ended. NULL is fine. */
void watcher_stop(struct watcher *watcher);

#endif
