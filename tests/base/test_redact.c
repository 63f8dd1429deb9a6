/*
 * Secrets in texts: as others write them, in texts that were cut, and in time by the length of the
 * text.
 *
 * covers: src/base/redact.c src/base/redact_forms.c
 */
#include "base/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "harness/json_text.h"
#include "harness/suite.h"

#define SECRET "p\"a/s+s w'\xC3\xA4&d"

static struct error error;

static void tear_down(void)
{
	redact_forget(0);
}

static void know(const char *secret)
{
	ck_assert_int_eq(redact_add(secret, &error), ERROR_NONE);
}

/* All between the brackets goes, and nothing else. */
static void check_hidden(const char *what, const char *written)
{
	char text[2048];
	ck_assert(text_format(text, sizeof(text), "(%s)", written));
	redact_text(text);
	size_t length = strlen(written);
	ck_assert_msg(text[0] == '(' && strspn(text + 1, "*") == length && text[length + 1] == ')',
		"%s: %s", what, text);
}

START_TEST(test_escapes_within_escapes_are_read)
{
	know(SECRET);
	check_hidden("JSON in JSON", "p\\\\\\\"a/s+s w'\xC3\xA4&d");
	check_hidden("JSON in JSON, with care",
		"p\\\\u0022a\\\\/s+s\\\\u0020w\\\\u0027\\\\u00E4\\\\u0026d");
	check_hidden("twice percent-encoded", "p%2522a%252Fs%252Bs%2520w%2527%25C3%25A4%2526d");
	check_hidden("of both cases", "p%22a%2fs%2Bs%20w%27%c3%A4%26d");
	check_hidden("HTML by numbers", "p&#34;a&#x2F;s&#0043;s&#32;w&#X27;&#228;&#38;d");
	check_hidden("HTML without semicolons", "p&#34a/s+s w&#39&#xe4&amp;d");
	check_hidden("JSON in HTML", "p\\&quot;a/s+s w&#39;\\u00e4&amp;d");
	check_hidden("URL in JSON", "p%22a%2Fs%2Bs\\u002520w%27%C3%A4%26d");
	check_hidden("JavaScript", "p\\\"a\\/s\\x2bs w\\'\\xc3\\xa4&d");
	check_hidden("a form", "p%22a%2Fs%2Bs+w%27%C3%A4%26d");
}
END_TEST

/* A key has line ends, and who shows it in one line has none. */
START_TEST(test_a_secret_of_several_lines_is_known_in_one)
{
	know("s3cr3t/of+the\napp\x07\xC2\x85.");
	check_hidden("as it is", "s3cr3t/of+the\napp\x07\xC2\x85.");
	check_hidden("made plain", "s3cr3t/of+the app???.");
	check_hidden("made plain in part", "s3cr3t/of+the\napp???.");
	check_hidden("with other line ends", "s3cr3t/of+the\r\napp\x07\xC2\x85.");
	check_hidden("folded and indented", "s3cr3t/of+the\r\n\t  app\x07\xC2\x85.");
	check_hidden("in JSON", "s3cr3t/of+the\\r\\n  app\\u0007\\u0085.");
	check_hidden("in a URL", "s3cr3t%2Fof%2Bthe%0D%0Aapp%07%C2%85.");
	check_hidden("in a form, in one line", "s3cr3t%2Fof%2Bthe+app???.");
	check_hidden("in base64, in one line", "czNjcjN0L29mK3RoZSBhcHA/Pz8u");
}
END_TEST

START_TEST(test_what_white_space_stands_at_the_ends_of_a_secret_may_be_missing)
{
	know("\n-----KEY-----\nline\n\n");
	check_hidden("without its ends", "-----KEY----- line");
	check_hidden("whole", "\n-----KEY-----\nline\n\n");
	know("a    b");
	char text[] = "a b, a    b";
	redact_text(text);
	ck_assert_str_eq(text, "a b, ******");
	redact_remove("a    b");
	redact_remove("\n-----KEY-----\nline\n\n");
	ck_assert_uint_eq(redact_count(), 0);
}
END_TEST

/* What is no base64 looks like none of its control characters. */
START_TEST(test_a_secret_of_control_characters_hides_nothing_else)
{
	char text[] = "********** abcdefghijkl **********", shown[] = "a ???????? b";

	know("\b\b\b\b\b\b\b\b");
	redact_text(text);
	ck_assert_str_eq(text, "********** abcdefghijkl **********");
	redact_text(shown);
	ck_assert_str_eq(shown, "a ******** b");
}
END_TEST

static void encode(const char *before, const char *secret, const char *after, int variant,
	char *text, size_t size)
{
	char whole[512];
	ck_assert(text_format(whole, sizeof(whole), "%s%s%s", before, secret, after));
	ck_assert_ptr_nonnull(sodium_bin2base64(
		text, size, (const unsigned char *)whole, strlen(whole), variant));
}

