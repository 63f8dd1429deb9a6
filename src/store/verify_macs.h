/*
 * The part of verify.h that is about who wrote what workers believe: rows of ledgers, checkpoints
 * and outputs, also those that a run keeps of the one before it.
 */
#ifndef SLIPWAY_STORE_VERIFY_MACS_H
#define SLIPWAY_STORE_VERIFY_MACS_H

#include "core/signed_text.h"
#include "store/redis.h"

/* What is to be signed by the first of the keys. */
enum mac_signing {
	SIGN_NOTHING,
	SIGN_OLDER, /* what another one of them has signed: nobody needs to look at that */
	SIGN_ALL,   /* and what is not believed: whoever asks has looked at it */
};

struct mac_visitor {
	/* Called for each text that no worker would believe, in words. */
	void (*found)(void *context, const char *what, bool is_signed);
	/* Called for each that was signed anew with the first key. */
	void (*renewed)(void *context);
	void *context; /* borrowed */
};

/*
 * Checks the texts of a key that is a ledger, or a run's; any other is not looked at. What is to be
 * signed is so; what a worker has changed meanwhile stays. Errors as for script_call.
 */
enum error_class macs_verify(struct redis *redis, const char *key, const struct mac_keys *keys,
	enum mac_signing signing, const struct mac_visitor *visitor,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
