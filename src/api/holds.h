/*
 * Requests that wait for a change of an app: what a handler process knows of them. A request that
 * is held has no coroutine and no stack: its handler has returned, and is called again when the app
 * changes or the time is over.
 *
 * No change is missed between the handler's look and the hold: it begins to watch the app before it
 * looks, and what changes meanwhile is kept with the hold.
 */
#ifndef SLIPWAY_API_HOLDS_H
#define SLIPWAY_API_HOLDS_H

#include <sys/queue.h>

#include "base/loop.h"
#include "store/keys.h"

#define HOLD_SECONDS_MAX 25 /* docs/protocol.md; web servers wait longer for a response */

/* All of a process. */
struct holds;

/* One request that may wait. Zeroed: it watches nothing. The caller owns it; it must not move while
 * it watches. */
struct hold {
	struct holds *holds;     /* it watches an app of these; NULL: none */
	struct watched_app *app; /* with all that watch it */
	int64_t end_at, look_at; /* monotonic: when the time is over, when to look in any case */
	bool may_wait;           /* what hold_watch has said last */
	bool is_due;             /* the handler is to be called */
	bool is_parked;          /* it has returned */
	void (*wake)(void *context); /* called once, when it is due and parked */
	void *context;
	TAILQ_ENTRY(hold) entry, of_app;
};

/* Release with holds_free. */
enum error_class holds_new(
	struct loop *loop, struct holds **ret_holds, struct error *error) SLIPWAY_MUST_CHECK;

/* NULL is fine. None may be left that watches. */
void holds_free(struct holds *holds);

/* How many there may be at a time; 0 at first. */
void holds_limit(struct holds *holds, size_t most);

/* Whether nobody watches. */
bool holds_is_empty(const struct holds *holds);

/* Calls back when the first begins to watch, and nobody had. */
void holds_on_first(struct holds *holds, void (*call)(void *context), void *context);

/* The app, as tenant:app, has changed; "": any may have. */
void holds_changed(struct holds *holds, const char *app);

/* From now on nobody waits: all are due. */
void holds_stop(struct holds *holds);

/* ---- one of them ---- */

/*
 * Begins to watch the app, as tenant:app, for at most so many seconds; when called again, goes on
 * with the time that is left. Whether the request may be held: not when the time is over, there are
 * too many, or the process is to stop. Before looking at the app.
 */
bool hold_watch(struct holds *holds, struct hold *hold, const char *app, int64_t seconds);

/* It is due after so long in any case: what is shown depends on more than changes of the app. */
void hold_look_after(struct hold *hold, int64_t milliseconds);

/* Whether its time is over, or the process is to stop: then it is no longer held. */
bool hold_is_over(const struct hold *hold);

/* The handler was called for `first` instead, which watches the same app and is held on: so is this
 * one, and due when that is, or when its own time is over. */
void hold_follow(struct hold *hold, const struct hold *first);

/* The handler has returned: wake is called when it is due. */
void hold_park(struct hold *hold, void (*wake)(void *context), void *context);

/* The app that it watches, as tenant:app; "" where it watches none. Borrowed. */
const char *hold_watched(const struct hold *hold);

/* Watches no more; fine for one that does not. */
void hold_end(struct hold *hold);

#endif
