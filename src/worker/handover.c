/* Sealed boxes of libsodium, as text. */
#include "worker/handover.h"

#include <string.h>

#define BASE64    sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define KEY_BYTES crypto_box_PUBLICKEYBYTES
_Static_assert(HANDOVER_KEY_SIZE >= sodium_base64_ENCODED_LEN(KEY_BYTES, BASE64),
	"a key fits into its text");

void handover_begin(struct handover *handover)
{
	crypto_box_keypair(handover->public_key, handover->private_key);
	sodium_bin2base64(
		handover->key, sizeof(handover->key), handover->public_key, KEY_BYTES, BASE64);
}

void handover_end(struct handover *handover)
{
	sodium_memzero(handover, sizeof(*handover));
}

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

enum error_class handover_seal(const char *key, const char *text, struct arena *arena,
	const char **ret_box, struct error *error)
{
	unsigned char public_key[KEY_BYTES];
	size_t length = 0, size = strlen(text) + crypto_box_SEALBYTES,
	       room = sodium_base64_encoded_len(size, BASE64);

	if (sodium_base642bin(
		    public_key, KEY_BYTES, key, strlen(key), NULL, &length, NULL, BASE64) != 0 ||
		length != KEY_BYTES)
		return error_set(error, ERROR_INTERNAL, "an executor gave no key to answer to");
	unsigned char *box = arena_allocate(arena, size);
	char *encoded = arena_allocate(arena, room);
	if (box == NULL || encoded == NULL ||
		crypto_box_seal(box, (const unsigned char *)text, strlen(text), public_key) != 0)
		return no_memory(error);
	*ret_box = sodium_bin2base64(encoded, room, box, size, BASE64);
	return ERROR_NONE;
}

enum error_class handover_open(const struct handover *handover, const char *box,
	struct arena *arena, const char **ret_text, struct error *error)
{
	size_t size = strlen(box), length = 0;
	unsigned char *bytes = arena_allocate(arena, size + 1);
	unsigned char *text = arena_allocate(arena, size + 1);

	if (bytes == NULL || text == NULL)
		return no_memory(error);
	if (sodium_base642bin(bytes, size + 1, box, size, NULL, &length, NULL, BASE64) != 0 ||
		length < crypto_box_SEALBYTES ||
		crypto_box_seal_open(
			text, bytes, length, handover->public_key, handover->private_key) != 0)
		return error_set(error, ERROR_INTERNAL, "the keeper answered somebody else");
	text[length - crypto_box_SEALBYTES] = '\0';
	*ret_text = (const char *)text;
	return ERROR_NONE;
}
