/*
 * The small parts: texts, memory, clocks, names, errors, secrets, the log.
 *
 * covers: src/base/text.c src/base/arena.c src/base/buffer.c src/base/clock.c src/base/identifier.c
 * covers: src/base/error.c src/base/redact.c src/base/log.c
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/identifier.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"
#include "harness/suite.h"
#include "provider/providers.h"

static struct error error;

START_TEST(test_text_is_cut_between_characters)
{
	char text[6];
	ck_assert(text_copy(text, sizeof(text), "abcde"));
	ck_assert(!text_copy(text, sizeof(text), "abcd\xc3\xa9"));
	ck_assert_str_eq(text, "abcd");
	ck_assert(!text_format(text, sizeof(text), "ab%s", "\xe2\x82\xac\xe2\x82\xac"));
	ck_assert_str_eq(text, "ab\xe2\x82\xac");
	ck_assert(!text_copy(text, sizeof(text), "a\xf0\x9f\x98\x80\xf0\x9f\x98\x80"));
	ck_assert_str_eq(text, "a\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(test_texts_are_joined_as_far_as_they_fit)
{
	char text[6];
	ck_assert(text_join(text, sizeof(text), (const char *const[]){ "", "ab", "", "cde" }, 4));
	ck_assert_str_eq(text, "abcde");
	ck_assert(!text_join(text, sizeof(text), (const char *const[]){ "ab", "cdef", "g" }, 3));
	ck_assert_str_eq(text, "abcde");
	ck_assert(!text_join(text, sizeof(text), (const char *const[]){ "abcd", "\xc3\xa9" }, 2));
	ck_assert_str_eq(text, "abcd");
	ck_assert(!text_join(text, sizeof(text), (const char *const[]){ "abcde", "f" }, 2));
	ck_assert_str_eq(text, "abcde");
}
END_TEST

START_TEST(test_plain_texts_have_no_control_characters)
{
	static const struct {
		const char *text, *plain;
	} rows[] = {
		{ "a \xc3\xa9 ~", "a \xc3\xa9 ~" },
		{ "a\tb\r\nc", "a b  c" },
		{ "\x1b[31m\x7f", "?[31m?" },
		/* A control character beyond ASCII, and letters that have the same second byte. */
		{ "\xc2\x9b"
		  "1\xc2\xa0\xc3\x9b",
			"??1\xc2\xa0\xc3\x9b" },
		{ "\xff\xc2", "??" },
		{ "\xe2\x82\x1b", "???" },
		{ "", "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		ck_assert_int_eq(
			text_is_plain(rows[i].text), strcmp(rows[i].text, rows[i].plain) == 0);
		ck_assert(text_copy(text, sizeof(text), rows[i].text));
		text_make_plain(text);
		ck_assert_str_eq(text, rows[i].plain);
		ck_assert(text_is_plain(text));
	}
}
END_TEST

