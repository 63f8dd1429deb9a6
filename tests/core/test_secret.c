/*
 * Keys and secrets as text: what opens, and what does not.
 *
 * covers: src/core/secret.c
 */
#include <string.h>

#include "core/secret.h"
#include "harness/suite.h"

static struct arena arena;
static struct secret_key_pair pair, other;
static const struct secret_name name = { "one", "acme-docs", "API_KEY" };
static const char value[] = "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n";

static void setup(void)
{
	arena_init(&arena, 0);
	secret_key_make(&pair);
	secret_key_make(&other);
}

static void teardown(void)
{
	arena_release(&arena);
}

static const char *seal(void)
{
	struct error error;
	const char *sealed;
	ck_assert_int_eq(
		secret_seal(pair.public_key, &name, value, &arena, &sealed, &error), ERROR_NONE);
	return sealed;
}

static enum error_class open_as(
	const char *keys, const char *app, const char *secret, const char *sealed)
{
	struct error error;
	const struct secret_name asked = { "one", app, secret };
	const char *opened = NULL;
	enum error_class class = secret_open(keys, &asked, sealed, &arena, &opened, &error);
	if (class == ERROR_NONE)
		ck_assert_str_eq(opened, value);
	else
		ck_assert_ptr_null(strstr(error.message, "c2VjcmV0"));
	return class;
}

START_TEST(test_opens_what_was_sealed)
{
	const char *sealed = seal();
	ck_assert_int_eq(strncmp(sealed, "sealed.", 7), 0);
	ck_assert_ptr_null(strstr(sealed, "c2VjcmV0"));
	ck_assert_str_ne(sealed, seal());
	ck_assert_int_eq(open_as(pair.private_key, name.app, name.name, sealed), ERROR_NONE);
}
END_TEST

/* Whoever has the public key may seal anything: only what JSON can carry goes on to an action. */
START_TEST(test_what_is_not_utf_8_is_not_opened)
{
	struct error error;
	const char *sealed, *opened;
	ck_assert_int_eq(
		secret_seal(pair.public_key, &name, "abcdefgh\xff", &arena, &sealed, &error),
		ERROR_NONE);
	ck_assert_int_eq(secret_open(pair.private_key, &name, sealed, &arena, &opened, &error),
		ERROR_INVALID_INPUT);
}
END_TEST

