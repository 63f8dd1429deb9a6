/*
 * Feeds texts to all that reads tokens, keys and sealed secrets. A token that is read has an id,
 * and its hash is that of no other text; a hash is the same when it is printed and read; what was
 * not sealed by us is not opened, and what was is what it was, for the app and the name that it was
 * sealed for alone.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "core/secret.h"
#include "core/token.h"
#include "fuzz/claims.h"
#include "worker/run_limits.h"

static struct secret_key_pair keys;

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	secret_key_make(&keys);
	return 0;
}

static void try_token(const char *text, const char *other)
{
	char id[TOKEN_ID_SIZE], other_id[TOKEN_ID_SIZE], printed[TOKEN_HASH_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES], other_hash[TOKEN_HASH_BYTES], read[TOKEN_HASH_BYTES];
	bool valid = token_parse(text, id, hash);

	token_hash_print(hash, printed);
	CLAIM(token_hash_read(printed, read) && memcmp(hash, read, sizeof(read)) == 0,
		"another hash: %s", printed);
	CLAIM(token_id_valid(id), "id %s", id);
	if (valid) {
		CLAIM(strstr(text, id) != NULL, "an id that is not its own: %s", id);
		CLAIM(strlen(text) < TOKEN_TEXT_SIZE && text_is_shown(text), "no token: %s", text);
	}
	bool other_valid = token_parse(other, other_id, other_hash);
	if ((valid || other_valid) && strcmp(text, other) != 0)
		CLAIM(memcmp(hash, other_hash, sizeof(hash)) != 0, "two of one hash");
	if (token_hash_read(text, read))
		CLAIM(strlen(text) == TOKEN_HASH_SIZE - 1, "a hash of another length");
	CLAIM(!token_label_valid(text) || (text_is_shown(text) && strlen(text) < TOKEN_LABEL_SIZE),
		"a label that cannot be shown");
	enum role role = role_by_name(text);
	CLAIM(role == ROLE_NONE || strcmp(role_name(role), text) == 0, "role %s", text);
}

static void try_sealed(const char *text)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct secret_name name = { "default", "acme", "token" },
				 other = { "default", "acme", "tokens" };
	const char *sealed = NULL, *value = NULL;
	struct error error;

	CLAIM(secret_open(keys.private_key, &name, text, &arena, &value, &error) != ERROR_NONE,
		"opened what nobody has sealed");
	claim_error(&error);
	/* A request has no other. */
	if (!text_is_valid(text))
		return;
	if (secret_seal(keys.public_key, &name, text, &arena, &sealed, &error) != ERROR_NONE) {
		claim_error(&error);
		return;
	}
	CLAIM(secret_open(keys.private_key, &name, sealed, &arena, &value, &error) == ERROR_NONE &&
			strcmp(value, text) == 0,
		"sealed, and not opened");
	CLAIM(secret_open(keys.private_key, &other, sealed, &arena, &value, &error) != ERROR_NONE,
		"opened by another name");
	claim_error(&error);
}

static void try_shared(const char *text)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *name = secret_shared_name(text);

	if (name == NULL)
		return;
	const char *reference = secret_shared_text(&arena, name, NULL);
	CLAIM(reference != NULL && strcmp(reference, text) == 0, "another: %s", text);
	CLAIM(secret_shares(text, reference), "it is not the same: %s", text);
}

static void try_keys(const char *public_key, const char *private_keys)
{
	struct error error;

	if (secret_keys_check(public_key, private_keys, &error) != ERROR_NONE)
		claim_error(&error);
	if (run_limits_check(public_key, &error) != ERROR_NONE)
		claim_error(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[2];

	input_split(data, size, texts, 2);
	try_token(texts[0], texts[1]);
	try_sealed(texts[0]);
	try_shared(texts[0]);
	try_keys(texts[0], texts[1]);
	CLAIM(!secret_name_valid(texts[0]) || strlen(texts[0]) <= 128, "a long name");
	free(texts[0]);
	redact_forget(0);
	return 0;
}
