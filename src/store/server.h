/*
 * What the Redis server must be set to, so that nothing that was accepted can vanish.
 */
#ifndef SLIPWAY_STORE_SERVER_H
#define SLIPWAY_STORE_SERVER_H

#include "store/redis.h"

#define SERVER_CHECKS_MAX 16

/* Number of checks, and what each looks at, in two or three words. */
size_t server_check_count(void);
const char *server_check_name(size_t index);

enum server_state {
	SERVER_FINE,
	SERVER_HIDDEN,  /* Redis does not let us ask: a hosted one, or a user with fewer rights than ours has */
	SERVER_WRONG,   /* it is not set as it must be; message and remedy are our own words */
	SERVER_REFUSES, /* it could not be asked at all; the message has what Redis or the connection said */
};

/* Runs one. SERVER_FINE and SERVER_HIDDEN are no error; the others are of the class ERROR_STORE_UNAVAILABLE or
 * ERROR_STORE_FULL, with what to do where that is known. */
enum error_class server_check(
	struct redis *redis, size_t index, enum server_state *ret_state, struct error *error) SLIPWAY_MUST_CHECK;

/* A number of a section of INFO, such as memory and used_memory. *ret_value is `otherwise` where there is none. */
enum error_class server_number(struct redis *redis, const char *section, const char *name, int64_t otherwise,
	int64_t *ret_value, struct error *error) SLIPWAY_MUST_CHECK;

/* What a reply to TIME says, in ms since 1970. */
int64_t server_time_of(const struct redisReply *reply);

/* Redis' time in ms since 1970. */
enum error_class server_time(struct redis *redis, int64_t *ret_now, struct error *error) SLIPWAY_MUST_CHECK;

#endif
