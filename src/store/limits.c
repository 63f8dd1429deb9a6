/*
 * Calls of the rate limiter's scripts. A limiter that cannot be asked lets the call through; the
 * provider enforces its own limit.
 */
#include "store/limits.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/keys.h"

struct gate_message {
	const char *what;
	int64_t close_ms;
	const struct limit_caller *caller;   /* NULL: does not matter */
	const struct limit_failure *failure; /* NULL: none */
};

/* The tag in braces puts all keys of a credential into one hash slot. */
static void make_key(char key[KEY_SIZE], const char *kind, const struct limit_name *name,
	const char *separator, const char *rest)
{
	text_format(key, KEY_SIZE, "slipway:%s:{%s:%.*s}%s%s", kind, name->provider,
		(int)strcspn(name->credential, ":"), name->credential, separator, rest);
}

static enum error_class gate(struct redis *redis, const struct limit_name *name,
	const struct gate_message *message, struct redisReply **ret_reply, struct error *error)
{
	static const struct limit_caller nobody = { "", { "", "" }, "", false };
	static const struct limit_failure none = { 0 };
	const struct limit_caller *caller = message->caller != NULL ? message->caller : &nobody;
	const struct limit_failure *failure = message->failure != NULL ? message->failure : &none;
	char limit[KEY_SIZE], provider[KEY_SIZE], worker[KEY_SIZE], app[APP_MEMBER_SIZE];
	const char *const keys[] = { limit, provider, worker };
	const struct script_argument arguments[] = { { "what", .text = message->what },
		{ "close_ms", .integer = &message->close_ms }, { "run", .text = caller->run_id },
		{ "app", .text = app }, { "heeds", .text = caller->heeds_outages ? "1" : "" },
		{ "status", .integer = &failure->status },
		{ "network", .text = failure->unreachable ? "1" : "" } };
	const struct script_call call = { SCRIPT_GATE, ARRAY_LEN(keys), keys, ARRAY_LEN(arguments),
		arguments };

	app_member_make(app, &caller->app);
	make_key(limit, "limit", name, "", name->credential + strcspn(name->credential, ":"));
	make_key(provider, "outage", name, "", "");
	make_key(worker, "outage", name, ":", caller->worker);
	return script_call(redis, &call, ret_reply, error);
}

static enum error_class tell(struct redis *redis, const struct limit_name *name,
	const struct gate_message *message, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	return gate(redis, name, message, &reply, error);
}

enum error_class limit_admit(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, struct limit_admission *ret_admission,
	struct error *error)
{
	const struct gate_message message = { .what = "enter", .caller = caller };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (gate(redis, name, &message, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_admission = (struct limit_admission){
		.wait_ms = reply_integer(reply_item(reply, 0)),
		.probing = reply_integer(reply_item(reply, 1)) == 1,
		.down_ms = reply_integer(reply_item(reply, 2)),
		.watched = reply_integer(reply_item(reply, 3)) == 1,
		.status = reply_integer(reply_item(reply, 4)),
		.worker_only = reply_integer(reply_item(reply, 5)) == 1,
	};
	return ERROR_NONE;
}

enum error_class limit_block(struct redis *redis, const struct limit_name *name,
	int64_t milliseconds, struct error *error)
{
	return tell(redis, name,
		&(struct gate_message){ .what = "close", .close_ms = milliseconds }, error);
}

enum error_class limit_unblock(
	struct redis *redis, const struct limit_name *name, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ .what = "open" }, error);
}

enum error_class limit_failed(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, const struct limit_failure *failure, struct error *error)
{
	const struct gate_message message = { "failed", failure->retry_ms, caller, failure };
	return tell(redis, name, &message, error);
}

enum error_class limit_answered(struct redis *redis, const struct limit_name *name,
	const struct limit_caller *caller, struct error *error)
{
	return tell(redis, name, &(struct gate_message){ "answered", .caller = caller }, error);
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

	make_key(key, "pace", name, "", "");
	if (script_call(redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_turn = (struct limit_turn){ reply_integer(reply_item(reply, 0)),
		reply_integer(reply_item(reply, 1)) == 1, reply_integer(reply_item(reply, 2)) };
	return ERROR_NONE;
}
