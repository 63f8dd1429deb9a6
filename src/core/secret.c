/*
 * Seals and opens secrets with libsodium. App and name are sealed together with the value, so a box
 * that is copied elsewhere cannot be opened.
 */
#include "core/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define NAME_MAX_LENGTH 128
#define ID_BYTES        4
#define ID_SIZE         SECRET_KEY_ID_SIZE
#define BASE64          sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define KEY_BYTES       crypto_box_PUBLICKEYBYTES
_Static_assert(ID_SIZE == 2 * ID_BYTES + 1 && KEY_BYTES == SECRET_KEY_BYTES, "as its header says");
_Static_assert(crypto_box_SECRETKEYBYTES == KEY_BYTES, "both keys are read by one function");

bool secret_name_valid(const char *name)
{
	size_t length =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	return length > 0 && length <= NAME_MAX_LENGTH && name[length] == '\0' &&
		(name[0] < '0' || name[0] > '9');
}

/* ---- keys as text ---- */

static void key_id(const unsigned char public_key[KEY_BYTES], char id[ID_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	crypto_generichash(hash, sizeof(hash), public_key, KEY_BYTES, NULL, 0);
	sodium_bin2hex(id, ID_SIZE, hash, ID_BYTES);
}

static void write_key(const char *kind, const char *id, const unsigned char key[KEY_BYTES],
	char text[SECRET_KEY_TEXT_SIZE])
{
	char encoded[sodium_base64_ENCODED_LEN(KEY_BYTES, BASE64)];
	sodium_bin2base64(encoded, sizeof(encoded), key, KEY_BYTES, BASE64);
	text_format(text, SECRET_KEY_TEXT_SIZE, "%s.%s.%s", kind, id, encoded);
	sodium_memzero(encoded, sizeof(encoded));
}

void secret_key_make(struct secret_key_pair *ret_pair)
{
	unsigned char public_key[KEY_BYTES], private_key[KEY_BYTES];
	char id[ID_SIZE];
	crypto_box_keypair(public_key, private_key);
	key_id(public_key, id);
	write_key("public", id, public_key, ret_pair->public_key);
	write_key("private", id, private_key, ret_pair->private_key);
	sodium_memzero(private_key, sizeof(private_key));
}

/* The rest of a text that begins with `kind.id.`; NULL if it does not. */
static const char *skip_head(const char *text, const char *kind, char id[ID_SIZE])
{
	size_t length = strlen(kind);

	if (strncmp(text, kind, length) != 0 || text[length] != '.')
		return NULL;
	text += length + 1;
	if (strspn(text, "0123456789abcdef") != ID_SIZE - 1 || text[ID_SIZE - 1] != '.')
		return NULL;
	memcpy(id, text, ID_SIZE - 1);
	id[ID_SIZE - 1] = '\0';
	return text + ID_SIZE;
}

/* Parses a key of this kind at the start of the text, up to a space or the end, and checks that its
 * id is right. */
static bool read_key(
	const char *text, const char *kind, char id[ID_SIZE], unsigned char key[KEY_BYTES])
{
	unsigned char public_key[KEY_BYTES];
	char own_id[ID_SIZE];
	size_t length;
	const char *encoded = skip_head(text, kind, id);

	if (encoded == NULL ||
		sodium_base642bin(key, KEY_BYTES, encoded, strcspn(encoded, " "), NULL, &length,
			NULL, BASE64) != 0 ||
		length != KEY_BYTES)
		return false;
	memcpy(public_key, key, KEY_BYTES);
	if (strcmp(kind, "private") == 0 && crypto_scalarmult_base(public_key, key) != 0)
		return false;
	key_id(public_key, own_id);
	return strcmp(id, own_id) == 0;
}

/* The next of the space-separated keys; NULL: none. */
static const char *next_key(const char *keys)
{
	keys += strspn(keys, " ");
	return *keys != '\0' ? keys : NULL;
}

bool secret_key_next(const char **keys, char ret_id[ID_SIZE], unsigned char ret_key[KEY_BYTES])
{
	const char *key = next_key(*keys);

	if (key == NULL || !read_key(key, "private", ret_id, ret_key))
		return false;
	*keys = key + strcspn(key, " ");
	return true;
}

/* Finds the private key with this id; *ret_found is false if it is missing. Returns false if one of
 * the keys is invalid. */
static bool find_key(
	const char *keys, const char *id, unsigned char key[KEY_BYTES], bool *ret_found)
{
	*ret_found = false;
	while ((keys = next_key(keys)) != NULL) {
		char found_id[ID_SIZE];
		unsigned char found[KEY_BYTES];
		if (!read_key(keys, "private", found_id, found))
			return false;
		if (strcmp(found_id, id) == 0) {
			memcpy(key, found, KEY_BYTES);
			*ret_found = true;
		}
		sodium_memzero(found, sizeof(found));
		keys += strcspn(keys, " ");
	}

	return true;
}

enum error_class secret_keys_check(
	const char *public_key, const char *private_keys, struct error *error)
{
	unsigned char key[KEY_BYTES];
	char id[ID_SIZE] = "";
	bool found;

	if (public_key != NULL && !read_key(public_key, "public", id, key)) {
		error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_SECRETS_PUBLIC_KEY is not a public key");
		return error_remedy(error, NULL, "Set it to the text that 'slipway key' printed.");
	}

	if (private_keys != NULL && !find_key(private_keys, id, key, &found)) {
		error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_SECRETS_KEYS contains something that is not a private key");
		return error_remedy(error, NULL,
			"Give it what 'slipway key' has written into its file; several stand in "
			"one line, separated by spaces.");
	}

	sodium_memzero(key, sizeof(key));
	if (public_key == NULL || private_keys == NULL || found)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT,
		"SLIPWAY_SECRETS_KEYS lacks the key %s, which secrets are sealed for", id);
	return error_remedy(error, NULL,
		"Give the workers the file that 'slipway key' wrote with that public key.");
}

