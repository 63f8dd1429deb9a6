/*
 * Tokens that a process remembers: for less than a second, counted from before Redis was asked, and
 * only for who has the whole token.
 *
 * covers: src/api/token_memory.c
 */
#include "api/token_memory.h"
#include "harness/suite.h"

#define NOW INT64_C(1000000)

static struct token token;
static char text[TOKEN_TEXT_SIZE];

static void setup(void)
{
	token = (struct token){ .role = ROLE_READ };
	token_make(&token, NULL, text);
}

START_TEST(test_it_is_remembered_for_less_than_a_second)
{
	ck_assert_int_lt(TOKEN_REMEMBERED_MS, 1000);
	token_remember(&token, NOW);
	ck_assert_ptr_nonnull(token_remembered(token.hash, NOW));
	ck_assert_ptr_nonnull(token_remembered(token.hash, NOW + TOKEN_REMEMBERED_MS - 1));
	ck_assert_ptr_null(token_remembered(token.hash, NOW + TOKEN_REMEMBERED_MS));
}
END_TEST

START_TEST(test_only_the_whole_hash_finds_it)
{
	unsigned char other[TOKEN_HASH_BYTES];

	token_remember(&token, NOW);
	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
		for (size_t j = 0; j < TOKEN_HASH_BYTES; j++)
			other[j] = token.hash[j];
		other[i] ^= 1;
		ck_assert_ptr_null(token_remembered(other, NOW));
	}
}
END_TEST

START_TEST(test_what_was_never_remembered_is_not_found)
{
	static const unsigned char nothing[TOKEN_HASH_BYTES];

	ck_assert_ptr_null(token_remembered(nothing, 0));
	ck_assert_ptr_null(token_remembered(token.hash, NOW));
}
END_TEST

START_TEST(test_one_that_comes_upon_another_takes_its_place)
{
	struct token other = token;

	other.hash[TOKEN_HASH_BYTES - 1] ^= 1;
	token_remember(&token, NOW);
	token_remember(&other, NOW);
	ck_assert_ptr_null(token_remembered(token.hash, NOW));
	ck_assert_ptr_nonnull(token_remembered(other.hash, NOW));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_it_is_remembered_for_less_than_a_second,
		test_only_the_whole_hash_finds_it, test_what_was_never_remembered_is_not_found,
		test_one_that_comes_upon_another_takes_its_place, NULL };
	return suite_main("token_memory", tests, setup, NULL);
}
