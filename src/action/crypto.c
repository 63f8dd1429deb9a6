/*
 * Implements include/slipway/crypto.h over libsodium and git_object.h.
 */
#include "slipway/crypto.h"

#include <sodium.h>
#include <string.h>

#include "action/context.h"
#include "action/git_object.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

const char *git_blob_name(struct action_context *context, const char *text)
{
	char *name = arena_allocate(context->arena, GIT_NAME_SIZE);
	if (name == NULL || text == NULL)
		return NULL;
	return git_blob(text, strlen(text), name, &context->error) == ERROR_NONE ? name : NULL;
}

static bool read_key(struct action_context *context, const char *text,
	unsigned char key[crypto_box_PUBLICKEYBYTES])
{
	size_t length = 0;

	if (text != NULL &&
		sodium_base642bin(key, crypto_box_PUBLICKEYBYTES, text, strlen(text), NULL, &length,
			NULL, BASE64) == 0 &&
		length == crypto_box_PUBLICKEYBYTES)
		return true;
	error_set(&context->error, ERROR_INTERNAL,
		"the provider's public key is not %d bytes as base64",
		(int)crypto_box_PUBLICKEYBYTES);
	return false;
}

#define FINGERPRINT_BYTES 16

const char *text_fingerprint(
	struct action_context *context, const struct provider *provider, const char *text)
{
	/* The plain hash of the token names the credential elsewhere, so the key is a different
	 * hash of it. */
	static const unsigned char purpose[crypto_generichash_KEYBYTES] =
		"slipway fingerprint of a text";
	unsigned char key[crypto_generichash_KEYBYTES], hash[FINGERPRINT_BYTES];
	char *name = arena_allocate(context->arena, 2 * FINGERPRINT_BYTES + 1);
	struct provider_access access;

	if (name == NULL || text == NULL || !context_access(context, provider, &access))
		return NULL;
	if (access.token == NULL) {
		error_set(&context->error, ERROR_AUTH_MISSING, "the workers have no token for %s",
			provider->name);
		return NULL;
	}

	crypto_generichash(key, sizeof(key), (const unsigned char *)access.token,
		strlen(access.token), purpose, sizeof(purpose));
	crypto_generichash(
		hash, sizeof(hash), (const unsigned char *)text, strlen(text), key, sizeof(key));
	sodium_memzero(key, sizeof(key));
	return sodium_bin2hex(name, 2 * FINGERPRINT_BYTES + 1, hash, sizeof(hash));
}

const char *seal_text(struct action_context *context, const char *public_key, const char *text)
{
	unsigned char key[crypto_box_PUBLICKEYBYTES];

	if (text == NULL || !read_key(context, public_key, key))
		return NULL;
	size_t length = strlen(text), box_size = length + crypto_box_SEALBYTES;
	size_t size = sodium_base64_encoded_len(box_size, BASE64);
	unsigned char *box = arena_allocate(context->arena, box_size);
	char *sealed = arena_allocate(context->arena, size);
	if (box == NULL || sealed == NULL)
		return NULL;
	if (crypto_box_seal(box, (const unsigned char *)text, length, key) != 0) {
		error_set(&context->error, ERROR_INTERNAL,
			"the provider's public key cannot be used to seal a text");
		return NULL;
	}

	return sodium_bin2base64(sealed, size, box, box_size, BASE64);
}