/* Nothing of the secret can be read from what is left, wherever in the base64 it began. */
START_TEST(test_base64_is_read_at_each_offset)
{
	static const int variants[] = { sodium_base64_VARIANT_ORIGINAL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING, sodium_base64_VARIANT_URLSAFE,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING };
	static const char *const befores[] = { "", "u", "us", "use", "user:", "{\"token\":\"" };
	static const char *const afters[] = { "", "!", "\"}", " and more" };
	know(SECRET);
	know("sk_live_0123456789");
	for (size_t v = 0; v < 4; v++)
		for (size_t b = 0; b < 6; b++)
			for (size_t a = 0; a < 4; a++)
				for (int plain = 0; plain < 2; plain++) {
					char text[1024], encoded[1024];
					const char *secret = plain ? "sk_live_0123456789" : SECRET;
					encode(befores[b], secret, afters[a], variants[v], encoded,
						sizeof(encoded));
					ck_assert(text_format(
						text, sizeof(text), "Basic/%s.", encoded));
					redact_text(text);
					size_t hidden = 0;
					for (const char *next = text; *next != '\0'; next++)
						hidden += *next == '*' ? 1 : 0;
					ck_assert_msg(hidden >= (strlen(secret) * 8 + 5) / 6 &&
							hidden <= (strlen(secret) * 8 + 5) / 6 + 2,
						"%zu: %s of %s", hidden, text, encoded);
				}
}
END_TEST

/* Who stores base64 may store what is base64 already: a file with the line of a header, say. */
START_TEST(test_base64_of_base64_is_read)
{
	static const char *const befores[] = { "", "u", "us", "user:" };
	know("sk_live_0123456789");
	for (size_t inner = 0; inner < 4; inner++)
		for (size_t outer = 0; outer < 4; outer++) {
			char once[512], text[1024];
			encode(befores[inner], "sk_live_0123456789", "!",
				sodium_base64_VARIANT_ORIGINAL, once, sizeof(once));
			encode(befores[outer], once, " ", sodium_base64_VARIANT_URLSAFE_NO_PADDING,
				text, sizeof(text));
			ck_assert(redact_finds(text));
			redact_text(text);
			ck_assert_msg(strstr(text, "********************************") != NULL,
				"%s", text);
		}
}
END_TEST

START_TEST(test_base64_in_json_in_lines_and_of_json_is_read)
{
	char encoded[512], text[1024];
	know(SECRET);
	encode("", "?????" SECRET, "", sodium_base64_VARIANT_ORIGINAL, encoded, sizeof(encoded));
	/* The slash of base64, as some write it in JSON. */
	ck_assert_ptr_nonnull(strchr(encoded, '/'));
	size_t split = strcspn(encoded, "/");
	ck_assert(text_format(
		text, sizeof(text), "%.*s\\/%s", (int)split, encoded, encoded + split + 1));
	redact_text(text);
	ck_assert_ptr_nonnull(strstr(text, "**************"));
	ck_assert(text_format(text, sizeof(text), "%.16s\r\n%s", encoded, encoded + 16));
	redact_text(text);
	ck_assert_ptr_nonnull(strstr(text, "**************"));
	encode(J("{'a':'"), "p\\\"a/s+s w'\\u00e4&d", J("'}"), sodium_base64_VARIANT_ORIGINAL, text,
		sizeof(text));
	redact_text(text);
	ck_assert_ptr_nonnull(strstr(text, "**************"));
}
END_TEST

/* Two texts are cut at the same place, one in a secret and one in a guess of it: nobody can tell
 * which was which. */
START_TEST(test_the_end_of_a_cut_text_tells_nothing)
{
	static const char secret[] = "tok-0123456789abcdefghij",
			  guess[] = "tok-0123456789ABCDEFGHIJ";
	know(secret);
	for (size_t shown = 1; shown < 20; shown++) {
		struct error right = { .class = ERROR_INTERNAL }, wrong = right;
		size_t before = sizeof(right.message) - 1 - shown;
		memset(right.message, 'x', before);
		memset(wrong.message, 'x', before);
		memcpy(right.message + before, secret, shown);
		memcpy(wrong.message + before, guess, shown);
		redact_error(&right);
		redact_error(&wrong);
		ck_assert_str_eq(right.message, wrong.message);
		ck_assert_ptr_null(strstr(right.message, "t"));
	}
}
END_TEST

/* What is made here is redacted first and cut then: a guess stands as it is, and of a secret there
 * is nothing. */