/* ---- sealing and opening ---- */

/* Whose it is, and its name: each with its end, which none has within. */
#define BOUND_TO 3

static void list_bound(const struct secret_name *name, const char *texts[BOUND_TO])
{
	texts[0] = name->tenant;
	texts[1] = name->app;
	texts[2] = name->name;
}

/* Tenant, app, name and value, each NUL-terminated; in the arena. */
static unsigned char *write_inner(
	const struct secret_name *name, const char *value, struct arena *arena, size_t *ret_length)
{
	const char *texts[BOUND_TO];
	size_t length = strlen(value) + 1;

	list_bound(name, texts);
	for (size_t i = 0; i < BOUND_TO; i++)
		length += strlen(texts[i]) + 1;
	unsigned char *inner = arena_allocate(arena, length), *to = inner;
	if (inner == NULL)
		return NULL;
	for (size_t i = 0; i < BOUND_TO; to += strlen(texts[i]) + 1, i++)
		memcpy(to, texts[i], strlen(texts[i]) + 1);
	memcpy(to, value, strlen(value) + 1);
	*ret_length = length;
	return inner;
}

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

static enum error_class check_secret(
	const struct secret_name *name, const char *value, struct error *error)
{
	size_t length = strlen(value);

	if (!secret_name_valid(name->name)) {
		error_set(error, ERROR_INVALID_REQUEST,
			"the name of a secret may have letters, digits and underscores only");
		return error_remedy(error, NULL, "Choose another name, of at most %d characters.",
			NAME_MAX_LENGTH);
	}

	if (length >= SECRET_LENGTH_MIN && length <= SECRET_LENGTH_MAX)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "a secret must have %d to %d bytes",
		SECRET_LENGTH_MIN, SECRET_LENGTH_MAX);
	return error_remedy(error, NULL,
		"A shorter value can be guessed, and could not be redacted. If it is not a secret, "
		"put it into config or env.");
}

static enum error_class check_key(const char *public_key, struct error *error)
{
	if (public_key != NULL)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"secrets are not enabled: no public key is configured");
	return error_remedy(error, NULL,
		"An operator makes one with 'slipway key', and sets SLIPWAY_SECRETS_PUBLIC_KEY of "
		"slipway-api to it.");
}

