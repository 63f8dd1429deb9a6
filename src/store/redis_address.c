/*
 * Takes a URL of Redis apart, from the front to the back. No part is cut to fit, for what is left
 * of it might name another server or another user.
 */
#include "store/redis_address.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_PORT    6379
#define DATABASE_MAX    9999
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static enum error_class bad_url(const char *why, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "SLIPWAY_REDIS_URL: %s", why);
	return error_remedy(error, NULL,
		"Write unix:///path/to/redis.sock or redis://[user@]host[:port][/database], the "
		"password into a file that SLIPWAY_REDIS_PASSWORD_FILE names.");
}

/* Copies `length` bytes of the text; false where they do not fit. */
static bool copy_part(char *target, size_t size, const char *text, size_t length)
{
	return text_format(target, size, "%.*s", (int)length, text);
}

/* The last @ ends them, so that a password may have one. */
static enum error_class parse_login(
	struct redis_address *address, const char *login, size_t length, struct error *error)
{
	const char *colon = memchr(login, ':', length);
	size_t user = colon != NULL ? (size_t)(colon - login) : length;

	if (!copy_part(address->user, sizeof(address->user), login, user) ||
		(colon != NULL &&
			!copy_part(address->password, sizeof(address->password), colon + 1,
				length - user - 1)))
		return bad_url("the user or the password is too long", error);
	return ERROR_NONE;
}

static bool parse_number(const char *text, int64_t minimum, int64_t maximum, int64_t *ret_number)
{
	return strspn(text, "0123456789") == strlen(text) && text_to_integer(text, ret_number) &&
		*ret_number >= minimum && *ret_number <= maximum;
}

/* Gives what stands behind the host, or NULL where that is no host. */
static const char *parse_host(struct redis_address *address, const char *text)
{
	struct in6_addr ignored;
	size_t length;

	if (text[0] == '[') {
		length = strcspn(text + 1, "]");
		bool valid = text[1 + length] == ']' &&
			copy_part(address->host, sizeof(address->host), text + 1, length) &&
			inet_pton(AF_INET6, address->host, &ignored) == 1;
		return valid ? text + length + 2 : NULL;
	}

	length = strspn(text, HOST_CHARACTERS);
	return length > 0 && copy_part(address->host, sizeof(address->host), text, length)
		? text + length
		: NULL;
}

static enum error_class parse_host_and_port(
	struct redis_address *address, const char *text, struct error *error)
{
	int64_t port = DEFAULT_PORT;
	const char *rest = parse_host(address, text);

	if (rest == NULL || (rest[0] != '\0' && rest[0] != ':'))
		return bad_url("the host is neither a name nor an address; an IPv6 address stands "
			       "in brackets",
			error);
	if (strchr(rest, ':') != strrchr(rest, ':'))
		return bad_url("an IPv6 address stands in brackets: redis://[::1]:6379", error);
	if (rest[0] == ':' && !parse_number(rest + 1, 1, 65535, &port))
		return bad_url("the port is not a number from 1 to 65535", error);
	address->port = (int)port;
	return ERROR_NONE;
}

static enum error_class parse_tcp(
	struct redis_address *address, const char *host, const char *path, struct error *error)
{
	int64_t database;

	if (parse_host_and_port(address, host, error) != ERROR_NONE)
		return error->class;

	/* "redis://host" and "redis://host/" name no database. */
	if (strlen(path) <= 1)
		return ERROR_NONE;
	if (!parse_number(path + 1, 0, DATABASE_MAX, &database))
		return bad_url("the database behind the host is not a number", error);
	text_copy(address->database, sizeof(address->database), path + 1);
	return ERROR_NONE;
}

static enum error_class parse_socket(
	struct redis_address *address, const char *host, const char *path, struct error *error)
{
	if (host[0] != '\0' || path[0] != '/')
		return bad_url(
			"the socket's path must be absolute: unix:///path/to/redis.sock", error);
	if (!text_copy(address->socket, sizeof(address->socket), path))
		return bad_url("the socket's path is longer than 107 bytes", error);
	return ERROR_NONE;
}

/* What stands between the scheme and the first slash: [login@]host. */
static enum error_class parse_authority(
	struct redis_address *address, const char *text, bool is_socket, struct error *error)
{
	char authority[sizeof(address->user) + sizeof(address->password) + sizeof(address->host) +
		16];
	size_t length = strcspn(text, "/");
	const char *path = text + length;

	if (!copy_part(authority, sizeof(authority), text, length))
		return bad_url("it is too long", error);
	const char *at = strrchr(authority, '@');
	const char *host = at != NULL ? at + 1 : authority;
	enum error_class class = at != NULL
		? parse_login(address, authority, (size_t)(at - authority), error)
		: ERROR_NONE;
	if (class == ERROR_NONE)
		class = is_socket ? parse_socket(address, host, path, error)
				  : parse_tcp(address, host, path, error);
	sodium_memzero(authority, sizeof(authority));
	return class;
}

enum error_class redis_address_parse(
	const char *url, struct redis_address *ret_address, struct error *error)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (text_has_prefix(url, "unix://"))
		return parse_authority(ret_address, url + strlen("unix://"), true, error);
	if (text_has_prefix(url, "redis://"))
		return parse_authority(ret_address, url + strlen("redis://"), false, error);
	if (text_has_prefix(url, "rediss://"))
		return bad_url("TLS (rediss://) is not supported; use a unix socket, or a tunnel "
			       "such as stunnel",
			error);
	return bad_url("the scheme is neither unix:// nor redis://", error);
}
