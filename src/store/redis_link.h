/*
 * A connection to Redis, once it is open: sends commands and takes their replies. Only redis.c uses
 * it.
 *
 * Without an event loop it blocks. In one, it belongs to all coroutines of the process: the
 * commands of all of a turn go out together, and each gets its own replies, which come in the order
 * of the commands. A connection that fails does so for all that have commands under way.
 */
#ifndef SLIPWAY_STORE_REDIS_LINK_H
#define SLIPWAY_STORE_REDIS_LINK_H

#include "base/loop.h"
#include "store/redis.h"
#include "store/redis_address.h"

#define REDIS_WHY_SIZE 128 /* of a text that says what is wrong with a connection */

struct redis_link;

/*
 * Connects; in a loop, begins to. Each exchange takes at most timeout_ms. loop may be NULL. On
 * error, ERROR_STORE_UNAVAILABLE and nothing is open. End with link_close or link_retire.
 */
enum error_class link_open(const struct redis_address *address, int timeout_ms, struct loop *loop,
	struct redis_link **ret_link, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Sends all commands and takes all replies, which are then the caller's. False where that fails:
 * there are no replies, *ret_sent says whether any of the commands may have reached Redis, why says
 * what has happened, and the link is of no more use: retire it.
 */
bool link_exchange(struct redis_link *link, size_t count, const struct redis_words *commands,
	struct redisReply **replies, bool *ret_sent, char why[REDIS_WHY_SIZE]) SLIPWAY_MUST_CHECK;

/* Whether a fault was found, also one that nobody had commands under way for: then it is of no use.
 */
bool link_is_broken(const struct redis_link *link);

/* In a loop: whoever has commands under way gets no replies any more, at the end of this turn. */
void link_abort(struct redis_link *link);

/* No more commands: closes it as soon as all that are under way have their replies. NULL is fine.
 */
void link_retire(struct redis_link *link);

/* Closes it at once; no coroutine may have commands under way. NULL is fine. */
void link_close(struct redis_link *link);

#endif
