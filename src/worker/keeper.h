/*
 * The one process of a worker that has the private keys of secrets, the tokens of providers and the
 * keys of apps, in memory that is locked and in no core. It speaks to the supervisor alone, has no
 * network and no files, opens a secret only for a run whose input refers to it in a field that may
 * take one, and gives a run the credential of its own connection only.
 */
#ifndef SLIPWAY_WORKER_KEEPER_H
#define SLIPWAY_WORKER_KEEPER_H

#include "base/arena.h"
#include "base/record.h"
#include "base/settings.h"

/* A question to it. What the run is says the supervisor, not the executor that asks; texts are ""
 * where they are of no use. The reply is a struct reply with the sealed text (worker/handover.h).
 */
struct opening {
	const char *tenant, *app, *workflow, *step, *input; /* of the run */
	const char *reference;    /* the name in the input; "": it is a sealed text of the input */
	const char *owner, *name; /* for whom it was sealed, and as what */
	const char *provider;     /* whose credential it is; "": it is a secret */
	const char *record;   /* of the connection of that name, that has it; "": the settings do */
	const void *wish;     /* a struct mint_wish: an order for a minter is wanted; NULL: not */
	int64_t skew_seconds; /* by which the clock is corrected in what the app signs */
	const char *sealed;
	const char *key; /* to answer to */
};
extern const struct record opening_record;

struct credentials;

/*
 * Opens the secret, if the run's input refers to it where one may stand, or gives what the run may
 * have of a credential (worker/credentials.h); *ret_box is in the arena, NULL where there is
 * nothing to give. ERROR_NOT_ALLOWED if the input does not, ERROR_INVALID_INPUT if it has secrets
 * where none may stand; the errors of credentials_answer().
 */
enum error_class opening_answer(const char *private_keys, const struct credentials *credentials,
	const struct opening *opening, struct arena *arena, const char **ret_box,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The life of the keeper, on its end of a stream socket: until the other end is closed. It takes
 * the keys out of the settings, or reads them again where they are not there any more, and wipes
 * all other secrets of the settings. Returns the exit status.
 */
int keeper_run(struct settings *settings, int channel);

#endif
