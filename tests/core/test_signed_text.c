/*
 * MACs and what they are of: a text is believed in its own place, by whoever has the key, and
 * nowhere else.
 *
 * covers: src/core/mac.c src/core/signed_text.c
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "core/secret.h"
#include "core/signed_text.h"
#include "harness/suite.h"
#include "slipway/field.h"

static struct secret_key_pair old_pair, new_pair;
static struct mac_keys *keys;
static struct arena arena;
static struct error error;

static const struct run_name name = { "acme", "docs", "site", "repo" };
static const struct app_name app = { "acme", "docs" };

static struct mac_keys *keys_of(const char *first, const char *second)
{
	struct mac_keys *made;
	char both[2 * SECRET_KEY_TEXT_SIZE];

	text_format(both, sizeof(both), "%s %s", first, second);
	ck_assert_int_eq(mac_keys_new(both, &made, &error), ERROR_NONE);
	return made;
}

static void setup(void)
{
	arena_init(&arena, 0);
	secret_key_make(&old_pair);
	secret_key_make(&new_pair);
	keys = keys_of(old_pair.private_key, "");
}

static void teardown(void)
{
	mac_keys_free(keys);
	arena_release(&arena);
}

static enum mac_state open_row(const struct mac_keys *with, const struct mac_place *place,
	const char *row, const char **ret_row)
{
	char *text = arena_string(&arena, row);
	const enum mac_state state = row_open(with, place, text);

	if (ret_row != NULL)
		*ret_row = text;
	return state;
}

START_TEST(test_a_row_comes_back_as_it_was)
{
	const struct mac_place place = row_place(&app, "github:repository:acme/docs");
	static const char *const rows[] = { "{}", "{\"id\":\"7\"}",
		"{\"mac\":\"x\",\"before\":\"{\\\"mac\\\":\\\"y\\\"}\"}" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *row, *signed_row = row_sign(keys, &place, rows[i], &arena);
		ck_assert_str_ne(signed_row, rows[i]);
		ck_assert_int_eq(open_row(keys, &place, signed_row, &row), MAC_VALID);
		ck_assert_str_eq(row, rows[i]);
		ck_assert_int_eq(open_row(NULL, &place, signed_row, &row), MAC_STRANGE);
		ck_assert_str_eq(row, rows[i]);
	}
}
END_TEST

START_TEST(test_each_byte_of_a_row_counts)
{
	const struct mac_place place = row_place(&app, "github:repository:acme/docs");
	char row[128];

	text_copy(row, sizeof(row), row_sign(keys, &place, "{\"id\":\"7\"}", &arena));
	for (size_t i = 0; row[i] != '\0'; i++) {
		row[i] ^= 1;
		ck_assert_int_ge(open_row(keys, &place, row, NULL), MAC_NONE);
		row[i] ^= 1;
	}
	ck_assert_int_eq(open_row(keys, &place, row, NULL), MAC_VALID);
	for (size_t length = 0; length < strlen(row); length++) {
		char cut[128];
		text_format(cut, sizeof(cut), "%.*s", (int)length, row);
		ck_assert_int_ge(open_row(keys, &place, cut, NULL), MAC_NONE);
	}
	ck_assert_int_eq(open_row(keys, &place, "{\"id\":\"7\"}", NULL), MAC_NONE);
}
END_TEST

/* The same text, and one part of its place another. */
START_TEST(test_a_text_is_believed_in_its_own_place_only)
{
	const struct mac_place own = { "ledger", name, "run", "input", "field" };
	const struct mac_place others[] = {
		{ "output", name, "run", "input", "field" },
		{ "ledger", { "acm", "docs", "site", "repo" }, "run", "input", "field" },
		{ "ledger", { "acme", "blog", "site", "repo" }, "run", "input", "field" },
		{ "ledger", { "acme", "docs", "page", "repo" }, "run", "input", "field" },
		{ "ledger", { "acme", "docs", "site", "project" }, "run", "input", "field" },
		{ "ledger", name, "run2", "input", "field" },
		{ "ledger", name, "run", "another", "field" },
		{ "ledger", name, "run", "input", "fiel" },
		{ "ledger", { "acme", "doc", "ssite", "repo" }, "run", "input", "field" },
		{ "ledger", name, "run", "inputfield", NULL },
	};
	char mac[MAC_SIZE], other[MAC_SIZE];

	mac_make(keys, &own, "text", mac);
	ck_assert_int_eq(mac_check(keys, &own, "text", mac), MAC_VALID);
	ck_assert_int_eq(mac_check(keys, &own, "tex", mac), MAC_WRONG);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		ck_assert_int_eq(mac_check(keys, &others[i], "text", mac), MAC_WRONG);
		mac_make(keys, &others[i], "text", other);
		ck_assert_str_ne(mac, other);
	}
}
END_TEST

