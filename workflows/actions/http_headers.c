/*
 * What is wrong with the headers of a request: names that are none, headers that belong to the
 * connection, and values that would end the line.
 */
#include "actions/http_headers.h"

#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* What a request has by itself, or would change how it is sent. */
static const char *const reserved[] = { "Host", "Content-Length", "Connection", "Transfer-Encoding",
	"Cookie2", "Keep-Alive", "TE", "Trailer", "Upgrade", "Expect", "Accept-Encoding",
	"Proxy-Authorization", "Proxy-Connection" };

static bool is_header_name(const char *name)
{
	size_t length = strspn(name, "!#$%&'*+-.^_`|~" DIGITS LETTERS);
	return length > 0 && name[length] == '\0';
}

static const char *header_problem(const struct string_pair *header)
{
	if (strcasecmp(header->name, "Content-Type") == 0)
		return "is given as \"contentType\"";
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strcasecmp(header->name, reserved[i]) == 0)
			return "cannot be set: it is a matter of the connection";
	if (!input_is_known(header->value))
		return NULL;
	if (header->value[strspn(header->value, " ")] == '\0')
		return "has no value";
	for (const char *byte = header->value; *byte != '\0'; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7F)
			return "has a line break or another control character in its value";
	return NULL;
}

void headers_validate(const struct string_map *headers, const struct input_fault *fault,
	struct input_check *check)
{
	for (size_t i = 0; i < headers->count; i++) {
		const struct string_pair *header = &headers->items[i];
		bool is_named = is_header_name(header->name);
		const char *problem = is_named ? header_problem(header) : NULL;
		if (!is_named)
			input_fault(check, fault,
				"a header has a name with other characters than a header may have");
		else if (problem != NULL)
			input_fault(check, fault, "the header %s %s", header->name, problem);
	}
}
