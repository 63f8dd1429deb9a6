/*
 * Signs the JSON Web Token by which a GitHub App shows what it is: the only file that has its key
 * in hand.
 *
 * API: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app.
 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/secret_file.h"
#include "provider/github_app.h"

/* GitHub allows ten minutes at most, and advises to date it back by one
 * against clocks that differ. */
#define JWT_BACKDATED_SECONDS 60
#define JWT_LIFE_SECONDS      540
#define SIGNATURE_MAX         1024 /* bytes: of a key of 8,192 bits */

struct jwt_header {
	const char *alg, *typ;
};
static const struct field jwt_header_fields[] = {
	{ STRING_FIELD("alg", struct jwt_header, alg) },
	{ STRING_FIELD("typ", struct jwt_header, typ) },
};
static const struct record jwt_header_record = RECORD(struct jwt_header, jwt_header_fields);

struct jwt_claims {
	int64_t iat, exp; /* seconds since 1970 */
	const char *iss;
};
static const struct field jwt_claims_fields[] = {
	{ INTEGER_FIELD("iat", struct jwt_claims, iat) },
	{ INTEGER_FIELD("exp", struct jwt_claims, exp) },
	{ STRING_FIELD("iss", struct jwt_claims, iss) },
};
static const struct record jwt_claims_record = RECORD(struct jwt_claims, jwt_claims_fields);

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the app's token");
}

/* base64url without padding, in the arena; NULL where memory is short. */
static const char *encode_bytes(struct arena *arena, const void *bytes, size_t size)
{
	size_t length = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = arena_allocate(arena, length);
	return text != NULL ? sodium_bin2base64(text, length, bytes, size,
				      sodium_base64_VARIANT_URLSAFE_NO_PADDING)
			    : NULL;
}

static const char *encode_part(struct arena *arena, const struct record *record, const void *data)
{
	struct error ignored;
	cJSON *json;
	if (record_encode(record, data, &json, &ignored) != ERROR_NONE)
		return NULL;
	const char *text = json_print(arena, json);
	cJSON_Delete(json);
	return text != NULL ? encode_bytes(arena, text, strlen(text)) : NULL;
}

static enum error_class refuse_key(
	const struct provider_app *app, const char *why, struct error *error)
{
	if (app->key_file == NULL)
		return error_set(error, ERROR_AUTH_MISSING,
			"the private key of the GitHub App %s %s", app->id, why);
	error_set(error, ERROR_AUTH_MISSING, "the private key of the GitHub App, %s, %s",
		app->key_file, why);
	return error_remedy(error, NULL,
		"Let SLIPWAY_GITHUB_APP_KEY_FILE name the .pem file that GitHub gave out, readable "
		"for slipway-worker.");
}

/* GitHub's are PKCS#1; this reads PKCS#8 as well. No pass phrase is asked for. */
static enum error_class read_key_file(
	const struct provider_app *app, EVP_PKEY **ret_key, struct error *error)
{
	FILE *file = fopen(app->key_file, "re");

	if (file == NULL)
		return refuse_key(app, "cannot be opened", error);
	if (secret_file_is_exposed(file, app->key_file)) {
		fclose(file);
		return refuse_key(
			app, "may be read or written by others than its owner: chmod 600", error);
	}

	*ret_key = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	fclose(file);
	return ERROR_NONE;
}

static enum error_class read_key_text(
	const struct provider_app *app, EVP_PKEY **ret_key, struct error *error)
{
	BIO *memory = app->key != NULL ? BIO_new_mem_buf(app->key, (int)strlen(app->key)) : NULL;

	if (app->key == NULL)
		return refuse_key(app, "is missing", error);
	if (memory == NULL)
		return no_memory(error);
	*ret_key = PEM_read_bio_PrivateKey(memory, NULL, NULL, (void *)"");
	BIO_free(memory);
	return ERROR_NONE;
}

/* What was read before is not read again: it may be where files cannot be opened. */
static enum error_class read_key(
	const struct provider_app *app, EVP_PKEY **ret_key, struct error *error)
{
	if (app->key == NULL && app->key_fault != NULL)
		return refuse_key(app, app->key_fault, error);
	enum error_class class = app->key == NULL && app->key_file != NULL
		? read_key_file(app, ret_key, error)
		: read_key_text(app, ret_key, error);

	if (class != ERROR_NONE)
		return class;
	if (*ret_key != NULL && EVP_PKEY_base_id(*ret_key) == EVP_PKEY_RSA)
		return ERROR_NONE;
	EVP_PKEY_free(*ret_key);
	return refuse_key(app, "is no RSA key in PEM form", error);
}

static bool sign(EVP_PKEY *key, const char *text, unsigned char *signature, size_t *size)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool made = digest != NULL &&
		EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(
			digest, signature, size, (const unsigned char *)text, strlen(text)) == 1;
	EVP_MD_CTX_free(digest);
	return made;
}

enum error_class github_app_sign(const struct provider_app *app, int64_t skew_seconds,
	struct arena *arena, const char **ret_jwt, struct error *error)
{
	int64_t now = clock_wall_ms() / 1000 + skew_seconds;
	const struct jwt_header header = { "RS256", "JWT" };
	const struct jwt_claims claims = { now - JWT_BACKDATED_SECONDS, now + JWT_LIFE_SECONDS,
		app->id };
	const char *first = encode_part(arena, &jwt_header_record, &header);
	const char *second = encode_part(arena, &jwt_claims_record, &claims);
	const char *text = first != NULL && second != NULL
		? arena_format(arena, "%s.%s", first, second)
		: NULL;

	if (text == NULL)
		return no_memory(error);
	EVP_PKEY *key = NULL;
	unsigned char signature[SIGNATURE_MAX];
	size_t size = sizeof(signature);
	if (read_key(app, &key, error) != ERROR_NONE)
		return error->class;
	bool made = sign(key, text, signature, &size);
	EVP_PKEY_free(key);
	if (!made)
		return refuse_key(app, "signs nothing", error);
	const char *third = encode_bytes(arena, signature, size);
	*ret_jwt = third != NULL ? arena_format(arena, "%s.%s", text, third) : NULL;
	return *ret_jwt != NULL ? ERROR_NONE : no_memory(error);
}