START_TEST(test_integers_are_whole_and_alone)
{
	int64_t value;
	ck_assert(text_to_integer("-42", &value) && value == -42);
	ck_assert(text_to_integer("9223372036854775807", &value) && value == INT64_MAX);
	ck_assert(text_to_integer("-9223372036854775808", &value) && value == INT64_MIN);
	ck_assert(text_to_integer("007", &value) && value == 7);
	static const char *const bad[] = { "", " 1", "1 ", "+1", "1.5", "0x10",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999", "-", "--1",
		"1-" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!text_to_integer(bad[i], &value), "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(test_integers_are_written_as_they_are_read)
{
	static const int64_t values[] = { 0, 7, -1, 10, -1000, INT64_MAX, INT64_MIN };
	char digits[INTEGER_TEXT_SIZE];
	int64_t value;

	ck_assert_str_eq(text_of_integer(digits, -1000), "-1000");
	ck_assert_str_eq(text_of_integer(digits, 0), "0");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		ck_assert(text_to_integer(text_of_integer(digits, values[i]), &value));
		ck_assert_int_eq(value, values[i]);
	}
}
END_TEST

START_TEST(test_a_part_of_a_text_is_copied)
{
	char target[5];

	ck_assert(text_copy_part(target, sizeof(target), "abcdef", 4));
	ck_assert_str_eq(target, "abcd");
	ck_assert(!text_copy_part(target, sizeof(target), "abcdef", 5));
	ck_assert_str_eq(target, "abcd");
	ck_assert(text_copy_part(target, sizeof(target), "ab", 4)); /* there is no more */
	ck_assert_str_eq(target, "ab");
	ck_assert(text_copy_part(target, sizeof(target), "abcdef", 0));
	ck_assert_str_eq(target, "");
}
END_TEST

/* Wherever it stands: most of a text is looked through several bytes at a time. */
START_TEST(test_a_byte_that_is_no_character_becomes_a_question_mark)
{
	char text[20], expected[20];

	for (size_t length = 1; length < sizeof(text); length++)
		for (size_t at = 0; at < length; at++) {
			memset(text, 'a', length);
			text[length] = '\0';
			memcpy(expected, text, length + 1);
			text[at] = (char)0xFF;
			expected[at] = '?';
			text_make_valid(text, length);
			ck_assert_str_eq(text, expected);
		}
}
END_TEST

START_TEST(test_arena_has_a_limit)
{
	struct arena arena;
	arena_init(&arena, 100000);
	ck_assert_ptr_nonnull(arena_allocate(&arena, 60000));
	ck_assert_ptr_null(arena_allocate(&arena, 60000));
	ck_assert_ptr_null(arena_allocate_array(&arena, SIZE_MAX / 2, 4));
	ck_assert_str_eq(arena_format(&arena, "%s-%d", "a", 7), "a-7");
	ck_assert_ptr_null(arena_string(&arena, NULL));
	arena_release(&arena);
	arena_release(&arena);
}
END_TEST

/* More of them than are kept: each begins with zeros, whatever another one has left, also behind a
 * round after which all was given back. */
START_TEST(test_memory_of_an_arena_that_was_released_is_zero)
{
	for (int round = 0; round < 3; round++) {
		struct arena arenas[100];
		for (size_t i = 0; i < ARRAY_LEN(arenas); i++) {
			arena_init(&arenas[i], 0);
			for (size_t size = 2000; size <= 32000; size *= 2) {
				unsigned char *bytes = arena_allocate(&arenas[i], size);
				ck_assert(sodium_is_zero(bytes, size));
				memset(bytes, 0xaa, size);
			}
		}
		for (size_t i = 0; i < ARRAY_LEN(arenas); i++)
			arena_release(&arenas[i]);
		if (round == 1)
			arenas_give_back();
	}
}
END_TEST

START_TEST(test_buffer_stops_at_its_limit)
{
	struct buffer buffer;
	buffer_init(&buffer, 1000);
	ck_assert_str_eq(buffer_text(&buffer), "");
	for (int i = 0; i < 100; i++)
		ck_assert(buffer_append_string(&buffer, "0123456789"));
	ck_assert(!buffer_append_string(&buffer, "x"));
	ck_assert_uint_eq(buffer.length, 1000);
	ck_assert_uint_eq(strlen(buffer_text(&buffer)), 1000);
	buffer_release(&buffer);
}
END_TEST

START_TEST(test_clock_writes_utc)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format(1795559560183, text);
	ck_assert_int_eq(clock_parse(text), 1795559560183);
	/* GitHub writes none, others up to nine. */
	ck_assert_int_eq(clock_parse("2026-11-24T22:32:40Z"), 1795559560000);
	ck_assert_int_eq(clock_parse("2026-11-24T22:32:40.1Z"), 1795559560100);
	ck_assert_int_eq(clock_parse("2026-11-24T22:32:40.183999999Z"), 1795559560183);
	static const char *const bad[] = { "", "2026-11-24", "2026-11-24T22:32:40",
		"2026-11-24T22:32:40.Z", "2026-11-24T22:32:40.18", "2026-11-24T22:32:40ZZ",
		"2026-11-24T22:32:40+01:00", "now" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(clock_parse(bad[i]) == 0, "accepted '%s'", bad[i]);
	ck_assert_int_eq(clock_parse(NULL), 0);
	ck_assert_str_eq(text, "2026-11-24T22:32:40.183Z");
	int64_t before = clock_monotonic_ms();
	clock_sleep_ms(2);
	ck_assert_int_gt(clock_monotonic_ms(), before);
	ck_assert_int_gt(clock_wall_ms(), 1700000000000);
}
END_TEST

/* As the C library has them: over all years of four digits, and around each end of a month. */
START_TEST(test_clock_writes_every_day_as_the_c_library_does)
{
	const int64_t day = 86400000;
	char text[CLOCK_TEXT_SIZE], expected[CLOCK_TEXT_SIZE], whole[24];
	struct tm utc;
	for (int64_t at = 0; at < 253402300800000; at += day) {
		const int64_t ms = at + (at / day * 7919) % day;
		const time_t seconds = (time_t)(ms / 1000);
		gmtime_r(&seconds, &utc);
		strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
		text_format(expected, sizeof(expected), "%s.%03dZ", whole, (int)(ms % 1000));
		clock_format(ms, text);
		ck_assert_str_eq(text, expected);
	}
	clock_format(253402300799999, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
	clock_format(253402300800000, text);
	ck_assert_str_eq(text, "10000-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(test_clock_writes_days_for_people_and_reads_headers)
{
	static const char *const bad[] = { "", "2026-12-03", "2026-12-03 08:03:22",
		"2026-12-03 08:03:22 UTC!", "2026-12-03 08:03:22 CEST", "soon" };
	char text[CLOCK_DATE_SIZE];
	clock_format_date(1796285002000, text);
	ck_assert_str_eq(text, "3 December 2026");
	ck_assert_int_eq(clock_parse_header("2026-12-03 08:03:22 UTC"), 1796285002000);
	ck_assert_int_eq(clock_parse_header("2026-12-03 10:03:22 +0200"), 1796285002000);
	ck_assert_int_eq(clock_parse_header("2026-12-03 04:33:22 -0330"), 1796285002000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(clock_parse_header(bad[i]) == 0, "accepted '%s'", bad[i]);
}
END_TEST

START_TEST(test_identifiers)
{
	static const char *const bad[] = { "", ".a", "a.b", "-a", "a:b", "a b", "a/b", "a\n", "{0}",
		"\xc3\xa9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!identifier_valid(bad[i]), "accepted '%s'", bad[i]);
	ck_assert(identifier_valid("a"));
	ck_assert(identifier_valid("Acme_docs-2x"));
	char one[RUN_ID_SIZE], two[RUN_ID_SIZE];
	run_id_make(one);
	run_id_make(two);
	ck_assert_str_ne(one, two);
	ck_assert(identifier_valid(one));
}
END_TEST

START_TEST(test_error_classes_are_whole)
{
	for (int class = 0; class < ERROR_CLASS_COUNT; class ++) {
		const struct error_class_facts *facts = error_class_facts((enum error_class) class);
		ck_assert_msg(
			facts->name != NULL && facts->title != NULL, "class %d has no row", class);
		ck_assert_int_ge(facts->http_status, 200);
		/* Clients know no class of Redis. */
		int known = class == ERROR_STORE_REFUSED ? ERROR_INTERNAL : class;
		ck_assert_int_eq(error_class_by_name(facts->name), known);
	}
	ck_assert_int_eq(error_class_by_name("nonsense"), ERROR_NONE);
	ck_assert_str_eq(error_class_facts((enum error_class)999)->name, "internal");
	error_set(&error, ERROR_NETWORK, "host %s", "h");
	error_set(&error, ERROR_TIMEOUT, "again: %s", error.message);
	ck_assert_str_eq(error.message, "again: host h");
	ck_assert_int_eq(error_at(&error, "/a/%d", 1), ERROR_TIMEOUT);
	ck_assert_str_eq(error.place, "/a/1");
	error_remedy(&error, "https://x", "do %s", "this");
	ck_assert_str_eq(error.remedy_url, "https://x");
}
END_TEST

START_TEST(test_secrets_are_cut_out_by_value)
{
	char text[] = "token ghs_secret-value and again ghs_secret-value.";
	ck_assert_int_eq(redact_add("ghs_secret-value", &error), ERROR_NONE);
	size_t mark = redact_count();
	ck_assert_int_eq(redact_add("other-secret", &error), ERROR_NONE);
	ck_assert_int_eq(redact_add("abc", &error), ERROR_NONE);
	redact_text(text);
	ck_assert_str_eq(text, "token **************** and again ****************.");
	error_set(&error, ERROR_INTERNAL, "it said other-secret");
	redact_error(&error);
	ck_assert_str_eq(error.message, "it said ************");
	/* One that holds another is cut out as a whole, whichever came first. */
	char longer[] = "both: other-secret-and-more";
	ck_assert_int_eq(redact_add("other-secret-and-more", &error), ERROR_NONE);
	redact_text(longer);
	ck_assert_str_eq(longer, "both: *********************");
	redact_forget(mark);
	error_set(&error, ERROR_INTERNAL, "it said other-secret");
	redact_error(&error);
	ck_assert_str_eq(error.message, "it said other-secret");
	redact_forget(0);
}
END_TEST

/* Who answers with what he was sent writes it in his own way. */
START_TEST(test_secrets_are_found_as_others_write_them)
{
	static const char *const written[] = {
		"a/b+c \"\\\xC3\xA4\xF0\x9F\x98\x80&\nz",                    /* as it is */
		"a/b+c \\\"\\\\\xC3\xA4\xF0\x9F\x98\x80&\\nz",               /* JSON */
		"a\\/b+c\\u0020\\u0022\\\\\\u00e4\\uD83D\\ude00\\u0026\\nz", /* the same, with care
									      */
		"a%2Fb%2Bc%20%22%5C%C3%A4%F0%9F%98%80%26%0Az",               /* URL */
		"a%2fb%2bc+%22%5c%c3%a4%f0%9f%98%80%26%0az",                 /* form */
		"a/b+c &quot;\\\xC3\xA4\xF0\x9F\x98\x80&amp;\nz",            /* HTML */
	};
	ck_assert_int_eq(redact_add(written[0], &error), ERROR_NONE);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "[%s]", written[i]);
		redact_text(text);
		ck_assert_uint_eq(strlen(text), strlen(written[i]) + 2);
		ck_assert_msg(text[0] == '[' && strspn(text + 1, "*") == strlen(written[i]) &&
				text[strlen(text) - 1] == ']',
			"%zu: %s", i, text);
	}
	char begins[] = "%2fa+b%2fc, \\u002fa b/c, &#47;";
	ck_assert_int_eq(redact_add("/a b/c", &error), ERROR_NONE);
	redact_text(begins);
	ck_assert_str_eq(begins, "**********, ***********, &#47;");
	static const char *const others[] = { "a%2Gb", "\\", "\\u12", "\\ud83d\\u", "a%2", "%",
		"&amp", "a/b+c+", "\\u0000" };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[32];
		snprintf(text, sizeof(text), "%s", others[i]);
		redact_text(text);
		ck_assert_str_eq(text, others[i]);
	}
	redact_forget(0);
}
END_TEST

/* The end of a message is cut off where it is too long, and half a secret with it. */
START_TEST(test_half_a_secret_is_cut_out_of_an_error)
{
	static const char secret[] = "first/half-and-second/half";
	static const char *const sent[] = { secret, "first%2Fhalf-and-second%2Fhalf",
		"first\\/half-and-second\\/half" };
	ck_assert_int_eq(redact_add(secret, &error), ERROR_NONE);
	for (size_t form = 0; form < sizeof(sent) / sizeof(sent[0]); form++)
		for (size_t before = sizeof(error.message) - 40; before < sizeof(error.message);
			before++) {
			error_set(&error, ERROR_INTERNAL, "%*s%s", (int)before, "|", sent[form]);
			error_remedy(
				&error, sent[form], "%*s%s", (int)before - 192, "|", sent[form]);
			redact_error(&error);
			ck_assert_msg(strstr(error.message, "first/") == NULL &&
					strstr(error.message, "first%2F") == NULL &&
					strstr(error.message, "first\\/") == NULL,
				"%s", error.message);
			ck_assert_ptr_null(strstr(error.remedy, "first/"));
		}
	/* What is whole stays: it only begins like one. */
	error_set(&error, ERROR_INTERNAL, "it is the first/half");
	redact_error(&error);
	ck_assert_str_eq(error.message, "it is the first/half");
	redact_forget(0);
}
END_TEST

/* A client's member, a line of a file, a provider's sentence: any of them may be shown on a
 * terminal. */
START_TEST(test_errors_have_no_control_characters)
{
	static const char dirty[] = "a\nb\x1b[2J\xff", clean[] = "a b?[2J?";
	error_set(&error, ERROR_INTERNAL, "%s", dirty);
	error_at(&error, "/%s", dirty);
	error_remedy(&error, NULL, "%s", dirty);
	error_exchange(&error, "github", 422, dirty, dirty);
	ck_assert_str_eq(error.message, clean);
	ck_assert_str_eq(error.place + 1, clean);
	ck_assert_str_eq(error.remedy, clean);
	ck_assert_str_eq(error.provider_code, clean);
	ck_assert_str_eq(error.request_id, clean);
	/* A precision cuts by bytes. */
	error_set(&error, ERROR_INTERNAL, "'%.2s'", "a\xc3\xa9");
	ck_assert_str_eq(error.message, "'a?'");
}
END_TEST

/* With its line ends gone, nobody would recognise a key. */
START_TEST(test_a_secret_of_several_lines_is_cut_out_of_an_error)
{
	ck_assert_int_eq(redact_add("first line\nsecond line", &error), ERROR_NONE);
	error_set(&error, ERROR_INTERNAL, "refused: first line\nsecond line\n");
	redact_error(&error);
	ck_assert_str_eq(error.message, "refused: ********************** ");
	redact_forget(0);
}
END_TEST

/* Nobody has told us of them: a client wrote them where none belongs. */
START_TEST(test_tokens_of_github_are_cut_out_by_their_looks)
{
	static const struct {
		const char *text, *after;
	} cases[] = {
		{ "is \"ghp_0123456789abcdefghijABCDEFGHIJ012345\"?",
			"is \"****************************************\"?" },
		/* As long as they are since 2026, and at the end. */
		{ "Bearer ghs_12_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0-x_y.c2ln",
			"Bearer ****************************************************" },
		{ "\\nghu_0123456789abcdefghijABCDEFGHIJ012345&a=b",
			"\\n****************************************&a=b" },
		{ "github_pat_11ABCDEFG0123456789_abcdefghijklmnopqrstuvwxyz",
			"*********************************************************" },
		{ "acme/laughs_at_ghp_and_github_pat_too gh",
			"acme/laughs_at_ghp_and_github_pat_too gh" },
		{ "ghp_short.", "ghp_short." },
	};
	providers_introduce();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "%s", cases[i].text);
		redact_text(text);
		ck_assert_str_eq(text, cases[i].after);
	}
}
END_TEST

/* What has been logged since logging_begin, at most size - 1 bytes of it. */
static int log_ends[2], log_kept;

static void logging_begin(void)
{
	log_kept = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe(log_ends), 0);
	dup2(log_ends[1], STDERR_FILENO);
}

