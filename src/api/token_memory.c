/*
 * A table by the first bits of the hash: a token that comes upon another one takes its place.
 */
#include "api/token_memory.h"

#include <stddef.h>

#define REMEMBERED 128

static struct memory {
	struct token token;
	int64_t asked_at;
	bool is_used;
} memories[REMEMBERED];

static struct memory *place_of(const unsigned char hash[TOKEN_HASH_BYTES])
{
	return &memories[hash[0] % REMEMBERED];
}

const struct token *token_remembered(const unsigned char hash[TOKEN_HASH_BYTES], int64_t now)
{
	const struct memory *memory = place_of(hash);
	bool is_fresh = memory->is_used && now - memory->asked_at < TOKEN_REMEMBERED_MS;

	return is_fresh && token_matches(&memory->token, hash) ? &memory->token : NULL;
}

void token_remember(const struct token *token, int64_t asked_at)
{
	*place_of(token->hash) = (struct memory){ *token, asked_at, true };
}
