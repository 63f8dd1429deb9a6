/*
 * Protection against DNS rebinding. While a server needs no tokens, it accepts only loopback names:
 * otherwise a web page elsewhere could resolve its own name to this machine, and the browser would
 * let it read and send anything.
 */
#include "api/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define NAME_MAX_BYTES 64

static bool is_port(const char *text)
{
	return text[0] == '\0' ||
		(text[0] == ':' && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

bool host_is_loopback(const char *host)
{
	static const char sixth[] = "[::1]";
	char name[NAME_MAX_BYTES];
	struct in_addr address;
	size_t length = strcspn(host, ":");

	if (text_has_prefix(host, sixth))
		return is_port(host + sizeof(sixth) - 1);
	if (!is_port(host + length) || !text_copy_part(name, sizeof(name), host, length))
		return false;
	if (strcasecmp(name, "localhost") == 0)
		return true;
	return inet_pton(AF_INET, name, &address) == 1 &&
		ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}
