/*
 * Cryptography as providers prescribe it, for actions.
 */
#ifndef SLIPWAY_CRYPTO_H
#define SLIPWAY_CRYPTO_H

#include "slipway/action.h"
#include "slipway/provider.h"

/*
 * The name that git gives a file with this text: the SHA-1 of the blob, as 40 hexadecimal digits. Where a tree has that
 * name, it has that text. NULL where it cannot be made: return action_failed(context).
 */
const char *git_blob_name(struct action_context *context, const char *text);

/*
 * The text in a box that only the owner of the key can open (libsodium's sealed box), as base64; the key is base64 as
 * well, of 32 bytes. Each box of the same text is another. NULL where the key is none or memory is short: return
 * action_failed(context).
 */
const char *seal_text(struct action_context *context, const char *public_key, const char *text);

/*
 * A fingerprint of the text, 32 hexadecimal digits, to remember what was written last where the provider does not show
 * it. It is keyed with the workers' token for the provider, which stands nowhere else: whoever reads the fingerprint
 * cannot try texts against it. With another token it is another. NULL where there is no token or memory is short:
 * return action_failed(context).
 */
const char *text_fingerprint(struct action_context *context, const struct provider *provider, const char *text);

#endif