START_TEST(test_an_error_is_redacted_before_it_is_cut)
{
	static const char secret[] = "tok-0123456789abcdefghij";
	char first[520];
	know(secret);
	for (int before = 488; before < 520; before++) {
		error_set(&error, ERROR_INTERNAL, "%*s%s", before, "x", secret);
		text_copy(first, sizeof(first), error.message);
		redact_error(&error);
		ck_assert_str_eq(error.message, first);
		ck_assert_ptr_null(strstr(error.message, "tok"));
		error_set(&error, ERROR_INTERNAL, "%*s%s", before, "x", "tok-0123456789ABCDEFGHIJ");
		text_copy(first, sizeof(first), error.message);
		redact_error(&error);
		ck_assert_str_eq(error.message, first);
		error_exchange(&error, "github", 400,
			"a-code-of-the-provider-with-tok-0123456789abcdefghij-in-it-and-more", "");
		ck_assert_ptr_null(strstr(error.provider_code, "tok"));
	}
	/* A secret that is longer than the message, in a message of it. */
	char longer[16001];
	memset(longer, 'k', 16000);
	longer[0] = 'l';
	longer[16000] = '\0';
	know(longer);
	error_set(&error, ERROR_INTERNAL, "it said %s", longer);
	ck_assert_ptr_null(strchr(error.message, 'k'));
	ck_assert_ptr_nonnull(strstr(error.message, "it said *****"));
}
END_TEST

START_TEST(test_secrets_within_one_another_and_side_by_side_go)
{
	char text[] = "abcabcabcabc x bcabca-abcabcd";
	know("abcabcabc");
	know("abcabcd");
	know("bcabca-a");
	redact_text(text);
	ck_assert_str_eq(text, "************ x **************");
	char overlap[] = "aaaaaaaaaab";
	know("aaaaaaa");
	redact_text(overlap);
	ck_assert_str_eq(overlap, "**********b");
	ck_assert(redact_finds("x%61bcabcabc"));
	ck_assert(!redact_finds("x%61bcabcab"));
}
END_TEST

START_TEST(test_any_bytes_may_be_redacted)
{
	static char bytes[] = "a\0secret-value\0\xFF\xFE%\\u\\&#;secret-value";
	know("secret-value");
	redact_bytes(bytes, sizeof(bytes) - 1);
	ck_assert_mem_eq(
		bytes, "a\0************\0\xFF\xFE%\\u\\&#;************", sizeof(bytes) - 1);
}
END_TEST

/* A search that goes back over what it has read would not end within the time-out of the suite. */
START_TEST(test_long_texts_that_almost_fit_are_read_once)
{
	enum { SECRET_LENGTH = 16000 };
	const size_t length = (size_t)(suite_under_valgrind() ? 128 : 4096) << 10;
	char *secret = malloc(SECRET_LENGTH + 1), *text = malloc(length + 1);
	memset(secret, 'a', SECRET_LENGTH);
	memcpy(secret + SECRET_LENGTH - 1, "b", 2);
	know(secret);
	memset(text, 'a', length);
	memset(text + length / 2, '%', 40);
	memcpy(text + length - 1, "b", 2);
	redact_text(text);
	ck_assert_uint_eq(strspn(text + length - SECRET_LENGTH, "*"), SECRET_LENGTH);
	ck_assert_int_eq(text[length - SECRET_LENGTH - 1], 'a');
	free(text);
	free(secret);
}
END_TEST

/* Nobody has told of them: whoever writes a token where none belongs finds it in no log. */
START_TEST(test_our_own_tokens_go_by_their_looks)
{
	char text[] = "at sw_0123456789abcdef_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0 and "
		      "swb_0123456789abcdef0123456789abcdef_abcdefghijklmnopqrstuvwxyzABCDEFGHIJK.";
	redact_text(text);
	ck_assert_ptr_null(strstr(text, "abc"));
	ck_assert_int_eq(strncmp(text, "at *", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, "* and *"));
	char word[] = "sw_0123456789abcdeg_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
	char kept[sizeof(word)];
	memcpy(kept, word, sizeof(word));
	redact_text(word);
	ck_assert_str_eq(word, kept);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_our_own_tokens_go_by_their_looks,
		test_escapes_within_escapes_are_read, test_base64_is_read_at_each_offset,
		test_base64_of_base64_is_read,
		test_a_secret_of_control_characters_hides_nothing_else,
		test_base64_in_json_in_lines_and_of_json_is_read,
		test_the_end_of_a_cut_text_tells_nothing,
		test_an_error_is_redacted_before_it_is_cut,
		test_secrets_within_one_another_and_side_by_side_go, test_any_bytes_may_be_redacted,
		test_a_secret_of_several_lines_is_known_in_one,
		test_what_white_space_stands_at_the_ends_of_a_secret_may_be_missing,
		test_long_texts_that_almost_fit_are_read_once, NULL };
	return suite_main("redact", tests, NULL, tear_down);
}
