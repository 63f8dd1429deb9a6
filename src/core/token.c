/*
 * Makes and reads tokens. What is hashed begins with a text of its own, so that no hash that is
 * made elsewhere for another purpose is one of a token.
 */
#include "core/token.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

#define HASH_PURPOSE   "slipway token 1"
#define OWN_PREFIX     "sw_"
#define BROWSER_PREFIX "swb_"
#define HEX_DIGITS     "0123456789abcdef"
#define SECRET_BYTES   32
#define SECRET_LENGTH  43
#define ID_BYTES       8
#define BASE64         sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(crypto_generichash_BYTES == TOKEN_HASH_BYTES, "the hash is BLAKE2b of 256 bits");
_Static_assert(sodium_base64_ENCODED_LEN(SECRET_BYTES, BASE64) == SECRET_LENGTH + 1,
	"a secret is 43 characters");
_Static_assert(sizeof(BROWSER_PREFIX) + TOKEN_ID_SIZE + SECRET_LENGTH == TOKEN_TEXT_SIZE,
	"the longest token fits its array");

static const char *const role_names[] = {
	[ROLE_NONE] = "",
	[ROLE_READ] = "read",
	[ROLE_DEPLOY] = "deploy",
	[ROLE_ADMIN] = "admin",
};

const char *role_name(enum role role)
{
	return (size_t)role < ARRAY_LEN(role_names) ? role_names[role] : "";
}

enum role role_by_name(const char *name)
{
	for (enum role role = ROLE_READ; name != NULL && role <= ROLE_ADMIN; role++)
		if (strcmp(role_names[role], name) == 0)
			return role;
	return ROLE_NONE;
}

static void make_hash(const char *text, unsigned char hash[TOKEN_HASH_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, TOKEN_HASH_BYTES);
	crypto_generichash_update(
		&state, (const unsigned char *)HASH_PURPOSE, sizeof(HASH_PURPOSE));
	crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	crypto_generichash_final(&state, hash, TOKEN_HASH_BYTES);
	sodium_memzero(&state, sizeof(state));
}

void token_make(struct token *token, const char *maker, char ret_text[TOKEN_TEXT_SIZE])
{
	unsigned char id[ID_BYTES], secret[SECRET_BYTES];
	char digits[TOKEN_OWN_ID_SIZE], encoded[SECRET_LENGTH + 1];

	randombytes_buf(id, sizeof(id));
	randombytes_buf(secret, sizeof(secret));
	sodium_bin2hex(digits, sizeof(digits), id, sizeof(id));
	sodium_bin2base64(encoded, sizeof(encoded), secret, sizeof(secret), BASE64);
	text_format(token->id, sizeof(token->id), "%s%s", maker != NULL ? maker : "", digits);
	text_format(ret_text, TOKEN_TEXT_SIZE, "%s%s_%s",
		maker != NULL ? BROWSER_PREFIX : OWN_PREFIX, token->id, encoded);
	make_hash(ret_text, token->hash);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(encoded, sizeof(encoded));
}

/* The id behind the prefix, and how long it is; NULL where the text begins as no token. */
static const char *find_id(const char *text, size_t *ret_length)
{
	bool is_browser = text_has_prefix(text, BROWSER_PREFIX);

	*ret_length = is_browser ? TOKEN_ID_SIZE - 1 : TOKEN_OWN_ID_SIZE - 1;
	if (is_browser)
		return text + sizeof(BROWSER_PREFIX) - 1;
	return text_has_prefix(text, OWN_PREFIX) ? text + sizeof(OWN_PREFIX) - 1 : NULL;
}

static bool is_secret(const char *text)
{
	return strlen(text) == SECRET_LENGTH &&
		text[strspn(text,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")] ==
		'\0';
}

bool token_parse(
	const char *text, char ret_id[TOKEN_ID_SIZE], unsigned char ret_hash[TOKEN_HASH_BYTES])
{
	size_t length = 0;
	const char *id = text != NULL ? find_id(text, &length) : NULL;
	bool valid = id != NULL && strspn(id, HEX_DIGITS) == length && id[length] == '_' &&
		is_secret(id + length + 1);

	make_hash(valid ? text : "", ret_hash);
	return valid ? text_format(ret_id, TOKEN_ID_SIZE, "%.*s", (int)length, id)
		     : !text_copy(ret_id, TOKEN_ID_SIZE, "0000000000000000");
}

bool token_id_valid(const char *id)
{
	size_t length = strlen(id);

	return (length == TOKEN_OWN_ID_SIZE - 1 || length == TOKEN_ID_SIZE - 1) &&
		strspn(id, HEX_DIGITS) == length;
}

bool token_is_browser(const struct token *token)
{
	return strlen(token->id) == TOKEN_ID_SIZE - 1;
}

bool token_matches(const struct token *token, const unsigned char hash[TOKEN_HASH_BYTES])
{
	return sodium_memcmp(token->hash, hash, TOKEN_HASH_BYTES) == 0;
}

void token_hash_print(const unsigned char hash[TOKEN_HASH_BYTES], char ret_text[TOKEN_HASH_SIZE])
{
	sodium_bin2hex(ret_text, TOKEN_HASH_SIZE, hash, TOKEN_HASH_BYTES);
}

bool token_hash_read(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES])
{
	size_t length = 0;

	return strlen(text) == TOKEN_HASH_SIZE - 1 &&
		sodium_hex2bin(ret_hash, TOKEN_HASH_BYTES, text, TOKEN_HASH_SIZE - 1, NULL, &length,
			NULL) == 0 &&
		length == TOKEN_HASH_BYTES;
}

bool token_reaches(const struct token *token, const char *app)
{
	return text_has_prefix(app, token->prefix) &&
		(token->app[0] == '\0' || strcmp(token->app, app) == 0);
}

bool token_has_mode(const struct token *token, const char *mode)
{
	const char *next = token->modes;
	size_t length = strlen(mode);

	if (!token_is_browser(token))
		return true;
	for (; *next != '\0'; next += strspn(next, " ")) {
		size_t word = strcspn(next, " ");
		if (word == length && strncmp(next, mode, length) == 0)
			return true;
		next += word;
	}
	return false;
}

bool token_label_valid(const char *label)
{
	size_t length = strlen(label);

	for (size_t i = 0; i < length; i++)
		if (label[i] < ' ' || label[i] > '~')
			return false;
	return length < TOKEN_LABEL_SIZE;
}
