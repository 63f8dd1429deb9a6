/*
 * Domain names in the form that DNS has. The only file that uses libidn2, the library that libcurl
 * uses for the same.
 */
#include "slipway/domain.h"

#include <idn2.h>
#include <string.h>

#include "base/text.h"

#define LABEL_MAX 63
#define DIGITS    "0123456789"
#define LETTERS   "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_ascii_character(char character)
{
	return (unsigned char)character < 0x80;
}

static bool is_ascii(const char *text)
{
	while (*text != '\0' && is_ascii_character(*text))
		text++;
	return *text == '\0';
}

/* libidn2 drops what no name may have, so that another name would come out: look before. */
static const char *find_foreign_character(const char *text)
{
	if (strpbrk(text, ":/") != NULL)
		return "give it without https://, port and path";
	for (; *text != '\0'; text++)
		if (is_ascii_character(*text) &&
			strchr(LETTERS CAPITALS DIGITS "-.", *text) == NULL)
			return "a name has letters, digits and hyphens, and dots between its parts";
	return NULL;
}

/* Of one part of the name, up to the next dot. */
static const char *find_label_fault(const char *label, size_t length)
{
	if (length == 0)
		return "it has a part that is empty";
	if (length > LABEL_MAX)
		return "a part of it has more than 63 characters";
	if (label[0] == '-' || label[length - 1] == '-')
		return "a part of it begins or ends with a hyphen";
	return NULL;
}

static const char *find_name_fault(const char *name)
{
	const char *label = name, *fault = NULL;
	size_t length;

	if (strspn(name, LETTERS DIGITS "-.") != strlen(name))
		return "it has a character that no name may have";
	for (;; label += length + 1) {
		length = strcspn(label, ".");
		fault = find_label_fault(label, length);
		if (fault != NULL || label[length] == '\0')
			break;
	}

	if (fault != NULL)
		return fault;
	if (label == name)
		return "it needs two parts or more, with a dot between them";
	return strspn(label, DIGITS) == length ? "its last part is a number, as of an address"
					       : NULL;
}

static const char *fault_of_conversion(int status)
{
	switch (status) {
	case IDN2_BIDI:
		return "it mixes directions of writing as no name may";
	case IDN2_TOO_BIG_LABEL:
	case IDN2_TOO_BIG_DOMAIN:
	case IDN2_PUNYCODE_BIG_OUTPUT:
		return "it is too long: 63 characters a part, and 253 in all, as xn--";
	case IDN2_PUNYCODE_BAD_INPUT:
	case IDN2_PUNYCODE_OVERFLOW:
	case IDN2_ALABEL_ROUNDTRIP_FAILED:
		return "a part of it begins with xn--, but says no name";
	case IDN2_HYPHEN_STARTEND:
		return "a part of it begins or ends with a hyphen";
	default:
		return "it has a character that no name may have";
	}
}

static const char *copy_name(const char *source, char ret_name[DOMAIN_SIZE])
{
	return text_copy(ret_name, DOMAIN_SIZE, source) ? NULL : "it has more than 253 characters";
}

/* libidn2 also refuses two hyphens as third and fourth character, which are in use. */
static const char *convert(const char *text, char ret_name[DOMAIN_SIZE])
{
	char *converted = NULL;
	bool plain = is_ascii(text) && strcasestr(text, "xn--") == NULL;

	if (plain)
		return copy_name(text, ret_name);
	int status = idn2_to_ascii_8z(text, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (status != IDN2_OK)
		return fault_of_conversion(status);
	const char *fault = copy_name(converted, ret_name);
	idn2_free(converted);
	return fault;
}

bool domain_read(const char *text, char ret_name[DOMAIN_SIZE], const char **ret_why)
{
	memset(ret_name, 0, DOMAIN_SIZE);
	*ret_why = find_foreign_character(text);
	if (*ret_why == NULL)
		*ret_why = convert(text, ret_name);
	if (*ret_why != NULL)
		return false;
	size_t length = strlen(ret_name);
	if (length > 1 && ret_name[length - 1] == '.')
		ret_name[length - 1] = '\0';
	for (char *next = ret_name; *next != '\0'; next++)
		if (*next >= 'A' && *next <= 'Z')
			*next = (char)(*next - 'A' + 'a');
	*ret_why = find_name_fault(ret_name);
	return *ret_why == NULL;
}

/* Only a form that leads back to the name: libidn2 shows invalid names as others. */
static bool leads_back(const char *text, const char *name)
{
	char read[DOMAIN_SIZE];
	const char *ignored;
	return domain_read(text, read, &ignored) && strcmp(read, name) == 0;
}

void domain_write(const char *name, char ret_text[DOMAIN_TEXT_SIZE])
{
	static const char wildcard[] = "*.";
	bool wild = text_has_prefix(name, wildcard);
	const char *rest = name + (wild ? strlen(wildcard) : 0);
	char *text = NULL;

	bool known = idn2_to_unicode_8z8z(rest, &text, 0) == IDN2_OK && leads_back(text, rest);
	if (!known || !text_format(ret_text, DOMAIN_TEXT_SIZE, "%s%s", wild ? wildcard : "", text))
		text_copy(ret_text, DOMAIN_TEXT_SIZE, name);
	idn2_free(text);
}

void domain_show(const char *name, char ret_shown[DOMAIN_SHOWN_SIZE])
{
	char text[DOMAIN_TEXT_SIZE];

	domain_write(name, text);
	if (strcmp(text, name) == 0)
		text_copy(ret_shown, DOMAIN_SHOWN_SIZE, name);
	else
		text_format(ret_shown, DOMAIN_SHOWN_SIZE, "%s (%s)", text, name);
}
