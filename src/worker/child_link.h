/*
 * The supervisor's end of a child that answers questions (worker/serve.h), one after the other:
 * starts it, starts another one where it has ended, and asks it from coroutines.
 */
#ifndef SLIPWAY_WORKER_CHILD_LINK_H
#define SLIPWAY_WORKER_CHILD_LINK_H

#include <sys/types.h>

#include "base/channel.h"
#include "base/loop.h"
#include "base/record.h"
#include "worker/protocol.h"

struct child_question;

struct child_link {
	const char *name; /* "keeper": its process is slipway-keeper, of which 15 characters show */
	/* In the child: its life, on its end of a stream socket. Returns the exit status. */
	int (*live)(void *context, int channel);
	void *context;
	struct loop *loop;
	bool is_only; /* no other one can take its place: the worker has to be started again */
	int64_t patience_ms; /* after which one that does not answer is ended; 0: never */

	struct channel channel;
	struct loop_watch watch;
	pid_t pid;          /* 0: there is none */
	int64_t started_at; /* monotonic, as below */
	int64_t restart_at;
	int64_t delay_ms;                    /* until the next one */
	bool is_spent;                       /* it was the only one, and has ended */
	struct child_question *first, *last; /* that wait, in the order of their replies */
	int64_t first_since;                 /* when the first of them became that */
	struct coroutine_list turn;          /* that are not sent yet, for others are */
};

/* Starts the child. Not from within a coroutine, whose stack is small. */
enum error_class child_link_start(struct child_link *link, struct error *error) SLIPWAY_MUST_CHECK;

/* Every tick: starts another one where it has ended, and ends it where it does not answer. */
void child_link_check(struct child_link *link);

/* By its end of the channel it ends; where it does not, by force. Whoever waits has lost. */
void child_link_stop(struct child_link *link, bool by_force);

/*
 * In a coroutine: asks, and waits for the reply, whose texts are in the arena. *ret_lost: there is
 * no child, or it ended before it replied, so the next one may be asked; else an error is about the
 * messages alone.
 */
enum error_class child_link_ask(struct child_link *link, const struct record *record,
	const void *message, struct arena *arena, struct reply *ret_reply, bool *ret_lost,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
