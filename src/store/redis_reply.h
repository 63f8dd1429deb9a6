/*
 * How replies of Redis are kept in memory. They are of the type of hiredis, but only reply_free
 * (store/redis.h) may free them.
 */
#ifndef SLIPWAY_STORE_REDIS_REPLY_H
#define SLIPWAY_STORE_REDIS_REPLY_H

#include <hiredis/hiredis.h>

/* Parts of a list for which memory is taken before they come. */
#define REPLY_LIST_ROOM 64

/* Has the replies of a connection made so; before its first command. */
void replies_make_compact(redisContext *context);

#endif
