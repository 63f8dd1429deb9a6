/*
 * What a provider is called with where a connection says so: its credential, its account, and in
 * errors the command that mends it.
 */
#ifndef SLIPWAY_PROVIDER_CONNECTED_H
#define SLIPWAY_PROVIDER_CONNECTED_H

#include "core/connection.h"
#include "provider/provider.h"

/*
 * The access of a connection to its provider: the address and the pace of the settings, all else of
 * the connection. `credential` is its token, or the key of its own app; NULL where it uses what the
 * settings have. All borrowed, the connection as well. One of the settings, or NULL, has the access
 * that the settings say, with that token where one is given.
 */
struct provider_access connected_access(const struct provider *provider,
	const struct settings *settings, const struct connection *connection,
	const char *credential);

/* Says in an error about the credential which connection has it, and how to mend that. Errors of
 * other classes, and of the credentials in the settings, stay as they are. Returns the class. */
enum error_class connected_error(const struct connection *connection, struct error *error);

#endif
