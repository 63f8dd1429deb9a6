/*
 * Cryptography as providers prescribe it, for actions.
 */
#ifndef SLIPWAY_CRYPTO_H
#define SLIPWAY_CRYPTO_H

#include "slipway/action.h"

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

#endif
