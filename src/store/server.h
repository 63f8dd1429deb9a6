/*
 * What the Redis server must be set to, so that nothing that was accepted can vanish.
 */
#ifndef SLIPWAY_STORE_SERVER_H
#define SLIPWAY_STORE_SERVER_H

#include "store/redis.h"

/* Number of checks, and what each looks at, in two or three words. */
size_t server_check_count(void);
const char *server_check_name(size_t index);

/* Runs one. ERROR_STORE_UNAVAILABLE with a message and a remedy where the server is not set as it should be. */
enum error_class server_check(struct redis *redis, size_t index, struct error *error) SLIPWAY_MUST_CHECK;

/* A number of a section of INFO, such as memory and used_memory. *ret_value is `otherwise` where there is none. */
enum error_class server_number(struct redis *redis, const char *section, const char *name, int64_t otherwise,
	int64_t *ret_value, struct error *error) SLIPWAY_MUST_CHECK;

/* Redis' time in ms since 1970. */
enum error_class server_time(struct redis *redis, int64_t *ret_now, struct error *error) SLIPWAY_MUST_CHECK;

#endif
