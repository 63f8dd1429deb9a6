/*
 * The executor's end of its channel: where an action's questions to the store go, and where its
 * runs come from. It blocks, for an executor has one thing to do at a time.
 */
#ifndef SLIPWAY_WORKER_DESK_H
#define SLIPWAY_WORKER_DESK_H

#include <signal.h>

#include "worker/protocol.h"

struct desk {
	struct channel channel;
	bool is_gone;  /* the supervisor is: nothing renews the lease any more */
	bool is_short; /* memory was, and a reply is lost: as good as gone */
};

/* Begins it on a stream socket, which is borrowed. */
void desk_init(struct desk *desk, int channel);
void desk_release(struct desk *desk);

/* Says something that has no reply. False if it could not be sent. */
bool desk_tell(struct desk *desk, const struct ask *ask);

/* Asks and waits for the reply, whose texts are in the arena. The error is the supervisor's, or
 * ERROR_LEASE_LOST where that is gone. */
enum error_class desk_ask(struct desk *desk, const struct ask *ask, struct arena *arena,
	struct reply *ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

/* Waits for the next run. False if a signal came first that is not in the mask, or the supervisor
 * is gone. */
bool desk_wait_job(struct desk *desk, const sigset_t *mask, struct arena *arena,
	struct job *ret_job) SLIPWAY_MUST_CHECK;

#endif
