/*
 * Tokens in Redis: slipway:token:<id>, which operators write, and slipway:browser:<id>, which
 * slipway-api writes. A token that has expired is gone, by the clock of Redis; one that was revoked
 * stays to be listed, until it would have expired.
 *
 * Each is a key of its own, in no hash slot of an app: it is read by a command and not by scripts.
 */
#ifndef SLIPWAY_STORE_TOKENS_H
#define SLIPWAY_STORE_TOKENS_H

#include "base/arena.h"
#include "core/token.h"
#include "store/redis.h"

/*
 * Reads the token that has this id, and for one of a browser also its maker, in one round trip.
 * *ret_valid: it exists, and so does its maker, neither is revoked, and both are of the same
 * tenant. Where it is valid, what it allows goes nowhere beyond what its maker allows. What is
 * unreadable is not valid.
 */
enum error_class token_read(struct redis *redis, const char *id, struct token *ret_token,
	bool *ret_valid, struct error *error) SLIPWAY_MUST_CHECK;

/* Stores a new token. lasts_ms is counted from now, by the clock of Redis, and fills in created_at
 * and expires_at; 0: for good. Nobody has its text before this has returned. */
enum error_class token_store(struct redis *redis, struct token *token, int64_t lasts_ms,
	struct error *error) SLIPWAY_MUST_CHECK;

/* From now on it is refused, and so are the browser tokens that it made. ERROR_NOT_FOUND where
 * there is none with this id. */
enum error_class token_revoke(
	struct redis *redis, const char *id, struct error *error) SLIPWAY_MUST_CHECK;

/* All tokens that are not for browsers, sorted by id; in the arena. Those that are unreadable have
 * no role. */
enum error_class token_list(struct redis *redis, struct arena *arena,
	const struct token **ret_tokens, size_t *ret_count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
