/*
 * A process of a worker that makes tokens of apps: it speaks to providers and to the supervisor,
 * has no keys, no Redis and no files, and does what the keeper has sealed to it, no more. So
 * executors never see what an app shows of itself.
 */
#ifndef SLIPWAY_WORKER_MINTER_H
#define SLIPWAY_WORKER_MINTER_H

#include "base/record.h"
#include "base/settings.h"
#include "worker/handover.h"

/* A question to it. The reply has the token, sealed to the key of the order, or the page; or it
 * wants another signature. */
struct minting {
	const char *order; /* a struct mint_order, sealed to the minter */
};
extern const struct record minting_record;

/* The life of a minter, until the other end of the stream socket is closed. Returns the exit
 * status. */
int minter_run(const struct settings *settings, const struct handover *handover, int channel);

#endif
