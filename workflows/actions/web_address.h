/*
 * Finds errors in the text of a URL when the input is validated: before anything is created, rather
 * than when it is requested.
 */
#ifndef WORKFLOWS_ACTIONS_WEB_ADDRESS_H
#define WORKFLOWS_ACTIONS_WEB_ADDRESS_H

#include <stdbool.h>
#include <string.h>

#include "slipway/action.h"

/* Whether the host is this machine. http to it is allowed only by the worker's settings, which are
 * unknown here. */
static inline bool is_of_this_machine(const char *host)
{
	size_t length = strcspn(host, ":/?#");

	if (strncmp(host, "[::1]", 5) == 0)
		return host[5] == '\0' || strchr(":/?#", host[5]) != NULL;
	return (length == 9 && strncasecmp(host, "localhost", length) == 0) ||
		(strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == length);
}

/* What is wrong with the URL; NULL if nothing is. */
static inline const char *web_address_problem(const char *url)
{
	bool by_https = strncasecmp(url, "https://", 8) == 0,
	     by_http = strncasecmp(url, "http://", 7) == 0;
	const char *host = by_https ? url + 8 : by_http ? url + 7 : url;

	for (const char *c = url; *c != '\0'; c++)
		if (*c == ' ' || *c == '\\')
			return "contains a space or a backslash";
	if (!by_https && (!by_http || !is_of_this_machine(host)))
		return "is not an https URL";
	size_t length = strcspn(host, "/?#");
	if (length == 0 || host[0] == ':')
		return "has no host";
	return memchr(host, '@', length) != NULL ? "contains a user name" : NULL;
}

/* For .validate, of the member "url". */
static inline void web_address_validate(const char *url, struct input_check *check)
{
	const struct input_fault fault = { .member = "url",
		.remedy = "Give an https URL, such as https://www.example.org/." };
	const char *problem = input_is_known(url) ? web_address_problem(url) : NULL;
	if (problem != NULL)
		input_fault(check, &fault, "it %s", problem);
}

#endif
