/*
 * One block for each part of a reply, its text or a short list of its parts included, and none for
 * nil: hiredis takes two blocks and one, and a poll gets hundreds of parts, most of them nil.
 *
 * How many parts a list is to have is only said: its room grows with those that come.
 */
#include "store/redis_reply.h"

#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

static redisReply nil = { .type = REDIS_REPLY_NIL };

/* With room for so many bytes behind it, which are zero. */
static redisReply *reply_new(const redisReadTask *task, size_t room)
{
	redisReply *reply = calloc(1, sizeof(*reply) + room);

	if (reply != NULL)
		reply->type = task->type;
	return reply;
}

// NOLINTNEXTLINE(misc-no-recursion)
static void free_part(void *part)
{
	redisReply *reply = part;

	if (reply == NULL || reply == &nil)
		return;
	for (size_t i = 0; i < reply->elements; i++)
		free_part(reply->element[i]);
	if (reply->element != (redisReply **)(reply + 1))
		free(reply->element);
	free(reply);
}

/* For one part more. A list of more parts than its block has room for has them in another block. */
static bool list_grow(redisReply *list)
{
	const bool is_inside = list->element == (redisReply **)(list + 1);
	const size_t room = 2 * list->len;

	if (list->elements < list->len)
		return true;
	redisReply **element =
		realloc(is_inside ? NULL : list->element, room * sizeof(redisReply *));
	if (element == NULL)
		return false;
	if (is_inside)
		memcpy(element, list->element, list->elements * sizeof(redisReply *));
	list->element = element;
	list->len = room;
	return true;
}

/* A part goes into the list that it is of. Parts come one after the other. */
static void *hand_over(const redisReadTask *task, redisReply *reply)
{
	redisReply *list = task->parent != NULL ? task->parent->obj : NULL;

	if (reply == NULL || list == NULL)
		return reply;
	if (!list_grow(list)) {
		free_part(reply);
		return NULL;
	}
	list->element[list->elements++] = reply;
	return reply;
}

static void *make_text(const redisReadTask *task, char *bytes, size_t length)
{
	redisReply *reply = reply_new(task, length + 1);

	if (reply == NULL)
		return NULL;
	reply->str = (char *)(reply + 1);
	reply->len = length;
	memcpy(reply->str, bytes, length);
	return hand_over(task, reply);
}

/* Its len is for how many parts there is room. */
static void *make_list(const redisReadTask *task, int count)
{
	size_t room = count < REPLY_LIST_ROOM ? (size_t)count : REPLY_LIST_ROOM;
	redisReply *reply = reply_new(task, room * sizeof(redisReply *));

	if (reply == NULL)
		return NULL;
	reply->element = (redisReply **)(reply + 1);
	reply->len = room;
	return hand_over(task, reply);
}

static void *make_integer(const redisReadTask *task, long long value)
{
	redisReply *reply = reply_new(task, 0);

	if (reply != NULL)
		reply->integer = value;
	return hand_over(task, reply);
}

static void *make_nil(const redisReadTask *task)
{
	return hand_over(task, &nil);
}

void replies_make_compact(redisContext *context)
{
	static redisReplyObjectFunctions functions = { make_text, make_list, make_integer, make_nil,
		free_part };

	context->reader->fn = &functions;
}

void reply_free(struct redisReply *reply)
{
	free_part(reply);
}