static void logging_end(char *text, size_t size)
{
	dup2(log_kept, STDERR_FILENO);
	close(log_ends[1]);
	ssize_t length = read(log_ends[0], text, size - 1);
	text[length > 0 ? length : 0] = '\0';
	close(log_ends[0]);
	close(log_kept);
}

START_TEST(test_log_lines_are_one_line_without_secrets)
{
	char line[4096], begin[64];
	ck_assert_int_eq(redact_add("hidden-token", &error), ERROR_NONE);
	log_init("tester", LOG_INFO);
	logging_begin();
	log_write(LOG_DEBUG, "not written", NULL);
	log_write(LOG_INFO, "something happened", "name", "a b\n\"c\"", "none", NULL, "token",
		"hidden-token", NULL);
	logging_end(line, sizeof(line));
	text_format(
		begin, sizeof(begin), " level=info program=tester pid=%d event=", (int)getpid());
	ck_assert(text_has_prefix(line, "time=2"));
	ck_assert_ptr_nonnull(strstr(line, begin));
	ck_assert_ptr_nonnull(strstr(line,
		"event=\"something happened\" name=\"a b\\n\\\"c\\\"\" token=************\n"));
	ck_assert_ptr_null(strstr(line, "not written"));
	ck_assert_int_eq(log_level_by_name("warning"), LOG_WARNING);
	ck_assert_int_eq(log_level_by_name(NULL), LOG_INFO);
	/* Escaped, the line break would not be known any more. */
	ck_assert_int_eq(redact_add("two\nlines", &error), ERROR_NONE);
	error_set(&error, ERROR_INTERNAL, "it said two\nlines");
	logging_begin();
	log_error("failed", &error);
	logging_end(line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "class=internal message=\"it said *********\"\n"));
	redact_forget(0);
}
END_TEST

