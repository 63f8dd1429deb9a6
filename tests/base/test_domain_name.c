/*
 * Domain names as people write them, and as DNS has them.
 *
 * covers: src/base/domain.c
 */
#include <string.h>

#include "base/text.h"
#include "harness/suite.h"
#include "slipway/domain.h"
#include "slipway/field.h"

static char name[DOMAIN_SIZE];
static const char *why;

START_TEST(test_names_are_converted)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "bäckerei.de", "xn--bckerei-5wa.de" },
		{ "BÄCKEREI.DE", "xn--bckerei-5wa.de" },
		{ "ba\xCC\x88"
		  "ckerei.de",
			"xn--bckerei-5wa.de" }, /* the two dots are a character of their own */
		{ "XN--BCKEREI-5WA.de", "xn--bckerei-5wa.de" },
		{ "straße.de",
			"xn--strae-oqa.de" }, /* transitional: strasse.de, of somebody else */
		{ "WWW.Example.org", "www.example.org" },
		{ "example.org.", "example.org" },
		{ "r3---sn-x.example.org", "r3---sn-x.example.org" },
		{ "ex\xE3\x80\x82org", "ex.org" }, /* the dot of Japanese keyboards */
		{ "пример.рф", "xn--e1afmkfd.xn--p1ai" },
		{ "1.example.org", "1.example.org" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(domain_read(cases[i].text, name, &why), "%s: %s", cases[i].text, why);
		ck_assert_str_eq(name, cases[i].name);
		/* What came out goes in again. */
		ck_assert(domain_read(cases[i].name, name, &why));
		ck_assert_str_eq(name, cases[i].name);
	}
}
END_TEST

/* libidn2 would make some of these into other names: a_b.de into ab.de. */
START_TEST(test_what_is_no_name_is_refused_in_words)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "empty" },
		{ ".", "empty" },
		{ "example", "two parts" },
		{ "bäckerei", "two parts" },
		{ "a..de", "empty" },
		{ ".de", "empty" },
		{ "-a.de", "hyphen" },
		{ "ä-.de", "hyphen" },
		{ "a_b.de", "letters, digits and hyphens" },
		{ "ä b.de", "letters, digits and hyphens" },
		{ "*.example.org", "letters, digits and hyphens" },
		{ "ä@b.de", "letters, digits and hyphens" },
		{ "https://bäckerei.de/", "https://" },
		{ "bäckerei.de:443", "https://" },
		{ "a\xEF\xBC\x8F"
		  "b.de",
			"character" }, /* a wide slash */
		{ "i❤.ws", "character" },
		{ "xn--a.de", "character" },
		{ "xn--.de", "xn--" },
		{ "203.0.113.77", "number" },
		{ "１２７.0.0.1", "number" },
		{ "\xFF.de", "character" },
		{ "0123456789012345678901234567890123456789012345678901234567890123.de", "63" },
		{ "ä123456789012345678901234567890123456789012345678901234567890123.de", "63" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(!domain_read(cases[i].text, name, &why), "%s", cases[i].text);
		ck_assert_msg(strstr(why, cases[i].why) != NULL, "%s: %s", cases[i].text, why);
	}
}
END_TEST

/* Every length up to far too long, in both alphabets. */
START_TEST(test_the_whole_is_as_long_as_dns_allows)
{
	for (int wide = 0; wide < 2; wide++) {
		char text[2048] = "";
		for (size_t parts = 1; parts < 200; parts++) {
			text_append(text, sizeof(text), "%s%s", parts > 1 ? "." : "",
				wide ? "äb" : "abc");
			bool read = domain_read(text, name, &why);
			ck_assert_int_eq(read,
				parts > 1 &&
					parts * (wide ? strlen("xn--b-zfa.") : 4) - 1 <
						DOMAIN_SIZE);
			ck_assert(!read || strlen(name) < DOMAIN_SIZE);
		}
	}
}
END_TEST

START_TEST(test_both_forms_are_shown)
{
	static const struct {
		const char *name, *text, *shown;
	} cases[] = {
		{ "xn--bckerei-5wa.de", "bäckerei.de", "bäckerei.de (xn--bckerei-5wa.de)" },
		{ "*.xn--bckerei-5wa.de", "*.bäckerei.de", "*.bäckerei.de (*.xn--bckerei-5wa.de)" },
		{ "www.example.org", "www.example.org", "www.example.org" },
		{ "r3---sn.example.org", "r3---sn.example.org", "r3---sn.example.org" },
		{ "xn--a.de", "xn--a.de", "xn--a.de" },
		{ "", "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[DOMAIN_TEXT_SIZE], shown[DOMAIN_SHOWN_SIZE];
		domain_write(cases[i].name, text);
		domain_show(cases[i].name, shown);
		ck_assert_str_eq(text, cases[i].text);
		ck_assert_str_eq(shown, cases[i].shown);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_names_are_converted,
		test_what_is_no_name_is_refused_in_words, test_the_whole_is_as_long_as_dns_allows,
		test_both_forms_are_shown, NULL };
	return suite_main("domain names", tests, NULL, NULL);
}
