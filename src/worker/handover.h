/*
 * How a secret gets from the keeper to the executor that asked for it, past a supervisor that is
 * not to have it in its memory: sealed for a key that lives as long as one question.
 */
#ifndef SLIPWAY_WORKER_HANDOVER_H
#define SLIPWAY_WORKER_HANDOVER_H

#include <sodium.h>

#include "base/arena.h"
#include "slipway/error.h"

#define HANDOVER_KEY_SIZE 64

struct handover {
	unsigned char public_key[crypto_box_PUBLICKEYBYTES];
	unsigned char private_key[crypto_box_SECRETKEYBYTES];
	char key[HANDOVER_KEY_SIZE]; /* the public one, as text: goes with the question */
};

/* Makes a pair; handover_end() wipes it. */
void handover_begin(struct handover *handover);
void handover_end(struct handover *handover);

/* Seals a text for whoever has the other half of that key; in the arena. ERROR_INTERNAL if it is no
 * key. */
enum error_class handover_seal(const char *key, const char *text, struct arena *arena,
	const char **ret_box, struct error *error) SLIPWAY_MUST_CHECK;

/* Opens what was sealed for this one; in the arena, which wipes it. ERROR_INTERNAL if it was not.
 */
enum error_class handover_open(const struct handover *handover, const char *box,
	struct arena *arena, const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

#endif