/* What a client may send, and how it stands in the log. */
static const struct {
	const char *value, *logged;
} log_values[] = {
	{ "plain-1.2:3/{owner}", "value=plain-1.2:3/{owner}\n" },
	{ "a b", "value=\"a b\"\n" },
	{ "x\ntime=2026 level=error event=forged",
		"value=\"x\\ntime=2026 level=error event=forged\"\n" },
	{ "x\r\ty", "value=\"x\\r\\ty\"\n" },
	{ "a=b", "value=\"a=b\"\n" },
	{ "x\" status=\"done", "value=\"x\\\" status=\\\"done\"\n" },
	{ "back\\slash\\", "value=\"back\\\\slash\\\\\"\n" },
	{ "\x1b[2Jgone\x7f", "value=\"\\u001b[2Jgone\\u007f\"\n" },
	/* Control characters beyond ASCII: CSI, a line separator, one that turns the direction. */
	{ "\xc2\x9b"
	  "31m",
		"value=\"\\u009b31m\"\n" },
	{ "a\xe2\x80\xa8"
	  "b\xe2\x80\xae"
	  "c",
		"value=\"a\\u2028b\\u202ec\"\n" },
	{ "caf\xc3\xa9", "value=\"caf\xc3\xa9\"\n" },
	{ "ill-formed \xff\xc3", "value=\"ill-formed ??\"\n" },
};