static enum error_class seal(const char *public_key, const struct secret_name *name,
	const char *value, struct arena *arena, const char **ret_sealed, struct error *error)
{
	unsigned char key[KEY_BYTES];
	char id[ID_SIZE];
	size_t length;

	if (!read_key(public_key, "public", id, key))
		return secret_keys_check(public_key, NULL, error);
	unsigned char *inner = write_inner(name, value, arena, &length);
	unsigned char *box =
		inner != NULL ? arena_allocate(arena, length + crypto_box_SEALBYTES) : NULL;
	if (box == NULL || crypto_box_seal(box, inner, length, key) != 0)
		return no_memory(error);
	size_t size = sodium_base64_encoded_len(length + crypto_box_SEALBYTES, BASE64);
	char *encoded = arena_allocate(arena, size);
	if (encoded != NULL)
		*ret_sealed = arena_format(arena, "sealed.%s.%s", id,
			sodium_bin2base64(
				encoded, size, box, length + crypto_box_SEALBYTES, BASE64));
	return encoded != NULL && *ret_sealed != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class secret_seal(const char *public_key, const struct secret_name *name,
	const char *value, struct arena *arena, const char **ret_sealed, struct error *error)
{
	if (check_key(public_key, error) != ERROR_NONE ||
		check_secret(name, value, error) != ERROR_NONE)
		return error->class;
	return seal(public_key, name, value, arena, ret_sealed, error);
}

enum error_class secret_seal_bound(const char *public_key, const struct secret_name *name,
	const char *text, struct arena *arena, const char **ret_sealed, struct error *error)
{
	if (check_key(public_key, error) != ERROR_NONE)
		return error->class;
	return seal(public_key, name, text, arena, ret_sealed, error);
}

enum error_class secret_seal_input(const char *public_key, const struct app_name *app,
	const char *text, struct arena *arena, const char **ret_sealed, struct error *error)
{
	const struct secret_name name = { app->tenant, app->app, SECRET_INPUT_NAME };
	return secret_seal_bound(public_key, &name, text, arena, ret_sealed, error);
}

/* ---- shared secrets ---- */

#define SHARED_PREFIX "shared."

const char *secret_shared_text(struct arena *arena, const char *name, const char *sealed)
{
	return arena_format(arena, SHARED_PREFIX "%s%s%s", name, sealed != NULL ? "=" : "",
		sealed != NULL ? sealed : "");
}

const char *secret_shared_name(const char *text)
{
	if (text == NULL || !text_has_prefix(text, SHARED_PREFIX))
		return NULL;
	const char *name = text + strlen(SHARED_PREFIX);
	return secret_name_valid(name) ? name : NULL;
}

bool secret_shares(const char *text, const char *reference)
{
	size_t length = strlen(reference);
	return strncmp(text, reference, length) == 0 &&
		(text[length] == '\0' || text[length] == '=');
}

static enum error_class refuse(const struct secret_name *name, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT,
		"the secret '%s' of '%s' cannot be opened: it is damaged, or was sealed for "
		"another app or name",
		name->name, name->app);
	return error_remedy(
		error, NULL, "Configure the secret again, then trigger the step again.");
}

/* Finds the value in the opened box, behind whose it is. Check all of it: anybody with the public
 * key can seal. */
static const char *read_inner(const struct secret_name *name, const char *inner, size_t length)
{
	const char *texts[BOUND_TO], *end = inner + length;

	if (length == 0 || inner[length - 1] != '\0')
		return NULL;
	list_bound(name, texts);
	for (size_t i = 0; i < BOUND_TO; i++) {
		if (inner == end || strcmp(inner, texts[i]) != 0)
			return NULL;
		inner += strlen(inner) + 1;
	}
	return inner != end && inner + strlen(inner) + 1 == end && text_is_valid(inner) ? inner
											: NULL;
}

enum error_class secret_open(const char *private_keys, const struct secret_name *name,
	const char *sealed, struct arena *arena, const char **ret_value, struct error *error)
{
	unsigned char key[KEY_BYTES], public_key[KEY_BYTES];
	char id[ID_SIZE];
	size_t length;
	bool found = false;
	const char *encoded = skip_head(sealed, "sealed", id);

	if (encoded == NULL)
		return refuse(name, error);
	if (private_keys != NULL && !find_key(private_keys, id, key, &found))
		return secret_keys_check(NULL, private_keys, error);
	if (!found) {
		error_set(error, ERROR_AUTH_MISSING,
			"the workers have no key %s to open the secret '%s' of '%s'", id,
			name->name, name->app);
		return error_remedy(error, NULL,
			"Add that key to the line of the workers' SLIPWAY_SECRETS_KEYS, or "
			"configure the secret again; then trigger the step again.");
	}

	size_t size = strlen(encoded);
	unsigned char *box = arena_allocate(arena, size), *inner = arena_allocate(arena, size);
	bool opened = box != NULL && inner != NULL &&
		crypto_scalarmult_base(public_key, key) == 0 &&
		sodium_base642bin(box, size, encoded, size, NULL, &length, NULL, BASE64) == 0 &&
		length > crypto_box_SEALBYTES &&
		crypto_box_seal_open(inner, box, length, public_key, key) == 0;
	sodium_memzero(key, sizeof(key));
	if (box == NULL || inner == NULL)
		return no_memory(error);
	*ret_value = opened ? read_inner(name, (const char *)inner, length - crypto_box_SEALBYTES)
			    : NULL;
	return *ret_value != NULL ? ERROR_NONE : refuse(name, error);
}
