/*
 * XREAD with BLOCK. The stream is trimmed to CHANGES_KEPT entries or a few more: whoever gets as
 * many at once may have missed some before them.
 */
#include "store/changes.h"

#include <string.h>

#include "base/text.h"
#include "store/keys.h"

#define CHANGES_KEPT 1000 /* as scripts/changes.lua has it */

enum error_class changes_position(
	struct redis *redis, char ret_position[STREAM_ID_SIZE], struct error *error)
{
	const char *const words[] = { "XREVRANGE", KEY_CHANGES, "+", "-", "COUNT", "1" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(redis, 6, words, &reply, error) != ERROR_NONE)
		return error->class;
	const char *id = reply_text(reply_item(reply_item(reply, 0), 0));
	text_copy(ret_position, STREAM_ID_SIZE, id[0] != '\0' ? id : "0-0");
	return ERROR_NONE;
}

/* Of each app that the entry names. */
static void take_all(const struct redisReply *fields, change_taker *take, void *context)
{
	for (size_t i = 0; i + 1 < reply_count(fields); i += 2)
		if (strcmp(reply_text(reply_item(fields, i)), "a") == 0)
			take(context, reply_text(reply_item(fields, i + 1)));
}

enum error_class changes_read(struct redis *redis, char position[STREAM_ID_SIZE], int64_t wait_ms,
	change_taker *take, void *context, struct error *error)
{
	char block[24];
	const char *const words[] = { "XREAD", "BLOCK", block, "STREAMS", KEY_CHANGES, position };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(block, sizeof(block), "%lld", (long long)wait_ms);
	if (redis_command(redis, 6, words, &reply, error) != ERROR_NONE)
		return error->class;
	const struct redisReply *entries = reply_item(reply_item(reply, 0), 1);
	size_t count = reply_count(entries);
	if (count >= CHANGES_KEPT)
		take(context, "");
	for (size_t i = 0; i < count && count < CHANGES_KEPT; i++)
		take_all(reply_item(reply_item(entries, i), 1), take, context);

	if (count > 0)
		text_copy(position, STREAM_ID_SIZE,
			reply_text(reply_item(reply_item(entries, count - 1), 0)));
	return ERROR_NONE;
}
