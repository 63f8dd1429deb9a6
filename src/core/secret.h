/*
 * Secrets of apps. They are sealed on arrival with the workers' public key (libsodium's sealed
 * box), so nobody can open what the web tier, Redis and its files hold. A worker opens a secret
 * when an action that refers to it starts.
 *
 * As text, a key is `public.<id>.<base64url>` or `private.<id>.<base64url>`, a sealed secret
 * `sealed.<id>.<base64url>`. The id, eight hexadecimal digits, tells which keys belong together:
 * workers may have several private keys, so that the public key can be replaced while secrets
 * sealed with the old one still exist. The box contains the tenant, the app, the name and the
 * value, so a copy under another tenant, app or name cannot be opened.
 */
#ifndef SLIPWAY_CORE_SECRET_H
#define SLIPWAY_CORE_SECRET_H

#include "base/arena.h"
#include "base/identifier.h"
#include "base/redact.h"
#include "core/run.h"

/* In bytes. A secret of any other length could not be redacted from texts. */
#define SECRET_LENGTH_MIN    REDACT_LENGTH_MIN
#define SECRET_LENGTH_MAX    REDACT_LENGTH_MAX
#define SECRET_KEY_TEXT_SIZE 72
#define SECRET_INPUT_NAME    "(in an input)"
/* In the place of the app: what the apps of a tenant share. No app can have such an id. */
#define SECRET_SHARED_APP "(shared)"

#define SECRET_KEY_ID_SIZE 9  /* eight digits, and the end */
#define SECRET_KEY_BYTES   32 /* of a private key */

struct secret_name {
	const char *tenant, *app, *name;
};

struct secret_key_pair {
	char public_key[SECRET_KEY_TEXT_SIZE], private_key[SECRET_KEY_TEXT_SIZE];
};

/* Letters, digits and underscores, not starting with a digit; at most 128 bytes. */
bool secret_name_valid(const char *name);

/* Makes a new pair. The caller wipes the private key. */
void secret_key_make(struct secret_key_pair *ret_pair);

/*
 * Checks that the keys (either may be NULL) are valid, and that the private ones (separated by
 * spaces) include the one for the public key. ERROR_INVALID_INPUT names the setting.
 */
enum error_class secret_keys_check(
	const char *public_key, const char *private_keys, struct error *error) SLIPWAY_MUST_CHECK;

/* The next of the private keys in *keys, which then is behind it; false where there is none that
 * can be read. The caller wipes the key. */
bool secret_key_next(const char **keys, char ret_id[SECRET_KEY_ID_SIZE],
	unsigned char ret_key[SECRET_KEY_BYTES]) SLIPWAY_MUST_CHECK;

/*
 * Seals the value; *ret_sealed is in the arena. ERROR_INVALID_REQUEST if there is no public key,
 * the name is invalid, or the value is too short or too long.
 */
enum error_class secret_seal(const char *public_key, const struct secret_name *name,
	const char *value, struct arena *arena, const char **ret_sealed,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for a text in an input of the app, which has no name and may be short: open it with the
 * name SECRET_INPUT_NAME, which no client can use.
 */
enum error_class secret_seal_input(const char *public_key, const struct app_name *app,
	const char *text, struct arena *arena, const char **ret_sealed,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a text of our own, whatever its length, under a name that no client can use. */
enum error_class secret_seal_bound(const char *public_key, const struct secret_name *name,
	const char *text, struct arena *arena, const char **ret_sealed,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What an app has in the place of a sealed value: shared.NAME, or with that value (NULL: without)
 * shared.NAME=sealed... In the arena; NULL if there is no memory. */
const char *secret_shared_text(struct arena *arena, const char *name, const char *sealed);

/* The name in such a text without a value, borrowed; NULL for any other text, NULL included. */
const char *secret_shared_name(const char *text);

/* Whether the text of an app's secret, with a value or without one, refers to the same shared one
 * as the reference without one. */
bool secret_shares(const char *text, const char *reference);

/*
 * Opens it with the private key of its id; *ret_value is in the arena, which wipes it.
 * ERROR_AUTH_MISSING if that key is not among them; ERROR_INVALID_INPUT if the secret is damaged or
 * was sealed for another tenant, app or name.
 */
enum error_class secret_open(const char *private_keys, const struct secret_name *name,
	const char *sealed, struct arena *arena, const char **ret_value,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
