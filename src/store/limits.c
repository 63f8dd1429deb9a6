/*
 * Calls of the rate limiter's scripts. A limiter that cannot be asked lets the call through; the
 * provider enforces its own limit.
 */
#include "store/limits.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"

struct gate_message {
	const char *what, *run_id;
	int64_t close_ms;
};

static enum error_class gate(struct redis *redis, const struct limit_name *name,
	const struct gate_message *message, struct redisReply **ret_reply, struct error *error)
{
	char limit[KEY_SIZE], outage[KEY_SIZE];
	const char *const keys[] = { limit, outage };
	const struct script_argument arguments[] = { { "what", .text = message->what },
		{ "close_ms", .integer = &message->close_ms }, { "run", .text = message->run_id } };
	const struct script_call call = { SCRIPT_GATE, ARRAY_LEN(keys), keys, ARRAY_LEN(arguments),
		arguments };

	text_format(limit, sizeof(limit), "slipway:limit:%s:%s", name->provider, name->credential);
	text_format(outage, sizeof(outage), "slipway:outage:%s:%.*s", name->provider,
		(int)strcspn(name->credential, ":"), name->credential);
	return redis_eval(redis, &call, ret_reply, error);
}

static enum error_class tell(struct redis *redis, const struct limit_name *name,
	const struct gate_message *message, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	return gate(redis, name, message, &reply, error);
}

enum error_class limit_admit(struct redis *redis, const struct limit_name *name, const char *run_id,
	struct limit_admission *ret_admission, struct error *error)
{
	const struct gate_message message = { "enter", run_id, 0 };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (gate(redis, name, &message, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_admission = (struct limit_admission){
		.wait_ms = reply_integer(reply_item(reply, 0)),
		.probing = reply_integer(reply_item(reply, 1)) == 1,
		.down_ms = reply_integer(reply_item(reply, 2)),
		.watched = reply_integer(reply_item(reply, 3)) == 1,
	};
	return ERROR_NONE;
}

enum error_class limit_block(struct redis *redis, const struct limit_name *name,
	int64_t milliseconds, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ "close", "", milliseconds }, error);
}

enum error_class limit_unblock(
	struct redis *redis, const struct limit_name *name, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ "open", "", 0 }, error);
}

enum error_class limit_failed(struct redis *redis, const struct limit_name *name,
	const char *run_id, int64_t retry_ms, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ "failed", run_id, retry_ms }, error);
}

enum error_class limit_answered(
	struct redis *redis, const struct limit_name *name, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ "answered", "", 0 }, error);
}

enum error_class limit_pace(struct redis *redis, const struct limit_name *name,
	const struct limit_request *request, struct limit_turn *ret_turn, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "run", .text = request->run_id },
		{ "spacing_ms", .integer = &request->spacing_ms },
		{ "most_ms", .integer = &request->most_ms } };
	const struct script_call call = { SCRIPT_PACE, 1, keys, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(key, sizeof(key), "slipway:pace:%s:%s", name->provider, name->credential);
	if (redis_eval(redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_turn = (struct limit_turn){ reply_integer(reply_item(reply, 0)),
		reply_integer(reply_item(reply, 1)) == 1, reply_integer(reply_item(reply, 2)) };
	return ERROR_NONE;
}
