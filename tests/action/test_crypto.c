/*
 * Names of git's blobs, against those that git itself gives, and sealed boxes, opened with a real
 * key.
 *
 * covers: src/action/crypto.c src/action/git_object.c
 */
#include <sodium.h>
#include <string.h>

#include "action/context.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "provider/providers.h"
#include "slipway/crypto.h"

static struct arena arena;
static struct action_context context;

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	arena_init(&arena, 0);
	context = (struct action_context){ .arena = &arena };
}

static void teardown(void)
{
	arena_release(&arena);
}

/* As `git hash-object` says. */
START_TEST(test_blob_names)
{
	ck_assert_str_eq(git_blob_name(&context, ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
	ck_assert_str_eq(
		git_blob_name(&context, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
	ck_assert_str_eq(git_blob_name(&context, "na\xc3\xafve\n"),
		"2121a447b06ff7d100f0fa67b7d20973836ccde9");
	ck_assert_ptr_null(git_blob_name(&context, NULL));
}
END_TEST

START_TEST(test_only_the_key_opens_the_box)
{
	static const char *const texts[] = { "", "hush-hush", "na\xc3\xafve\nin two lines" };
	unsigned char public_key[crypto_box_PUBLICKEYBYTES], secret_key[crypto_box_SECRETKEYBYTES];
	char key_text[64];
	crypto_box_keypair(public_key, secret_key);
	sodium_bin2base64(key_text, sizeof(key_text), public_key, sizeof(public_key),
		sodium_base64_VARIANT_ORIGINAL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		unsigned char box[256], opened[256];
		size_t length = 0;
		const char *sealed = seal_text(&context, key_text, texts[i]);
		ck_assert_ptr_nonnull(sealed);
		ck_assert_int_eq(sodium_base642bin(box, sizeof(box), sealed, strlen(sealed), NULL,
					 &length, NULL, sodium_base64_VARIANT_ORIGINAL),
			0);
		ck_assert_uint_eq(length, strlen(texts[i]) + crypto_box_SEALBYTES);
		ck_assert_int_eq(
			crypto_box_seal_open(opened, box, length, public_key, secret_key), 0);
		ck_assert_int_eq(memcmp(opened, texts[i], strlen(texts[i])), 0);
		ck_assert_str_ne(sealed, seal_text(&context, key_text, texts[i]));
	}
}
END_TEST

START_TEST(test_what_is_no_key)
{
	static const char *const keys[] = { NULL, "", "AAAA",
		"not base64!", /* of 31 bytes, of 33, and of zeros */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		context.error.class = ERROR_NONE;
		ck_assert_ptr_null(seal_text(&context, keys[i], "hush-hush"));
		ck_assert_int_eq(context.error.class, ERROR_INTERNAL);
		ck_assert_ptr_null(strstr(context.error.message, "hush"));
	}
}
END_TEST

START_TEST(test_memory_is_short)
{
	arena.limit = 1;
	ck_assert_ptr_null(git_blob_name(&context, "x"));
	ck_assert(context_is_short_of_memory(&context));
	arena.exhausted = false;
	ck_assert_ptr_null(
		seal_text(&context, "9CA5H2XPWXzRPJ8xtgM0ho8JpAUGmUzKHR0rjo7pCWs=", "x"));
	ck_assert(context_is_short_of_memory(&context));
}
END_TEST

START_TEST(test_fingerprints_are_keyed)
{
	static struct settings settings;
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", "a-token-of-the-workers");
	context.settings = &settings;
	const char *one = text_fingerprint(&context, &vercel, "hush-hush");
	ck_assert_uint_eq(strlen(one), 32);
	ck_assert_str_eq(text_fingerprint(&context, &vercel, "hush-hush"), one);
	ck_assert_str_ne(text_fingerprint(&context, &vercel, "hush-hush "), one);
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", "another-token-of-the-workers");
	ck_assert_str_ne(text_fingerprint(&context, &vercel, "hush-hush"), one);
	ck_assert_ptr_null(text_fingerprint(&context, &vercel, NULL));
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", NULL);
	ck_assert_ptr_null(text_fingerprint(&context, &vercel, "hush-hush"));
	ck_assert_int_eq(context.error.class, ERROR_AUTH_MISSING);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_blob_names, test_only_the_key_opens_the_box,
		test_what_is_no_key, test_memory_is_short, test_fingerprints_are_keyed, NULL };
	return suite_main("cryptography for actions", tests, setup, teardown);
}
