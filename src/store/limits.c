/*
 * Calls of the rate limiter's scripts. A limiter that cannot be asked lets the call through; the provider
 * enforces its own limit.
 */
#include "store/limits.h"

#include "base/text.h"
#include "store/keys.h"

static enum error_class gate(struct redis *redis, const struct limit_name *name, const char *word, int64_t milliseconds,
	struct redisReply **ret_reply, struct error *error)
{
	char key[KEY_SIZE], number[24];
	const char *const keys[] = { key }, *const arguments[] = { word, number };
	text_format(key, sizeof(key), "slipway:limit:%s:%s", name->provider, name->credential);
	text_format(number, sizeof(number), "%lld", (long long)milliseconds);
	return redis_eval(redis, SCRIPT_GATE, 1, keys, 2, arguments, ret_reply, error);
}

enum error_class limit_admit(struct redis *redis, const struct limit_name *name, int64_t *ret_wait_ms,
	bool *ret_probing, struct error *error)
{
	struct redisReply *reply;
	if (gate(redis, name, "enter", 0, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_wait_ms = reply_integer(reply_item(reply, 0));
	*ret_probing = reply_integer(reply_item(reply, 1)) == 1;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class limit_block(
	struct redis *redis, const struct limit_name *name, int64_t milliseconds, struct error *error)
{
	struct redisReply *reply;
	if (gate(redis, name, "close", milliseconds, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class limit_unblock(struct redis *redis, const struct limit_name *name, struct error *error)
{
	struct redisReply *reply;
	if (gate(redis, name, "open", 0, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class limit_pace(struct redis *redis, const struct limit_name *name, const char *run, int64_t spacing_ms,
	int64_t most_ms, struct limit_turn *ret_turn, struct error *error)
{
	char key[KEY_SIZE], spacing[24], most[24];
	const char *const keys[] = { key }, *const arguments[] = { run, spacing, most };
	struct redisReply *reply;

	text_format(key, sizeof(key), "slipway:pace:%s:%s", name->provider, name->credential);
	text_format(spacing, sizeof(spacing), "%lld", (long long)spacing_ms);
	text_format(most, sizeof(most), "%lld", (long long)most_ms);
	if (redis_eval(redis, SCRIPT_PACE, 1, keys, 3, arguments, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_turn = (struct limit_turn){ reply_integer(reply_item(reply, 0)), reply_integer(reply_item(reply, 1)) == 1,
		reply_integer(reply_item(reply, 2)) };
	reply_free(reply);
	return ERROR_NONE;
}