START_TEST(test_no_value_forges_a_line_or_a_pair_of_the_log)
{
	char line[4096];
	for (size_t i = 0; i < sizeof(log_values) / sizeof(log_values[0]); i++) {
		logging_begin();
		log_write(LOG_INFO, "said", "value", log_values[i].value, NULL);
		logging_end(line, sizeof(line));
		const char *found = strstr(line, "event=said value=");
		ck_assert_ptr_nonnull(found);
		ck_assert_str_eq(found + strlen("event=said "), log_values[i].logged);
	}
}
END_TEST

START_TEST(test_a_log_line_has_a_bound_and_shows_no_part_of_what_is_too_long)
{
	char line[2 * LOG_LINE_MAX], value[1024], longer[1025];
	memset(value, '"', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	logging_begin();
	log_write(LOG_INFO, "long", "first", value, "second", value, "third", value, NULL);
	logging_end(line, sizeof(line));
	size_t length = strlen(line);
	ck_assert_uint_le(length, LOG_LINE_MAX);
	ck_assert_uint_gt(length, LOG_LINE_MAX - 16);
	/* Cut between characters, and its quotes are closed. */
	ck_assert_str_eq(line + length - 4, "\\\"\"\n");
	logging_begin();
	log_write(LOG_INFO, "long", "value", longer, NULL);
	logging_end(line, sizeof(line));
	ck_assert_ptr_nonnull(
		strstr(line, "event=long value=\"(1024 bytes, too long to be logged)\"\n"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_text_is_cut_between_characters,
		test_texts_are_joined_as_far_as_they_fit,
		test_plain_texts_have_no_control_characters, test_integers_are_whole_and_alone,
		test_integers_are_written_as_they_are_read, test_a_part_of_a_text_is_copied,
		test_a_byte_that_is_no_character_becomes_a_question_mark, test_arena_has_a_limit,
		test_memory_of_an_arena_that_was_released_is_zero, test_buffer_stops_at_its_limit,
		test_clock_writes_utc, test_clock_writes_every_day_as_the_c_library_does,
		test_identifiers, test_clock_writes_days_for_people_and_reads_headers,
		test_error_classes_are_whole, test_secrets_are_cut_out_by_value,
		test_secrets_are_found_as_others_write_them,
		test_half_a_secret_is_cut_out_of_an_error, test_errors_have_no_control_characters,
		test_a_secret_of_several_lines_is_cut_out_of_an_error,
		test_tokens_of_github_are_cut_out_by_their_looks,
		test_log_lines_are_one_line_without_secrets,
		test_no_value_forges_a_line_or_a_pair_of_the_log,
		test_a_log_line_has_a_bound_and_shows_no_part_of_what_is_too_long, NULL };
	return suite_main("basics", tests, NULL, NULL);
}