/* What is copied to where it does not belong is of no use there. */
START_TEST(test_opens_for_its_app_and_name_only)
{
	const char *sealed = seal();
	ck_assert_int_eq(
		open_as(pair.private_key, "acme-shop", name.name, sealed), ERROR_INVALID_INPUT);
	ck_assert_int_eq(
		open_as(pair.private_key, name.app, "API_KEY2", sealed), ERROR_INVALID_INPUT);
	ck_assert_int_eq(
		open_as(pair.private_key, "acme-doc", "sAPI_KEY", sealed), ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_damage_is_refused)
{
	const char *sealed = seal();
	for (size_t i = 0; i < strlen(sealed); i++) {
		char *damaged = arena_string(&arena, sealed);
		damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(open_as(pair.private_key, name.app, name.name, damaged) != ERROR_NONE,
			"byte %zu", i);
		damaged[i] = '\0';
		ck_assert_msg(open_as(pair.private_key, name.app, name.name, damaged) != ERROR_NONE,
			"cut at %zu", i);
	}
}
END_TEST

START_TEST(test_keys_are_replaced_one_after_the_other)
{
	const char *sealed = seal();
	const char *both = arena_format(&arena, "%s %s", other.private_key, pair.private_key);
	ck_assert_int_eq(open_as(both, name.app, name.name, sealed), ERROR_NONE);
	ck_assert_int_eq(
		open_as(other.private_key, name.app, name.name, sealed), ERROR_AUTH_MISSING);
	ck_assert_int_eq(open_as(NULL, name.app, name.name, sealed), ERROR_AUTH_MISSING);
}
END_TEST

static enum error_class checked(const char *public_key, const char *private_keys, const char *part)
{
	struct error error;
	enum error_class class = secret_keys_check(public_key, private_keys, &error);
	if (class != ERROR_NONE) {
		ck_assert_msg(strstr(error.message, part) != NULL, "%s", error.message);
		ck_assert_ptr_null(strstr(error.message, pair.private_key));
		ck_assert_str_ne(error.remedy, "");
	}
	return class;
}

START_TEST(test_keys_are_checked)
{
	const char *both = arena_format(&arena, " %s  %s ", other.private_key, pair.private_key);
	ck_assert_int_eq(checked(NULL, NULL, ""), ERROR_NONE);
	ck_assert_int_eq(checked(pair.public_key, NULL, ""), ERROR_NONE);
	ck_assert_int_eq(checked(NULL, pair.private_key, ""), ERROR_NONE);
	ck_assert_int_eq(checked(pair.public_key, both, ""), ERROR_NONE);
	ck_assert_int_eq(
		checked(pair.public_key, other.private_key, "lacks the key"), ERROR_INVALID_INPUT);
	ck_assert_int_eq(checked(pair.private_key, NULL, "not a public key"), ERROR_INVALID_INPUT);
	ck_assert_int_eq(checked("secret", NULL, "not a public key"), ERROR_INVALID_INPUT);
	ck_assert_int_eq(checked(NULL, pair.public_key, "not a private key"), ERROR_INVALID_INPUT);
	ck_assert_int_eq(checked(NULL, arena_format(&arena, "%s more", pair.private_key),
				 "not a private key"),
		ERROR_INVALID_INPUT);
	pair.private_key[20] = pair.private_key[20] == 'A' ? 'B' : 'A';
	ck_assert_int_eq(checked(NULL, pair.private_key, "not a private key"), ERROR_INVALID_INPUT);
}
END_TEST

static enum error_class sealing(const char *public_key, const char *secret, const char *text)
{
	struct error error;
	const struct secret_name asked = { "one", "acme-docs", secret };
	const char *sealed;
	enum error_class class = secret_seal(public_key, &asked, text, &arena, &sealed, &error);
	if (class != ERROR_NONE)
		ck_assert_str_ne(error.remedy, "");
	return class;
}

/* Not even where their texts, one behind another, are the same. */
START_TEST(test_no_other_tenant_opens_it)
{
	static const struct secret_name others[] = { { "two", "acme-docs", "API_KEY" },
		{ "", "one", "acme-docs" }, { "oneacme-docs", "", "API_KEY" },
		{ "one", "acme-docsAPI_KEY", "" } };
	struct error error;
	const char *sealed, *opened;

	ck_assert_int_eq(
		secret_seal(pair.public_key, &name, value, &arena, &sealed, &error), ERROR_NONE);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(
			secret_open(pair.private_key, &others[i], sealed, &arena, &opened, &error),
			ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_what_cannot_be_kept_secret_is_refused)
{
	char *longest = arena_allocate(&arena, SECRET_LENGTH_MAX + 2);
	memset(longest, 'x', SECRET_LENGTH_MAX);
	ck_assert_int_eq(sealing(pair.public_key, "A_1", longest), ERROR_NONE);
	longest[SECRET_LENGTH_MAX] = 'x';
	ck_assert_int_eq(sealing(pair.public_key, "A_1", longest), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(sealing(pair.public_key, "A_1", "short"), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(sealing(pair.public_key, "1A", "long enough"), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(sealing(pair.public_key, "A-B", "long enough"), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(sealing(pair.public_key, "", "long enough"), ERROR_INVALID_REQUEST);
	ck_assert_int_eq(sealing(NULL, "A_1", "long enough"), ERROR_INVALID_REQUEST);
}
END_TEST

START_TEST(test_a_shared_secret_is_told_from_a_sealed_one)
{
	const char *reference = secret_shared_text(&arena, "one", NULL);
	const char *resolved = secret_shared_text(&arena, "one", "sealed.0.A");
	ck_assert_str_eq(reference, "shared.one");
	ck_assert_str_eq(secret_shared_name(reference), "one");
	ck_assert_ptr_null(secret_shared_name("sealed.00000000.AAAA"));
	ck_assert_ptr_null(secret_shared_name("shared."));
	ck_assert_ptr_null(secret_shared_name(resolved));
	ck_assert_ptr_null(secret_shared_name(NULL));
	ck_assert(secret_shares(reference, reference));
	ck_assert(secret_shares(resolved, reference));
	ck_assert(!secret_shares("shared.one_more", reference));
	ck_assert(!secret_shares("sealed.00000000.AAAA", reference));
	/* No app has such an id. */
	ck_assert(!identifier_valid(SECRET_SHARED_APP));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_opens_what_was_sealed,
		test_what_is_not_utf_8_is_not_opened, test_opens_for_its_app_and_name_only,
		test_no_other_tenant_opens_it, test_damage_is_refused,
		test_keys_are_replaced_one_after_the_other, test_keys_are_checked,
		test_what_cannot_be_kept_secret_is_refused,
		test_a_shared_secret_is_told_from_a_sealed_one, NULL };
	return suite_main("secret", tests, setup, teardown);
}
