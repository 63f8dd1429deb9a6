/*
 * What kinds of secrets can be asked for, and that they are random.
 *
 * covers: src/core/generated_secret.c
 */
#include <string.h>

#include "core/generated_secret.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "slipway/field.h"

static struct arena arena;
static struct error error;
static struct generated_secret secret;

static void set_up(void)
{
	arena_init(&arena, 0);
	memset(&error, 0, sizeof(error));
}

static void tear_down(void)
{
	arena_release(&arena);
}

static enum error_class read_wish(const char *text)
{
	cJSON *json = cJSON_Parse(text);
	ck_assert_msg(json != NULL, "%s", text);
	enum error_class class = generated_secret_read(json, "/secrets/A", &arena, &secret, &error);
	cJSON_Delete(json);
	return class;
}

START_TEST(test_each_alphabet_gives_secrets_of_its_characters_and_length)
{
	static const struct {
		const char *wish, *characters;
		size_t length;
	} cases[] = {
		{ "{'generate':{}}",
			"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 32 },
		{ "{'generate':{'length':16,'alphabet':'hex'}}", "0123456789abcdef", 16 },
		{ "{'generate':{'length':256,'alphabet':'base64url'}}",
			"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_", 256 },
		{ "{'generate':{'length':64,'alphabet':'01'}}", "01", 64 },
		{ "{'generate':{'length':20,'alphabet':'9876543210'}}", "0123456789", 20 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(read_wish(J(cases[i].wish)) == ERROR_NONE, "%s", error.message);
		ck_assert_ptr_null(secret.shared);
		ck_assert(!secret.anew);
		const char *one = generated_secret_make(&secret, &arena);
		const char *two = generated_secret_make(&secret, &arena);
		ck_assert_uint_eq(strlen(one), cases[i].length);
		ck_assert_uint_eq(strspn(one, cases[i].characters), cases[i].length);
		ck_assert_str_ne(one, two);
	}
}
END_TEST

START_TEST(test_a_long_secret_has_every_character)
{
	ck_assert_int_eq(read_wish(J("{'generate':{'length':256,'alphabet':'0123456789abcdef'}}")),
		ERROR_NONE);
	const char *text = generated_secret_make(&secret, &arena);
	for (const char *digit = secret.alphabet; *digit != '\0'; digit++)
		ck_assert_ptr_nonnull(strchr(text, *digit));
}
END_TEST

START_TEST(test_a_name_and_a_replacement_are_read)
{
	ck_assert_int_eq(
		read_wish(J("{'generate':{},'shared':'session_key','anew':true}")), ERROR_NONE);
	ck_assert_str_eq(secret.shared, "session_key");
	ck_assert(secret.anew);
}
END_TEST

START_TEST(test_what_could_be_guessed_or_makes_no_sense_is_refused_with_its_place)
{
	static const char *const cases[][3] = {
		{ "{}", "/secrets/A/generate", "" },
		{ "{'generate':true}", "/secrets/A/generate", "" },
		{ "{'generate':{},'value':'x'}", "/secrets/A/value", "" },
		{ "{'generate':{'size':9}}", "/secrets/A/generate/size", "" },
		{ "{'generate':{'length':7}}", "/secrets/A/generate/length", "" },
		{ "{'generate':{'length':257}}", "/secrets/A/generate/length", "" },
		{ "{'generate':{'length':'32'}}", "/secrets/A/generate/length", "" },
		{ "{'generate':{'length':8}}", "/secrets/A/generate/length", "at least 11 " },
		{ "{'generate':{'length':15,'alphabet':'hex'}}", "/secrets/A/generate/length",
			"at least 16 " },
		{ "{'generate':{'length':63,'alphabet':'01'}}", "/secrets/A/generate/length",
			"at least 64 " },
		{ "{'generate':{'alphabet':'a'}}", "/secrets/A/generate/alphabet", "" },
		{ "{'generate':{'alphabet':''}}", "/secrets/A/generate/alphabet", "" },
		{ "{'generate':{'alphabet':'aba'}}", "/secrets/A/generate/alphabet", "once" },
		{ "{'generate':{'alphabet':'a b'}}", "/secrets/A/generate/alphabet", "" },
		{ "{'generate':{'alphabet':'a\xc3\xa4'}}", "/secrets/A/generate/alphabet", "" },
		{ "{'generate':{},'shared':'a b'}", "/secrets/A/shared", "another name" },
		{ "{'generate':{},'shared':''}", "/secrets/A/shared", "" },
		{ "{'generate':{},'anew':'yes'}", "/secrets/A/anew", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(read_wish(J(cases[i][0])), ERROR_INVALID_REQUEST);
		ck_assert_str_eq(error.place, cases[i][1]);
		ck_assert_msg(strstr(error.remedy, cases[i][2]) != NULL, "%s", error.remedy);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_each_alphabet_gives_secrets_of_its_characters_and_length,
		test_a_long_secret_has_every_character, test_a_name_and_a_replacement_are_read,
		test_what_could_be_guessed_or_makes_no_sense_is_refused_with_its_place, NULL
	};
	return suite_main("generated_secret", tests, set_up, tear_down);
}
