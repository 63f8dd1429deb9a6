/*
 * Cryptography that providers require, for actions.
 */
#ifndef SLIPWAY_CRYPTO_H
#define SLIPWAY_CRYPTO_H

#include "slipway/action.h"
#include "slipway/provider.h"

/*
 * The git object name of a file with this text: the SHA-1 of the blob, as 40 hexadecimal digits. If
 * a tree has an entry with this name, that file has this text. NULL if it cannot be computed:
 * return action_failed(context).
 */
const char *git_blob_name(struct action_context *context, const char *text);

/*
 * Seals the text so that only the owner of the key can open it (libsodium's sealed box), as base64.
 * The key is 32 bytes, in base64 as well. Sealing the same text again gives a different result.
 * NULL if the key is invalid or memory runs out: return action_failed(context).
 */
const char *seal_text(struct action_context *context, const char *public_key, const char *text);

/*
 * A fingerprint of the text, as 32 hexadecimal digits, to recognise what was last written if the
 * provider does not show it. It is keyed with the workers' token for the provider, so nobody who
 * reads the fingerprint can test guesses against it. It changes with the token. NULL if there is no
 * token or memory runs out: return action_failed(context).
 */
const char *text_fingerprint(
	struct action_context *context, const struct provider *provider, const char *text);

#endif
