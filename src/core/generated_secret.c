/*
 * Reads what kind of secret is asked for, and draws one with libsodium, each character with the
 * same probability.
 */
#include "core/generated_secret.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

#include "base/record.h"
#include "core/secret.h"

#define DIGITS           "0123456789"
#define LETTERS          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LENGTH_DEFAULT   "32"
#define LENGTH_MIN       8
#define LENGTH_MAX       256
#define ALPHABET_DEFAULT "alphanumeric"
#define CHARACTERS_MAX   94 /* of ASCII, without the space */
#define ENTROPY_MIN_BITS 64 /* whoever has what a secret protects may try many of them */

struct kind {
	const char *alphabet;
	int64_t length;
};
static const struct field kind_fields[] = {
	{ INTEGER_FIELD("length", struct kind, length), .fallback = LENGTH_DEFAULT,
		.minimum = LENGTH_MIN, .maximum = LENGTH_MAX,
		.description = "How many characters it has" },
	{ STRING_FIELD("alphabet", struct kind, alphabet), .fallback = ALPHABET_DEFAULT,
		.minimum = 2, .maximum = CHARACTERS_MAX, .pattern = "^[!-~]+$",
		.form = "hex, base64url, alphanumeric, or at least two visible ASCII characters",
		.description = "What characters it has" },
};
static const struct record kind_record = RECORD(struct kind, kind_fields);

struct wish {
	const void *generate;
	const char *shared;
	bool anew;
};
static const struct field wish_fields[] = {
	{ OBJECT_FIELD("generate", struct wish, generate), .required = true, .record = &kind_record,
		.description = "What kind of secret to make" },
	{ STRING_FIELD("shared", struct wish, shared), .minimum = 1,
		.description = "The name that apps share it by" },
	{ BOOLEAN_FIELD("anew", struct wish, anew),
		.description = "Whether it replaces the one that is there" },
};
static const struct record wish_record = RECORD(struct wish, wish_fields);

static const struct {
	const char *name, *characters;
} alphabets[] = {
	{ "hex", DIGITS "abcdef" },
	{ "base64url", DIGITS LETTERS "-_" },
	{ "alphanumeric", DIGITS LETTERS },
};

static const char *find_characters(const char *alphabet)
{
	for (size_t i = 0; i < ARRAY_LEN(alphabets); i++)
		if (strcmp(alphabets[i].name, alphabet) == 0)
			return alphabets[i].characters;
	return alphabet;
}

static enum error_class check_alphabet(
	const char *characters, const char *place, struct error *error)
{
	for (const char *character = characters; *character != '\0'; character++) {
		if (strchr(character + 1, *character) == NULL)
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "the alphabet has '%c' twice", *character);
		error_remedy(error, NULL,
			"Write each character once, or one of the names hex, base64url and "
			"alphanumeric.");
		return error_at(error, "%s/generate/alphabet", place);
	}

	return ERROR_NONE;
}

static enum error_class check_entropy(
	const struct generated_secret *secret, const char *place, struct error *error)
{
	double bits = log2((double)strlen(secret->alphabet));
	int least = (int)ceil(ENTROPY_MIN_BITS / bits);

	if (secret->length >= (size_t)least)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"a secret of %zu characters of this alphabet could be guessed", secret->length);
	error_remedy(error, NULL, "Make it at least %d characters long: it must have %d bits.",
		least, ENTROPY_MIN_BITS);
	return error_at(error, "%s/generate/length", place);
}

static enum error_class check_shared(const char *shared, const char *place, struct error *error)
{
	if (shared == NULL || secret_name_valid(shared))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"the name of a shared secret may have letters, digits and underscores only");
	error_remedy(error, NULL, "Choose another name, of at most 128 characters.");
	return error_at(error, "%s/shared", place);
}

enum error_class generated_secret_read(const cJSON *json, const char *place, struct arena *arena,
	struct generated_secret *ret_secret, struct error *error)
{
	struct wish wish;

	/* A secret is refused as a request, not as an input: no step takes it. */
	if (record_decode(&wish_record, json, RECORD_STRICT, place, arena, &wish, error) !=
		ERROR_NONE) {
		if (error->class == ERROR_INVALID_INPUT)
			error->class = ERROR_INVALID_REQUEST;
		return error->class;
	}

	const struct kind *kind = wish.generate;
	*ret_secret = (struct generated_secret){ .alphabet = find_characters(kind->alphabet),
		.length = (size_t)kind->length,
		.shared = wish.shared,
		.anew = wish.anew };
	if (check_shared(wish.shared, place, error) != ERROR_NONE ||
		check_alphabet(ret_secret->alphabet, place, error) != ERROR_NONE)
		return error->class;
	return check_entropy(ret_secret, place, error);
}

const char *generated_secret_make(const struct generated_secret *secret, struct arena *arena)
{
	size_t count = strlen(secret->alphabet);
	char *text = arena_allocate(arena, secret->length + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < secret->length; i++)
		text[i] = secret->alphabet[randombytes_uniform((uint32_t)count)];
	text[secret->length] = '\0';
	return text;
}
