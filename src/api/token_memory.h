/*
 * Tokens that were read from Redis less than a second ago, so that whoever sends requests one
 * behind the other costs no round trip more. Only valid ones are kept, and they are found by the
 * hash of their whole text: what is refused is never found here, and takes its way through Redis
 * each time.
 */
#ifndef SLIPWAY_API_TOKEN_MEMORY_H
#define SLIPWAY_API_TOKEN_MEMORY_H

#include "core/token.h"

/* A token that is revoked or expires is refused so many ms later at the latest. */
#define TOKEN_REMEMBERED_MS 900

/* The token with this hash, at a time of the monotonic clock; NULL: it is not remembered. Until the
 * next call of one of these. */
const struct token *token_remembered(const unsigned char hash[TOKEN_HASH_BYTES], int64_t now);

/* Remembers a valid token; asked_at is when Redis was asked for it, before it answered. */
void token_remember(const struct token *token, int64_t asked_at);

#endif
