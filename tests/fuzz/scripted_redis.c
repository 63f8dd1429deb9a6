/*
 * A Redis that says what a target has written for it: it stands in the place of
 * src/store/redis_link.c, so that no target speaks to a server. Replies are what the protocol of
 * Redis has, one behind the other, and are read by hiredis as those of a server are; who asks for
 * more than there are meets a server that is gone.
 */
#include "fuzz/scripted_redis.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/claims.h"
#include "store/redis_link.h"
#include "store/redis_reply.h"

struct redis_link {
	bool is_broken;
};

static redisReader *reader;
static size_t commands_seen;

void scripted_redis_begin(const char *replies, size_t length)
{
	redisContext context = { .reader = redisReaderCreate() };

	CLAIM(context.reader != NULL, "no memory");
	replies_make_compact(&context);
	scripted_redis_end();
	reader = context.reader;
	commands_seen = 0;
	CLAIM(redisReaderFeed(reader, replies, length) == REDIS_OK, "no memory");
}

void scripted_redis_end(void)
{
	if (reader != NULL)
		redisReaderFree(reader);
	reader = NULL;
}

size_t scripted_redis_commands(void)
{
	return commands_seen;
}

struct redisReply *scripted_redis_reply(void)
{
	void *reply = NULL;

	if (reader == NULL || redisReaderGetReply(reader, &reply) != REDIS_OK)
		return NULL;
	return reply;
}

/* ---- in the place of a connection ---- */

enum error_class link_open(const struct redis_address *address, int timeout_ms, struct loop *loop,
	struct redis_link **ret_link, struct error *error)
{
	(void)address;
	(void)timeout_ms;
	(void)loop;
	(void)error;
	*ret_link = calloc(1, sizeof(**ret_link));
	CLAIM(*ret_link != NULL, "no memory");
	return ERROR_NONE;
}

bool link_exchange(struct redis_link *link, size_t count, const struct redis_words *commands,
	struct redisReply **replies, bool *ret_sent, char why[REDIS_WHY_SIZE])
{
	*ret_sent = true;
	for (size_t i = 0; i < count; i++) {
		static const char fine[] = "+OK\r\n";
		bool is_setup = strcmp(commands[i].words[0], "CLIENT") == 0;
		CLAIM(commands[i].count > 0 && commands[i].count <= REDIS_WORDS_MAX,
			"a command of %zu words", commands[i].count);
		for (size_t k = 0; k < commands[i].count; k++)
			CLAIM(commands[i].words[k] != NULL, "a word is missing");
		commands_seen += is_setup ? 0 : 1;
		if (is_setup) {
			redisContext context = { .reader = redisReaderCreate() };
			void *reply = NULL;
			CLAIM(context.reader != NULL, "no memory");
			replies_make_compact(&context);
			redisReaderFeed(context.reader, fine, strlen(fine));
			redisReaderGetReply(context.reader, &reply);
			redisReaderFree(context.reader);
			replies[i] = reply;
		} else {
			replies[i] = scripted_redis_reply();
		}
		if (replies[i] != NULL)
			continue;
		while (i > 0)
			reply_free(replies[--i]);
		text_copy(why, REDIS_WHY_SIZE, "it is gone");
		link->is_broken = true;
		return false;
	}
	return true;
}

bool link_is_broken(const struct redis_link *link)
{
	return link->is_broken;
}

void link_abort(struct redis_link *link)
{
	link->is_broken = true;
}

void link_retire(struct redis_link *link)
{
	free(link);
}

void link_close(struct redis_link *link)
{
	free(link);
}
