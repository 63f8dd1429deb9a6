/*
 * Calls of the rate limiter's scripts. A limiter that cannot be asked lets the call through; the provider
 * enforces its own limit.
 */
#include "store/limits.h"

#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"

static enum error_class gate(struct redis *redis, const struct limit_name *name, const char *what, int64_t close_ms,
	struct redisReply **ret_reply, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "what", .text = what }, { "close_ms", .integer = &close_ms } };
	const struct script_call call = { SCRIPT_GATE, 1, keys, ARRAY_LEN(arguments), arguments };

	text_format(key, sizeof(key), "slipway:limit:%s:%s", name->provider, name->credential);
	return redis_eval(redis, &call, ret_reply, error);
}

enum error_class limit_admit(struct redis *redis, const struct limit_name *name, int64_t *ret_wait_ms,
	bool *ret_probing, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (gate(redis, name, "enter", 0, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_wait_ms = reply_integer(reply_item(reply, 0));
	*ret_probing = reply_integer(reply_item(reply, 1)) == 1;
	return ERROR_NONE;
}

enum error_class limit_block(
	struct redis *redis, const struct limit_name *name, int64_t milliseconds, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	return gate(redis, name, "close", milliseconds, &reply, error);
}

enum error_class limit_unblock(struct redis *redis, const struct limit_name *name, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	return gate(redis, name, "open", 0, &reply, error);
}

enum error_class limit_pace(struct redis *redis, const struct limit_name *name, const struct limit_request *request,
	struct limit_turn *ret_turn, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "run", .text = request->run_id },
		{ "spacing_ms", .integer = &request->spacing_ms }, { "most_ms", .integer = &request->most_ms } };
	const struct script_call call = { SCRIPT_PACE, 1, keys, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(key, sizeof(key), "slipway:pace:%s:%s", name->provider, name->credential);
	if (redis_eval(redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_turn = (struct limit_turn){ reply_integer(reply_item(reply, 0)), reply_integer(reply_item(reply, 1)) == 1,
		reply_integer(reply_item(reply, 2)) };
	return ERROR_NONE;
}
