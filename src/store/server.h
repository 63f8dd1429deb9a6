/*
 * Checks the configuration of the Redis server: with a wrong one, accepted runs could be lost.
 */
#ifndef SLIPWAY_STORE_SERVER_H
#define SLIPWAY_STORE_SERVER_H

#include "store/redis.h"

#define SERVER_CHECKS_MAX 16

/* The number of checks, and what each examines, in two or three words. */
size_t server_check_count(void);
const char *server_check_name(size_t index);

enum server_state {
	SERVER_FINE,
	SERVER_HIDDEN,  /* Redis does not tell us: a hosted one, or a user with fewer rights */
	SERVER_WRONG,   /* wrong configuration; message and remedy are ours */
	SERVER_REFUSES, /* the question failed; the message is from Redis or the connection */
};

/* Runs one check. SERVER_FINE and SERVER_HIDDEN are not errors; the others are
 * ERROR_STORE_UNAVAILABLE or ERROR_STORE_FULL, with a remedy if one is known. */
enum error_class server_check(struct redis *redis, size_t index, enum server_state *ret_state,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Reads a number from INFO, such as used_memory from the section memory. *ret_value is `otherwise`
 * if there is none. */
enum error_class server_number(struct redis *redis, const char *section, const char *name,
	int64_t otherwise, int64_t *ret_value, struct error *error) SLIPWAY_MUST_CHECK;

struct server_version {
	int major, minor, patch;
};

/* Which version of Redis it says that it is; zeros where it does not say so. */
enum error_class server_read_version(struct redis *redis, struct server_version *ret_version,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Converts a reply to TIME to ms since 1970. */
int64_t server_time_of(const struct redisReply *reply);

/* Redis' time in ms since 1970. */
enum error_class server_time(
	struct redis *redis, int64_t *ret_now, struct error *error) SLIPWAY_MUST_CHECK;

#endif
