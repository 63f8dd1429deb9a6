/*
 * The key KEY_LAYOUT is written by the scripts that add the first state of an app. State without it
 * is from before it was there, as is one list of apps for all.
 */
#include "store/layout.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"

#define CODE "LAYOUT"

static enum error_class refuse(const char *found, struct error *error)
{
	error_set(error, ERROR_STORE_UNAVAILABLE,
		"Redis holds the state of another version of Slipway: its keys have the layout "
		"%.32s, this version needs " LAYOUT,
		found);
	text_copy(error->store_code, sizeof(error->store_code), CODE);
	return error_remedy(error, NULL,
		"Give Slipway an empty database, or go back to the version that made this state. "
		"To give it up: stop all programs, then redis-cli --scan --pattern 'slipway:*' | "
		"xargs redis-cli del");
}

enum error_class layout_check(struct redis *redis, struct error *error)
{
	const char *const get[] = { "GET", KEY_LAYOUT };
	const char *const count[] = { "EXISTS", KEY_PREFIX "apps", KEY_TENANTS, KEY_LIVE,
		KEY_DELAYED };
	const struct redis_words commands[] = { { ARRAY_LEN(get), get, NULL },
		{ ARRAY_LEN(count), count, NULL } };
	struct redisReply *replies[ARRAY_LEN(commands)] = { NULL };

	if (redis_batch(redis, ARRAY_LEN(commands), commands, replies, error) != ERROR_NONE)
		return strcmp(error->store_code, "WRONGTYPE") == 0 ? refuse("unknown", error)
								   : error->class;

	CLEANUP_REPLY struct redisReply *layout = replies[0];
	CLEANUP_REPLY struct redisReply *used = replies[1];
	if (reply_is_nil(layout))
		return reply_integer(used) == 0 ? ERROR_NONE : refuse("1", error);
	return strcmp(reply_text(layout), LAYOUT) == 0 ? ERROR_NONE
						       : refuse(reply_text(layout), error);
}

void layout_require(struct redis *redis)
{
	redis_on_connect(redis, layout_check);
}

bool layout_refused(const struct error *error)
{
	return strcmp(error->store_code, CODE) == 0;
}
