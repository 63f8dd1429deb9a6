/*
 * What a worker believes: only what a worker has written. Writes get their MACs here, and what was
 * read loses them, or is refused. The keys are the supervisor's: no executor signs, or sees a MAC.
 * They are not the keeper's, as a MAC takes 2 us, and a question to another process 30 and more.
 */
#ifndef SLIPWAY_WORKER_BELIEF_H
#define SLIPWAY_WORKER_BELIEF_H

#include "core/signed_text.h"
#include "store/runs.h"

/* For whom something is signed: the run of a lease. Borrowed. */
struct signer {
	const struct mac_keys *keys;
	const struct lease *lease;
	const char *run_id, *input_digest; /* of its input: mac_digest() */
};

/* Signs the checkpoint, the row and the output that are to be written; texts are in the arena. */
enum error_class belief_sign(const struct signer *signer, struct run_write *write,
	struct arena *arena, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes the MACs off what was taken, its ledger and its checkpoint. ERROR_FORGED names the first
 * text that no worker has written. */
enum error_class belief_check_claim(const struct mac_keys *keys, struct claim *claim,
	const char *input_digest, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the output of a step is by a worker, or was given by a person; cuts that off `gives`.
 * ERROR_FORGED where it is not. */
enum error_class belief_check_output(const struct mac_keys *keys, const struct run_name *name,
	const char *output, char *gives, struct error *error) SLIPWAY_MUST_CHECK;

#endif