START_TEST(test_a_checkpoint_is_of_its_run_and_input)
{
	const struct mac_place place = checkpoint_place(&name, "r1", "i1");
	const struct mac_place another_run = checkpoint_place(&name, "r2", "i1");
	const struct mac_place another_input = checkpoint_place(&name, "r1", "i2");
	const char *text = checkpoint_sign(keys, &place, "{\"n\":1}", &arena), *checkpoint;

	ck_assert_int_eq(checkpoint_open(keys, &place, text, &checkpoint), MAC_VALID);
	ck_assert_str_eq(checkpoint, "{\"n\":1}");
	ck_assert_int_eq(checkpoint_open(keys, &another_run, text, &checkpoint), MAC_WRONG);
	ck_assert_int_eq(checkpoint_open(keys, &another_input, text, &checkpoint), MAC_WRONG);
	ck_assert_int_eq(checkpoint_open(keys, &place, "{\"n\":1}", &checkpoint), MAC_NONE);
	ck_assert_int_eq(checkpoint_open(keys, &place, "", &checkpoint), MAC_VALID);
}
END_TEST

START_TEST(test_an_output_goes_with_the_digest_of_what_it_gives)
{
	const struct mac_place place = output_place(&name);
	const char *gives = gives_sign(keys, &place, "{\"a\":1}", "0123", &arena);
	char text[64];

	text_copy(text, sizeof(text), gives);
	ck_assert_int_eq(output_check(keys, &place, "{\"a\":1}", text), MAC_VALID);
	ck_assert_str_eq(text, "0123");
	ck_assert_int_eq(output_check(keys, &place, "{\"a\":1}", text), MAC_NONE);
	text_copy(text, sizeof(text), gives);
	ck_assert_int_eq(output_check(keys, &place, "{\"a\":2}", text), MAC_WRONG);
	text_copy(text, sizeof(text), gives);
	text[0] = '9';
	ck_assert_int_eq(output_check(keys, &place, "{\"a\":1}", text), MAC_WRONG);
	text_copy(text, sizeof(text), "0123 " OUTPUT_GIVEN);
	ck_assert_int_eq(output_check(keys, &place, "{\"a\":2}", text), MAC_VALID);
	ck_assert_str_eq(text, "0123");
}
END_TEST

START_TEST(test_keys_are_replaced_without_a_gap)
{
	const struct mac_place place = row_place(&app, "f");
	struct mac_keys *both = keys_of(old_pair.private_key, new_pair.private_key),
			*turned = keys_of(new_pair.private_key, old_pair.private_key),
			*fresh = keys_of(new_pair.private_key, "");
	const char *first = row_sign(both, &place, "{\"id\":\"1\"}", &arena);
	const char *second = row_sign(turned, &place, "{\"id\":\"2\"}", &arena);

	ck_assert_int_eq(open_row(keys, &place, first, NULL), MAC_VALID);
	ck_assert_int_eq(open_row(turned, &place, first, NULL), MAC_OLDER);
	ck_assert_int_eq(open_row(fresh, &place, first, NULL), MAC_STRANGE);
	ck_assert_int_eq(open_row(both, &place, second, NULL), MAC_OLDER);
	ck_assert_int_eq(open_row(fresh, &place, second, NULL), MAC_VALID);
	mac_keys_free(both);
	mac_keys_free(turned);
	mac_keys_free(fresh);
}
END_TEST

/* Who has borrowed them before, and waited, checks and signs by those that came meanwhile. */
START_TEST(test_renewed_keys_lie_where_the_old_ones_lay)
{
	const struct mac_keys *borrowed = keys;
	const struct mac_place place = row_place(&app, "a:b:c");
	char both[2 * SECRET_KEY_TEXT_SIZE];
	const char *row = row_sign(keys, &place, "{\"a\":1}", &arena);

	text_format(both, sizeof(both), "%s %s", new_pair.private_key, old_pair.private_key);
	ck_assert_int_eq(mac_keys_renew(keys, both, &error), ERROR_NONE);
	ck_assert_int_eq(open_row(borrowed, &place, row, NULL), MAC_OLDER);
	ck_assert_int_eq(mac_keys_renew(keys, new_pair.private_key, &error), ERROR_NONE);
	ck_assert_int_eq(open_row(borrowed, &place, row, NULL), MAC_STRANGE);
	ck_assert_int_eq(mac_keys_renew(keys, "", &error), ERROR_INVALID_INPUT);
	row = row_sign(borrowed, &place, "{\"a\":1}", &arena);
	ck_assert_int_eq(open_row(borrowed, &place, row, NULL), MAC_VALID);
}
END_TEST

/* An executor is a child of the supervisor. */
START_TEST(test_a_child_has_no_keys)
{
	const struct mac_place place = row_place(&app, "f");
	const char *row = row_sign(keys, &place, "{\"id\":\"1\"}", &arena);
	int status;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(open_row(keys, &place, row, NULL) == MAC_STRANGE ? 7 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_int_eq(open_row(keys, &place, row, NULL), MAC_VALID);
}
END_TEST

START_TEST(test_what_is_no_key_makes_none)
{
	struct mac_keys *made;

	ck_assert_int_eq(mac_keys_new("", &made, &error), ERROR_INVALID_INPUT);
	ck_assert_int_eq(mac_keys_new("private.00000000.x", &made, &error), ERROR_INVALID_INPUT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_row_comes_back_as_it_was,
		test_each_byte_of_a_row_counts, test_a_text_is_believed_in_its_own_place_only,
		test_a_checkpoint_is_of_its_run_and_input,
		test_an_output_goes_with_the_digest_of_what_it_gives,
		test_keys_are_replaced_without_a_gap, test_renewed_keys_lie_where_the_old_ones_lay,
		test_a_child_has_no_keys, test_what_is_no_key_makes_none, NULL };
	return suite_main("signed_text", tests, setup, teardown);
}
