/*
 * Where a Redis is, and as whom to log in there: what SLIPWAY_REDIS_URL says.
 *
 * Read strictly and before anything is started, so that an address that no connection could use is refused once, with
 * the reason, and not met by every request.
 */
#ifndef SLIPWAY_STORE_REDIS_ADDRESS_H
#define SLIPWAY_STORE_REDIS_ADDRESS_H

#include "slipway/error.h"

struct redis_address {
	char socket[108]; /* path of the unix socket, as long as the kernel takes it; "": host and port */
	char host[256];   /* a name, an IPv4 address, or an IPv6 address without its brackets */
	int port;
	char user[128];     /* "": the default user */
	char password[512]; /* "": none */
	char database[8];   /* "": the first */
};

/*
 * Reads unix://[user[:password]@]/path or redis://[user[:password]@]host[:port][/database]. Of the user and the
 * password, nothing is decoded. ERROR_INVALID_INPUT says which part is wrong, and repeats nothing that may be a secret.
 */
enum error_class redis_address_parse(
	const char *url, struct redis_address *ret_address, struct error *error) SLIPWAY_MUST_CHECK;

#endif
