/*
 * Secrets of apps. They are sealed on arrival with the workers' public key (libsodium's sealed box), so the web tier,
 * Redis and its files hold only what nobody there can open; a worker opens one when an action that refers to it starts.
 *
 * As text, a key is `public.<id>.<base64url>` or `private.<id>.<base64url>`, a sealed secret `sealed.<id>.<base64url>`.
 * The id, eight hexadecimal digits, says which key belongs to which: workers may have several private keys, so that the
 * public one can be replaced while secrets that it sealed are still there. Within the box stand the app, the name and
 * the value: what is copied to another app or name does not open.
 */
#ifndef SLIPWAY_CORE_SECRET_H
#define SLIPWAY_CORE_SECRET_H

#include "base/arena.h"
#include "base/redact.h"

/* Bytes: of any other length it could not be cut out of texts. */
#define SECRET_LENGTH_MIN    REDACT_LENGTH_MIN
#define SECRET_LENGTH_MAX    REDACT_LENGTH_MAX
#define SECRET_KEY_TEXT_SIZE 72
#define SECRET_INPUT_NAME    "(in an input)"

struct secret_name {
	const char *app, *name;
};

struct secret_key_pair {
	char public_key[SECRET_KEY_TEXT_SIZE], private_key[SECRET_KEY_TEXT_SIZE];
};

/* Letters, digits and underscores, not a digit first; at most 128 bytes. */
bool secret_name_valid(const char *name);

/* A fresh pair. The caller wipes the private key. */
void secret_key_make(struct secret_key_pair *ret_pair);

/*
 * Whether the keys, of which either may be NULL, are keys, and the private ones (separated by spaces) have that of the
 * public one. ERROR_INVALID_INPUT otherwise, naming the setting.
 */
enum error_class secret_keys_check(
	const char *public_key, const char *private_keys, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Seals the value: *ret_sealed lies in the arena. ERROR_INVALID_REQUEST where there is no public key, the name is not
 * valid, or the value is too short or too long.
 */
enum error_class secret_seal(const char *public_key, const struct secret_name *name, const char *value,
	struct arena *arena, const char **ret_sealed, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for a text that stands in an input of the app, which has no name of its own and may be short: it is opened
 * as the secret SECRET_INPUT_NAME, which no client can name.
 */
enum error_class secret_seal_input(const char *public_key, const char *app, const char *text, struct arena *arena,
	const char **ret_sealed, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Opens it with the private key of its id: *ret_value lies in the arena, which wipes it. ERROR_AUTH_MISSING where that
 * key is not among them; ERROR_INVALID_INPUT where it is damaged, or was sealed for another app or name.
 */
enum error_class secret_open(const char *private_keys, const struct secret_name *name, const char *sealed,
	struct arena *arena, const char **ret_value, struct error *error) SLIPWAY_MUST_CHECK;

#endif
