/*
 * A Redis of which a target writes the replies; in all targets it stands in the place of a server.
 */
#ifndef TESTS_FUZZ_SCRIPTED_REDIS_H
#define TESTS_FUZZ_SCRIPTED_REDIS_H

#include <stddef.h>

struct redisReply;

/* The replies to come, as Redis would send them; in place of those before. */
void scripted_redis_begin(const char *replies, size_t length);

/* Frees them. */
void scripted_redis_end(void);

/* How many commands were sent since then, without those that open a connection. */
size_t scripted_redis_commands(void);

/* The next reply, for a target that reads it itself; NULL: there are no more, or what comes is no
 * reply. The caller's: reply_free. */
struct redisReply *scripted_redis_reply(void);

#endif
