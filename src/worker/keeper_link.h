/*
 * The supervisor's end of its keeper. The supervisor itself has no key once the keeper is there:
 * one that ends is followed by one that reads the keys again.
 */
#ifndef SLIPWAY_WORKER_KEEPER_LINK_H
#define SLIPWAY_WORKER_KEEPER_LINK_H

#include "worker/child_link.h"
#include "worker/keeper.h"

struct keeper_link {
	struct child_link child; /* is_only: its keys came by the environment */
	struct settings *settings;
};

/* Starts the keeper with the keys that the settings have, and wipes them there. Its settings and
 * loop are borrowed. */
enum error_class keeper_link_open(struct keeper_link *link, struct settings *settings,
	struct loop *loop, struct error *error) SLIPWAY_MUST_CHECK;

/* The settings have other keys: another keeper takes the place of this one. */
void keeper_link_renew(struct keeper_link *link);

/* Ends it. Nobody may wait. */
void keeper_link_close(struct keeper_link *link);

/*
 * In a coroutine: asks, and waits for the reply, whose texts are in the arena; some seconds for
 * another keeper where it has ended. An error of the keeper is in the reply;
 * ERROR_STORE_UNAVAILABLE where there was none to ask, ERROR_INTERNAL where it has ended meanwhile.
 */
enum error_class keeper_link_ask(struct keeper_link *link, const struct opening *opening,
	struct arena *arena, struct reply *ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

#endif
