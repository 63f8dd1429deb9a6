/*
 * A reply and all its parts stand in one block, or where they are many in a few, and none for nil:
 * hiredis takes two blocks for each part, and a poll gets hundreds of parts, most of them nil.
 *
 * How many parts a list is to have is only said: its room grows with those that come.
 */
#include "store/redis_reply.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

#define ROOM_FIRST ((size_t)700)  /* of a list, for its parts */
#define ROOM_MORE  ((size_t)4000) /* of each block behind the first */

static redisReply nil = { .type = REDIS_REPLY_NIL };

/* A block behind the first. */
struct more {
	struct more *next;
	alignas(max_align_t) char room[];
};

/* The first block; the reply stands first in its room. */
struct tree {
	struct more *more;
	char *free; /* of the last block */
	size_t left;
	alignas(max_align_t) char room[];
};

static struct tree *tree_of(void *reply)
{
	return (struct tree *)((char *)reply - offsetof(struct tree, room));
}

static size_t aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

/* With room for a reply, and so many bytes more. */
static struct tree *tree_new(size_t bytes)
{
	const size_t room = aligned(sizeof(redisReply) + bytes);
	struct tree *tree = malloc(sizeof(*tree) + room);

	if (tree == NULL)
		return NULL;
	tree->more = NULL;
	tree->free = tree->room;
	tree->left = room;
	return tree;
}

static void *take_room(struct tree *tree, size_t size)
{
	size = aligned(size);

	if (size > tree->left) {
		const size_t room = size > ROOM_MORE ? size : ROOM_MORE;
		struct more *more = malloc(sizeof(*more) + room);
		if (more == NULL)
			return NULL;
		more->next = tree->more;
		tree->more = more;
		tree->free = more->room;
		tree->left = room;
	}
	void *taken = tree->free;
	tree->free += size;
	tree->left -= size;
	return taken;
}

static void tree_free(void *reply)
{
	if (reply == NULL || reply == &nil)
		return;
	struct tree *tree = tree_of(reply);
	while (tree->more != NULL) {
		struct more *more = tree->more;
		tree->more = more->next;
		free(more);
	}
	free(tree);
}

/* For one part more. */
static bool list_grow(struct tree *tree, redisReply *list)
{
	const size_t room = 2 * list->len;

	if (list->elements < list->len)
		return true;
	redisReply **element = take_room(tree, room * sizeof(redisReply *));
	if (element == NULL)
		return false;
	memcpy(element, list->element, list->elements * sizeof(redisReply *));
	list->element = element;
	list->len = room;
	return true;
}

/* The tree that a part is of. */
static struct tree *tree_of_part(const redisReadTask *task)
{
	const redisReadTask *root = task->parent;

	while (root->parent != NULL)
		root = root->parent;
	return tree_of(root->obj);
}

/* A part goes into the list that it is of. Parts come one after the other. */
static redisReply *hand_over(const redisReadTask *task, struct tree *tree, redisReply *reply)
{
	redisReply *list = task->parent->obj;

	if (!list_grow(tree, list))
		return NULL;
	list->element[list->elements++] = reply;
	return reply;
}

/* With so many bytes behind it. `parts` is the room for parts, of a reply that is none itself. */
static redisReply *reply_new(const redisReadTask *task, size_t bytes, size_t parts)
{
	const bool is_part = task->parent != NULL;
	struct tree *tree = is_part ? tree_of_part(task) : tree_new(bytes + parts);
	redisReply *reply = tree == NULL ? NULL : take_room(tree, sizeof(*reply) + bytes);

	if (reply == NULL)
		return NULL;
	*reply = (redisReply){ .type = task->type };
	return is_part ? hand_over(task, tree, reply) : reply;
}

static void *make_text(const redisReadTask *task, char *bytes, size_t length)
{
	redisReply *reply = reply_new(task, length + 1, 0);

	if (reply == NULL)
		return NULL;
	reply->str = (char *)(reply + 1);
	reply->len = length;
	memcpy(reply->str, bytes, length);
	reply->str[length] = '\0';
	return reply;
}

/* Its len is for how many parts there is room. */
static void *make_list(const redisReadTask *task, int count)
{
	const size_t room = count < REPLY_LIST_ROOM ? (size_t)count : REPLY_LIST_ROOM;
	redisReply *reply = reply_new(task, room * sizeof(redisReply *), ROOM_FIRST);

	if (reply == NULL)
		return NULL;
	reply->element = (redisReply **)(reply + 1);
	reply->len = room;
	return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
	redisReply *reply = reply_new(task, 0, 0);

	if (reply != NULL)
		reply->integer = value;
	return reply;
}

static void *make_nil(const redisReadTask *task)
{
	return task->parent == NULL ? &nil : hand_over(task, tree_of_part(task), &nil);
}

void replies_make_compact(redisContext *context)
{
	static redisReplyObjectFunctions functions = { make_text, make_list, make_integer, make_nil,
		tree_free };

	context->reader->fn = &functions;
}

void reply_free(struct redisReply *reply)
{
	tree_free(reply);
}
