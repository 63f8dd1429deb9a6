/*
 * Parses SLIPWAY_REDIS_URL: where Redis is, and as which user to log in.
 *
 * Parsing is strict and happens at the start of a program, so that a wrong address is refused once
 * with the reason, instead of failing every request.
 */
#ifndef SLIPWAY_STORE_REDIS_ADDRESS_H
#define SLIPWAY_STORE_REDIS_ADDRESS_H

#include "slipway/error.h"

struct redis_address {
	char socket[108]; /* path of the unix socket, up to the kernel's limit; "": use host and
			     port */
	char host[256];   /* a name, an IPv4 address, or an IPv6 address without its brackets */
	int port;
	char user[128];     /* "": the default user */
	char password[512]; /* "": none */
	char database[8];   /* "": the first */
};

/*
 * Parses unix://[user[:password]@]/path or redis://[user[:password]@]host[:port][/database]. User
 * and password are taken verbatim, without decoding. ERROR_INVALID_INPUT says which part is wrong,
 * and repeats nothing that may be a secret.
 */
enum error_class redis_address_parse(
	const char *url, struct redis_address *ret_address, struct error *error) SLIPWAY_MUST_CHECK;

#endif
