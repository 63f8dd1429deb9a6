/*
 * The event loop of a single-threaded process: epoll, timers, and the coroutines that wait for
 * them. Everything is called on the stack of main, one after the other; only coroutines wait.
 *
 * A turn calls whoever has something to do, and in the end whoever has something to send: what all
 * of a turn have to say to one peer goes out together.
 */
#ifndef SLIPWAY_BASE_LOOP_H
#define SLIPWAY_BASE_LOOP_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/coroutine.h"
#include "slipway/error.h"

#define LOOP_EVENTS_MAX 256 /* of a turn */

struct loop;

/* A file descriptor that is watched. The caller owns it; it must not move while it is watched. */
struct loop_watch {
	int fd;
	/* What has come: EPOLLIN and so on. It may end this watch, and others. */
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/* Something that is due at a time. The caller owns it; zeroed: it is not set. */
struct loop_timer {
	int64_t at; /* monotonic */
	void (*due)(void *context);
	void *context;
	TAILQ_ENTRY(loop_timer) entry;
	bool is_set; /* kept by the loop, as entry is */
};

/* Called at the end of each turn for which it was asked for. Zeroed before use. */
struct loop_hook {
	void (*call)(void *context);
	void *context;
	struct loop_hook *next;
	bool asked;
};

/* Release with loop_free. */
enum error_class loop_new(struct loop **ret_loop, struct error *error) SLIPWAY_MUST_CHECK;

/* NULL is fine. Whatever is still watched or set is forgotten. */
void loop_free(struct loop *loop);

/*
 * In a child after fork: closes its copy of the descriptor, so that whatever the child unwatches is
 * still watched in the parent. Nothing else is done with the loop from then on but loop_free.
 */
void loop_leave(struct loop *loop);

/* Watches for these events of epoll, EPOLLET and EPOLLEXCLUSIVE among them. */
enum error_class loop_watch(struct loop *loop, struct loop_watch *watch, uint32_t events,
	struct error *error) SLIPWAY_MUST_CHECK;

/* From now on for these. */
void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events);

/* No event of it is delivered any more, also none that has come already. Before its descriptor is
 * closed. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Sets a timer, or moves it. Those of one length are cheap, however many. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t at);

/* Takes it back; one that is not set is fine. */
void loop_clear_timer(struct loop *loop, struct loop_timer *timer);

/* Calls the hook once at the end of this turn. */
void loop_call_at_end(struct loop *loop, struct loop_hook *hook);

/* Calls it at the end of the next turn, which waits for nothing else: others are served before. */
void loop_call_next(struct loop *loop, struct loop_hook *hook);

/* It is not called any more; one that was not asked for is fine. */
void loop_forget(struct loop *loop, struct loop_hook *hook);

/* In a coroutine: waits in the list until it is woken. */
void loop_wait_in(struct coroutine_list *list);

/* In a coroutine of this loop: waits for so long, and keeps nobody from going on. Without a loop
 * (NULL) the process sleeps. */
void loop_sleep_ms(struct loop *loop, int64_t milliseconds);

/* Resumes all that wait in the list, in their order, before this turn ends. From anywhere. */
void loop_wake(struct loop *loop, struct coroutine_list *list);

/* One turn; waits at most so long for something to do. Also returns when a signal arrives. Once a
 * second it gives back memory of coroutines that were there at the same time and are no more. */
void loop_turn(struct loop *loop, int64_t most_ms);

#endif
