/*
 * Compares the Origin header with those that are listed, byte by byte: browsers send it in one
 * form.
 */
#include "api/origins.h"

#include <string.h>

#include "base/text.h"

#define EXPOSED "ETag, Retry-After, Allow, X-Request-Id"

/* What may stand in a host with its port: an IPv6 address has brackets and colons. */
#define HOST_BYTES "abcdefghijklmnopqrstuvwxyz0123456789.-:[]"

static bool is_origin(const char *text, size_t length)
{
	static const char *const schemes[] = { "https://", "http://", NULL };

	for (const char *const *scheme = schemes; *scheme != NULL; scheme++) {
		size_t skipped = strlen(*scheme);
		if (text_has_prefix(text, *scheme))
			return length > skipped &&
				strspn(text + skipped, HOST_BYTES) == length - skipped;
	}
	return false;
}

/* The next one at or behind the text; *ret_length is 0 where there is none. */
static const char *next_origin(const char *text, size_t *ret_length)
{
	text += strspn(text, " ");
	*ret_length = strcspn(text, " ");
	return text;
}

enum error_class origins_check(const char *origins, struct error *error)
{
	size_t length;

	for (const char *next = next_origin(origins != NULL ? origins : "", &length); length > 0;
		next = next_origin(next + length, &length))
		if (!is_origin(next, length))
			return error_set(error, ERROR_INVALID_INPUT,
				"SLIPWAY_ORIGINS has '%.*s', which is no origin such as "
				"https://app.example.com",
				(int)(length < 100 ? length : 100), next);
	return ERROR_NONE;
}

/* As it stands in the list, ended by a blank or the end; NULL: it does not. */
static const char *find_listed(const char *origins, const char *origin)
{
	size_t length;

	for (const char *next = next_origin(origins, &length); length > 0;
		next = next_origin(next + length, &length))
		if (strlen(origin) == length && strncmp(next, origin, length) == 0)
			return next;
	return NULL;
}

bool origins_apply(const char *origins, const struct request *request, struct response *response)
{
	if (origins == NULL || origins[0] == '\0')
		return false;
	response->varies = true;
	response->allow_origin = find_listed(origins, request->origin);
	if (response->allow_origin == NULL)
		return false;
	if (strcmp(request->method, "OPTIONS") != 0)
		return false;
	response->preflight = true;
	response->status = 204;
	response->subject.reads = true;
	return true;
}

void origins_head(const struct response *response, char *head, size_t size)
{
	if (response->varies)
		text_append(head, size, "Vary: Origin\r\n");
	if (response->allow_origin == NULL)
		return;
	text_append(head, size, "Access-Control-Allow-Origin: %.*s\r\n",
		(int)strcspn(response->allow_origin, " "), response->allow_origin);
	if (response->preflight)
		text_append(head, size,
			"Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
			"Access-Control-Allow-Headers: Authorization, Content-Type, "
			"If-None-Match\r\n"
			"Access-Control-Max-Age: 600\r\n");
	else
		text_append(head, size, "Access-Control-Expose-Headers: " EXPOSED "\r\n");
}
