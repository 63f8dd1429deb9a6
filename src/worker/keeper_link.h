/*
 * The supervisor's end of its keeper: starts it, and asks it from coroutines. The supervisor itself
 * has no key once the keeper is there: one that ends is followed by one that reads the keys again.
 */
#ifndef SLIPWAY_WORKER_KEEPER_LINK_H
#define SLIPWAY_WORKER_KEEPER_LINK_H

#include <sys/types.h>

#include "base/channel.h"
#include "base/loop.h"
#include "worker/keeper.h"
#include "worker/protocol.h"

struct keeper_question;

struct keeper_link {
	struct settings *settings;
	struct loop *loop;
	struct channel channel;
	struct loop_watch watch;
	pid_t pid;          /* 0: there is none */
	int64_t started_at; /* monotonic, as below */
	int64_t restart_at;
	int64_t delay_ms;   /* until the next one */
	bool has_keys_once; /* they came by the environment: they cannot be read again */
	bool is_spent;      /* and they are lost: the worker has to be started again */
	struct keeper_question *first, *last; /* that wait, in the order of their replies */
};

/* Starts the keeper with the keys that the settings have, and wipes them there. Its settings and
 * loop are borrowed. */
enum error_class keeper_link_open(struct keeper_link *link, struct settings *settings,
	struct loop *loop, struct error *error) SLIPWAY_MUST_CHECK;

/* The settings have other keys: another keeper takes the place of this one. */
void keeper_link_renew(struct keeper_link *link);

/* Every tick: starts another one where it has ended. */
void keeper_link_check(struct keeper_link *link);

/* Ends it. Nobody may wait. */
void keeper_link_close(struct keeper_link *link);

/*
 * In a coroutine: asks, and waits for the reply, whose texts are in the arena; some seconds for
 * another keeper where it has ended. The error is the keeper's, or ERROR_STORE_UNAVAILABLE where
 * there was none.
 */
enum error_class keeper_link_ask(struct keeper_link *link, const struct opening *opening,
	struct arena *arena, struct reply *ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

#endif
