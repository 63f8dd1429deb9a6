/*
 * The supervisor's minters: one at first, and more for as long as more tokens are asked for at a
 * time than there are. A provider that is slow holds up whoever asks it, and nobody else.
 */
#ifndef SLIPWAY_WORKER_MINTERS_H
#define SLIPWAY_WORKER_MINTERS_H

#include "worker/keeper_link.h"
#include "worker/minter.h"

#define MINTERS_MAX 8

struct minters;

struct minter_place {
	struct minters *minters;
	struct child_link child;
	struct handover handover; /* of its process, which alone has the private half */
	bool is_taken;
};

struct minters {
	struct settings *settings;
	struct loop *loop;
	/* In the child: gives up all that is the supervisor's. */
	void (*leave)(void *context);
	void *context;
	struct minter_place places[MINTERS_MAX];
	size_t count;
	struct coroutine_list turn; /* whoever waits for one */
	bool are_scarce;            /* somebody does */
	bool are_closed;
	int64_t skew_seconds; /* of the clock, as a provider has told last */
};

/* Starts the first; all else is set. Not from within a coroutine. */
enum error_class minters_open(struct minters *minters, struct error *error) SLIPWAY_MUST_CHECK;

/* Every tick: starts those that have ended, ends those that do not answer, and starts one more
 * where they are scarce. */
void minters_check(struct minters *minters);

/* Others take their places: the settings are new, or what they may read. */
void minters_renew(struct minters *minters);

/* Ends them all; whoever waits gets an error. */
void minters_close(struct minters *minters);

/*
 * In a coroutine: has the keeper write an order by the opening, whose key is filled in, and a
 * minter carry it out. Errors of both are in the reply; ERROR_STORE_UNAVAILABLE where there was
 * none to ask, ERROR_INTERNAL where those that were asked have ended, and ERROR_AUTH_EXPIRED where
 * the clocks differ by more than a day.
 */
enum error_class minters_ask(struct minters *minters, struct keeper_link *keeper,
	struct opening *opening, struct arena *arena, struct reply *ret_reply,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
