/*
 * Workers believe only workers. What they write for one another, rows of ledgers, checkpoints and
 * outputs, has a MAC: keyed BLAKE2b, by a key that is derived from a private key for secrets, which
 * workers alone have. It binds the text to its place, so a copy under another app, step or name is
 * as good as forged.
 *
 * As text a MAC is `<id of the key>.<base64url>`. The first of the private keys makes them, and
 * each of them checks: so a key can be replaced as for secrets.
 */
#ifndef SLIPWAY_CORE_MAC_H
#define SLIPWAY_CORE_MAC_H

#include "base/arena.h"
#include "core/run.h"

#define MAC_SIZE 32 /* 8 digits, a dot, 22 characters, and the end */

/* What a text is, and where it stands; all borrowed. NULL is "". */
struct mac_place {
	const char *kind; /* the domain: "ledger", "checkpoint", "output" */
	struct run_name name;
	const char *run, *input; /* of a checkpoint */
	const char *field;       /* of a row */
};

/* Opaque: the keys, in memory that is locked, in no core, and zero in each child. */
struct mac_keys;

enum mac_state {
	MAC_VALID,
	MAC_OLDER,   /* the same, by another key than the first */
	MAC_NONE,    /* there is no MAC */
	MAC_STRANGE, /* by a key that is not among these */
	MAC_WRONG,   /* the text is another one, or of another place */
};

/* Derives them from the private keys (core/secret.h), which are valid and one at least.
 * mac_keys_free frees *ret_keys. */
enum error_class mac_keys_new(const char *private_keys, struct mac_keys **ret_keys,
	struct error *error) SLIPWAY_MUST_CHECK;
void mac_keys_free(struct mac_keys *keys);

/* Puts those of other private keys into their place: whoever has borrowed them goes on with these.
 * On error they stay. */
enum error_class mac_keys_renew(
	struct mac_keys *keys, const char *private_keys, struct error *error) SLIPWAY_MUST_CHECK;

/* The MAC of the text in that place. */
void mac_make(const struct mac_keys *keys, const struct mac_place *place, const char *text,
	char mac[MAC_SIZE]);

/* Whether it is the MAC of the text there. */
enum mac_state mac_check(const struct mac_keys *keys, const struct mac_place *place,
	const char *text, const char *mac);

#endif
