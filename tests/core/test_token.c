/*
 * Tokens as text: what is one, what is not, and what one allows.
 *
 * covers: src/core/token.c
 */
#include <string.h>

#include "base/text.h"
#include "core/token.h"
#include "harness/suite.h"
#include "slipway/field.h"

static struct token token;
static char text[TOKEN_TEXT_SIZE];

static void setup(void)
{
	token = (struct token){ .role = ROLE_DEPLOY };
	token_make(&token, NULL, text);
}

START_TEST(test_a_token_is_known_by_its_text)
{
	char id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];

	ck_assert_uint_eq(strlen(text), 3 + 16 + 1 + 43);
	ck_assert_int_eq(strncmp(text, "sw_", 3), 0);
	ck_assert(token_parse(text, id, hash));
	ck_assert_str_eq(id, token.id);
	ck_assert(token_id_valid(id));
	ck_assert(!token_is_browser(&token));
	ck_assert(token_matches(&token, hash));
}
END_TEST

START_TEST(test_a_browser_token_names_its_maker)
{
	char id[TOKEN_ID_SIZE], made[TOKEN_TEXT_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];
	struct token browser = { .role = ROLE_DEPLOY };

	token_make(&browser, token.id, made);
	ck_assert_uint_eq(strlen(made), TOKEN_TEXT_SIZE - 1);
	ck_assert(token_is_browser(&browser));
	ck_assert(token_parse(made, id, hash));
	ck_assert(text_has_prefix(id, token.id));
	ck_assert(token_matches(&browser, hash));
	ck_assert(!token_matches(&token, hash));
}
END_TEST

/* The hash is over the whole text, so that a hash that stands under another id is of no use. */
START_TEST(test_each_character_counts)
{
	char id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];

	for (size_t i = 0; i < strlen(text); i++) {
		char changed[TOKEN_TEXT_SIZE];
		text_copy(changed, sizeof(changed), text);
		changed[i] = changed[i] == '0' ? '1' : '0';
		token_parse(changed, id, hash);
		ck_assert(!token_matches(&token, hash));
	}
}
END_TEST

START_TEST(test_what_is_no_token_has_the_id_of_none)
{
	static const char *const wrong[] = { NULL, "", "sw_", "sw_0123456789abcdef_",
		"sw_0123456789ABCDEF_0123456789012345678901234567890123456789012",
		"sw_0123456789abcdef_012345678901234567890123456789012345678901",
		"sw_0123456789abcdef_01234567890123456789012345678901234567890123",
		"sw_0123456789abcdef_0123456789012345678901234567890123456789 12",
		"swb_0123456789abcdef_0123456789012345678901234567890123456789012",
		"xw_0123456789abcdef_0123456789012345678901234567890123456789012" };
	char id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ck_assert(!token_parse(wrong[i], id, hash));
		ck_assert_str_eq(id, "0000000000000000");
		ck_assert(!token_matches(&token, hash));
	}
}
END_TEST

START_TEST(test_a_hash_is_read_as_it_was_written)
{
	char digits[TOKEN_HASH_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];

	token_hash_print(token.hash, digits);
	ck_assert(token_hash_read(digits, hash));
	ck_assert(token_matches(&token, hash));
	ck_assert(!token_hash_read("", hash));
	ck_assert(!token_hash_read("00", hash));
	digits[0] = 'g';
	ck_assert(!token_hash_read(digits, hash));
}
END_TEST

START_TEST(test_it_reaches_apps_by_prefix_and_one_by_name)
{
	ck_assert(token_reaches(&token, "any"));
	text_copy(token.prefix, sizeof(token.prefix), "docs");
	ck_assert(token_reaches(&token, "docs"));
	ck_assert(token_reaches(&token, "docs-eu"));
	ck_assert(!token_reaches(&token, "doc"));
	ck_assert(!token_reaches(&token, "shop"));
	ck_assert(!token_reaches(&token, "Docs"));
	text_copy(token.app, sizeof(token.app), "docs-eu");
	ck_assert(!token_reaches(&token, "docs"));
	ck_assert(token_reaches(&token, "docs-eu"));
	ck_assert(!token_reaches(&token, "docs-eu2"));
}
END_TEST

START_TEST(test_a_browser_token_has_its_modes_only)
{
	struct token browser = { .role = ROLE_DEPLOY };
	char made[TOKEN_TEXT_SIZE];

	ck_assert(token_has_mode(&token, "trigger"));
	token_make(&browser, token.id, made);
	ck_assert(!token_has_mode(&browser, "poll"));
	text_copy(browser.modes, sizeof(browser.modes), "poll start");
	ck_assert(token_has_mode(&browser, "poll"));
	ck_assert(token_has_mode(&browser, "start"));
	ck_assert(!token_has_mode(&browser, "star"));
	ck_assert(!token_has_mode(&browser, "trigger"));
	ck_assert(!token_has_mode(&browser, ""));
}
END_TEST

START_TEST(test_roles_have_names)
{
	for (enum role role = ROLE_READ; role <= ROLE_ADMIN; role++)
		ck_assert_int_eq(role_by_name(role_name(role)), role);
	ck_assert_int_eq(role_by_name(NULL), ROLE_NONE);
	ck_assert_int_eq(role_by_name(""), ROLE_NONE);
	ck_assert_int_eq(role_by_name("owner"), ROLE_NONE);
	ck_assert_str_eq(role_name(ROLE_NONE), "");
	ck_assert_str_eq(role_name((enum role)9), "");
}
END_TEST

START_TEST(test_labels)
{
	ck_assert(token_label_valid(""));
	ck_assert(token_label_valid("the build of docs, see #12"));
	ck_assert(!token_label_valid("two\nlines"));
	ck_assert(!token_label_valid("t\xc3\xa9l\xc3\xa9"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_token_is_known_by_its_text,
		test_a_browser_token_names_its_maker, test_each_character_counts,
		test_what_is_no_token_has_the_id_of_none, test_a_hash_is_read_as_it_was_written,
		test_it_reaches_apps_by_prefix_and_one_by_name,
		test_a_browser_token_has_its_modes_only, test_roles_have_names, test_labels, NULL };
	return suite_main("token", tests, setup, NULL);
}
