/* Redis for a command that asks it itself, and not an endpoint. */
#ifndef SLIPWAY_CLI_OPEN_REDIS_H
#define SLIPWAY_CLI_OPEN_REDIS_H

#include "base/settings.h"
#include "store/redis.h"

/* That of the settings, where the connection is named slipway-COMMAND; redis_free closes
 * *ret_redis. */
enum error_class open_redis(const struct settings *settings, const char *command,
	struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for commands whose login may read which layout the keys have: another one is refused
 * when it is first asked. */
enum error_class open_store(const struct settings *settings, const char *command,
	struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

#endif
