/*
 * One connection with deadlines. hiredis keeps a context usable after a time-out and would read a
 * late reply as the next reply, so any fault drops the connection.
 */
#include "store/redis.h"

#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/redact.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/redis_address.h"

#define WORDS_MAX 128
#define SHA_SIZE  41

struct redis {
	redisContext *context; /* NULL: not connected */
	char name[64];
	struct redis_address address;
	int timeout_ms;
	int pause_ms;                      /* after a time-out; 0: none */
	int64_t paused_until;              /* monotonic */
	redis_checker *check;              /* NULL: none */
	bool checked;                      /* this connection was, or is being */
	char shas[SCRIPT_COUNT][SHA_SIZE]; /* "" until loaded */
};

enum error_class redis_new(const char *url, const char *password, const char *name, int timeout_ms,
	struct redis **ret_redis, struct error *error)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	if (redis == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a connection to Redis");
	text_copy(redis->name, sizeof(redis->name), name);
	redis->timeout_ms = timeout_ms;
	enum error_class class = redis_address_parse(url, &redis->address, error);
	if (class == ERROR_NONE && password != NULL &&
		!text_copy(redis->address.password, sizeof(redis->address.password), password))
		class = error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_REDIS_PASSWORD is longer than 511 bytes");
	if (class == ERROR_NONE && redis->address.password[0] != '\0')
		class = redact_add(redis->address.password, error);
	if (class != ERROR_NONE) {
		redis_free(redis);
		return class;
	}

	*ret_redis = redis;
	return ERROR_NONE;
}

enum error_class redis_from_settings(const struct settings *settings, const char *name,
	int timeout_ms, struct redis **ret_redis, struct error *error)
{
	struct redis *redis = NULL;

	if (redis_new(settings->redis_url, settings->redis_password, name, timeout_ms, &redis,
		    error) != ERROR_NONE)
		return error->class;
	if (settings->redis_user != NULL &&
		!text_copy(
			redis->address.user, sizeof(redis->address.user), settings->redis_user)) {
		redis_free(redis);
		return error_set(
			error, ERROR_INVALID_INPUT, "SLIPWAY_REDIS_USER is longer than 127 bytes");
	}

	*ret_redis = redis;
	return ERROR_NONE;
}

enum error_class redis_check_settings(const struct settings *settings, struct error *error)
{
	struct redis *redis = NULL;
	if (redis_from_settings(settings, "", 0, &redis, error) != ERROR_NONE)
		return error->class;
	redis_free(redis);
	return ERROR_NONE;
}

void redis_fail_fast(struct redis *redis, int pause_ms)
{
	redis->pause_ms = pause_ms;
}

void redis_on_connect(struct redis *redis, redis_checker *check)
{
	redis->check = check;
}

void redis_disconnect(struct redis *redis)
{
	if (redis->context != NULL)
		redisFree(redis->context);
	redis->context = NULL;
}

void redis_free(struct redis *redis)
{
	if (redis == NULL)
		return;
	redis_disconnect(redis);
	sodium_memzero(redis, sizeof(*redis));
	free(redis);
}

/* ---- errors ---- */

static enum error_class unavailable(struct redis *redis, const char *why, struct error *error)
{
	char message[256];
	text_copy(message, sizeof(message), why);
	redis_disconnect(redis);
	error_set(error, ERROR_STORE_UNAVAILABLE, "Redis cannot be reached: %s", message);
	error->retry_after_ms = 2000;
	return error->class;
}

/* What an error reply of Redis means; anything else is a fault of ours. */
static const struct {
	const char *prefix;
	enum error_class class;
} reply_errors[] = {
	{ "OOM", ERROR_STORE_FULL },
	{ "MISCONF", ERROR_STORE_FULL },
	{ "LOADING", ERROR_STORE_UNAVAILABLE },
	{ "READONLY", ERROR_STORE_UNAVAILABLE },
	{ "MASTERDOWN", ERROR_STORE_UNAVAILABLE },
	{ "NOREPLICAS", ERROR_STORE_UNAVAILABLE },
	{ "CLUSTERDOWN", ERROR_STORE_UNAVAILABLE },
	{ "BUSY ", ERROR_STORE_UNAVAILABLE },
	{ "TRYAGAIN", ERROR_STORE_UNAVAILABLE },
	{ "NOAUTH", ERROR_STORE_UNAVAILABLE },
	{ "WRONGPASS", ERROR_STORE_UNAVAILABLE },
	{ "NOPERM", ERROR_STORE_UNAVAILABLE },
	{ "ERR max number of clients", ERROR_STORE_UNAVAILABLE },
};

/* The code that an error reply begins with, such as NOGROUP. */
static void copy_code(const char *reply, char *code, size_t size)
{
	text_format(code, size, "%.*s", (int)strcspn(reply, " "), reply);
}

/* READONLY and the like come from a server that we should leave: the next command looks up the
 * master again. */
static enum error_class refused(struct redis *redis, const redisReply *reply, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(reply_errors); i++) {
		if (!text_has_prefix(reply->str, reply_errors[i].prefix))
			continue;
		error_set(error, reply_errors[i].class, "Redis refuses: %s", reply->str);
		copy_code(reply->str, error->store_code, sizeof(error->store_code));
		error->retry_after_ms = 2000;
		if (error->class == ERROR_STORE_UNAVAILABLE)
			redis_disconnect(redis);
		return error->class;
	}

	error_set(error, ERROR_STORE_REFUSED, "Redis refuses: %s", reply->str);
	copy_code(reply->str, error->store_code, sizeof(error->store_code));
	if (strcmp(error->store_code, "WRONGTYPE") != 0)
		return error->class;
	return error_remedy(error, NULL, "A key has the wrong type; 'slipway verify' names it.");
}

/* ---- connecting and commanding ---- */

static bool append(struct redis *redis, const struct redis_words *command)
{
	const char *list[WORDS_MAX];
	size_t lengths[WORDS_MAX];

	if (command->count > WORDS_MAX)
		return false;
	for (size_t i = 0; i < command->count; i++) {
		list[i] = command->words[i];
		lengths[i] = strlen(command->words[i]);
	}

	return redisAppendCommandArgv(redis->context, (int)command->count, list, lengths) ==
		REDIS_OK;
}

static void free_replies(size_t count, redisReply **replies)
{
	for (size_t i = 0; i < count; i++) {
		reply_free(replies[i]);
		replies[i] = NULL;
	}
}

/* Sends all of them and receives all replies, on the open connection. Where that fails there are no
 * replies. *ret_sent tells whether any of it may have reached Redis. */
static bool exchange(struct redis *redis, size_t count, const struct redis_words *commands,
	redisReply **replies, bool *ret_sent)
{
	*ret_sent = false;
	for (size_t i = 0; i < count; i++)
		if (!append(redis, &commands[i]))
			return false;
	*ret_sent = true;
	for (size_t i = 0; i < count; i++) {
		void *reply = NULL;
		if (redisGetReply(redis->context, &reply) != REDIS_OK || reply == NULL) {
			free_replies(i, replies);
			return false;
		}
		replies[i] = reply;
	}

	return true;
}

static enum error_class setup_command(
	struct redis *redis, size_t count, const char *const *words, struct error *error)
{
	bool sent;
	redisReply *reply;
	const struct redis_words command = { count, words };

	if (!exchange(redis, 1, &command, &reply, &sent))
		return unavailable(redis, redis->context->errstr, error);
	enum error_class class =
		reply->type == REDIS_REPLY_ERROR ? refused(redis, reply, error) : ERROR_NONE;
	freeReplyObject(reply);
	if (class != ERROR_NONE)
		redis_disconnect(redis);
	return class;
}

static enum error_class set_up(struct redis *redis, struct error *error)
{
	const struct redis_address *address = &redis->address;

	if (address->user[0] != '\0') {
		const char *const words[] = { "AUTH", address->user, address->password };
		if (setup_command(redis, 3, words, error) != ERROR_NONE)
			return error->class;
	} else if (address->password[0] != '\0') {
		const char *const words[] = { "AUTH", address->password };
		if (setup_command(redis, 2, words, error) != ERROR_NONE)
			return error->class;
	}

	const char *const name[] = { "CLIENT", "SETNAME", redis->name };
	if (setup_command(redis, 3, name, error) != ERROR_NONE)
		return error->class;
	const char *const select[] = { "SELECT", address->database };
	return address->database[0] != '\0' ? setup_command(redis, 2, select, error) : ERROR_NONE;
}

static enum error_class connect_anew(struct redis *redis, struct error *error)
{
	struct timeval timeout = { .tv_sec = redis->timeout_ms / 1000,
		.tv_usec = (redis->timeout_ms % 1000) * 1000L };
	const struct redis_address *address = &redis->address;

	redis->context = address->socket[0] != '\0'
		? redisConnectUnixWithTimeout(address->socket, timeout)
		: redisConnectWithTimeout(address->host, address->port, timeout);
	if (redis->context == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to connect to Redis");
	if (redis->context->err != 0)
		return unavailable(redis, redis->context->errstr, error);
	if (redisSetTimeout(redis->context, timeout) != REDIS_OK)
		return unavailable(redis, "its socket takes no time-out", error);
	redis->checked = redis->check == NULL;
	return set_up(redis, error);
}

/* An open connection that was checked. */
static enum error_class ensure_connection(struct redis *redis, struct error *error)
{
	if (redis->context == NULL && connect_anew(redis, error) != ERROR_NONE)
		return error->class;
	if (redis->checked)
		return ERROR_NONE;

	redis->checked = true; /* for the commands of the check */
	enum error_class class = redis->check(redis, error);
	if (class != ERROR_NONE)
		redis_disconnect(redis);
	return class;
}

/* What goes out in one turn, called `name` in tests. Where it `changes`, a loss after sending is
 * ERROR_OUTCOME_UNKNOWN.
 */
struct turn {
	const char *name;
	size_t count;
	const struct redis_words *commands;
	bool changes;
};

static enum error_class try_turn(
	struct redis *redis, const struct turn *turn, redisReply **ret_replies, struct error *error)
{
	for (size_t i = 0; i < turn->count; i++)
		if (turn->commands[i].count > WORDS_MAX)
			return error_set(error, ERROR_INTERNAL, "a command of %zu words",
				turn->commands[i].count);
	if (ensure_connection(redis, error) != ERROR_NONE)
		return error->class;
	if (failpoint("redis.before", turn->name))
		return unavailable(redis, "a test cut it off", error);
	bool sent, answered = exchange(redis, turn->count, turn->commands, ret_replies, &sent);
	if (failpoint("redis.after", turn->name) && answered) {
		free_replies(turn->count, ret_replies);
		answered = false;
	}

	if (answered)
		return ERROR_NONE;
	unavailable(redis, redis->context->errstr, error);
	if (turn->changes && sent) {
		error_set(error, ERROR_OUTCOME_UNKNOWN,
			"the connection to Redis was lost while it worked");
		error->retry_after_ms = 2000;
	}

	return error->class;
}

static enum error_class take_turn(
	struct redis *redis, const struct turn *turn, redisReply **ret_replies, struct error *error)
{
	int64_t began = clock_monotonic_ms();
	if (began < redis->paused_until)
		return unavailable(redis, "it did not answer a moment ago", error);
	enum error_class class = try_turn(redis, turn, ret_replies, error);
	if (class != ERROR_NONE && clock_monotonic_ms() - began >= redis->timeout_ms)
		redis->paused_until = clock_monotonic_ms() + redis->pause_ms;
	return class;
}

enum error_class redis_batch_lenient(struct redis *redis, size_t required, size_t count,
	const struct redis_words *commands, struct redisReply **ret_replies, struct error *error)
{
	const struct turn turn = { commands[0].words[0], count, commands, false };

	if (take_turn(redis, &turn, ret_replies, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < required; i++) {
		if (!reply_is_error(ret_replies[i]))
			continue;
		refused(redis, ret_replies[i], error);
		free_replies(count, ret_replies);
		return error->class;
	}

	return ERROR_NONE;
}

enum error_class redis_batch(struct redis *redis, size_t count, const struct redis_words *commands,
	struct redisReply **ret_replies, struct error *error)
{
	return redis_batch_lenient(redis, count, count, commands, ret_replies, error);
}

enum error_class redis_command(struct redis *redis, size_t count, const char *const *words,
	struct redisReply **ret_reply, struct error *error)
{
	const struct redis_words command = { count, words };
	return redis_batch(redis, 1, &command, ret_reply, error);
}

enum error_class redis_tell(
	struct redis *redis, size_t count, const char *const *words, struct error *error)
{
	struct redisReply *reply;
	if (redis_command(redis, count, words, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

static enum error_class load_script(struct redis *redis, enum script_id script, struct error *error)
{
	const char *const words[] = { "SCRIPT", "LOAD", scripts[script].text };
	struct redisReply *reply;
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return error->class;
	text_copy(redis->shas[script], SHA_SIZE, reply_text(reply));
	freeReplyObject(reply);
	return ERROR_NONE;
}

#define NUMBER_SIZE 24

/* The words of a call, with numbers for those that it has as integers. */
struct call_words {
	const char *list[WORDS_MAX];
	size_t count;
	char key_count[NUMBER_SIZE], integers[SCRIPT_ARGUMENTS_MAX][NUMBER_SIZE];
};

static bool list_words(const struct script_call *call, struct call_words *words)
{
	if (call->argument_count > SCRIPT_ARGUMENTS_MAX ||
		3 + call->key_count + 2 * call->argument_count > WORDS_MAX)
		return false;

	text_format(words->key_count, NUMBER_SIZE, "%zu", call->key_count);
	words->list[0] = "EVALSHA";
	words->list[2] = words->key_count;
	words->count = 3;
	for (size_t i = 0; i < call->key_count; i++)
		words->list[words->count++] = call->keys[i];

	for (size_t i = 0; i < call->argument_count; i++) {
		const struct script_argument *argument = &call->arguments[i];
		const char *text = argument->text != NULL ? argument->text : "";
		if (argument->integer != NULL) {
			text_format(words->integers[i], NUMBER_SIZE, "%lld",
				(long long)*argument->integer);
			text = words->integers[i];
		}
		words->list[words->count++] = argument->name;
		words->list[words->count++] = text;
	}

	return true;
}

enum error_class redis_eval(struct redis *redis, const struct script_call *call,
	struct redisReply **ret_reply, struct error *error)
{
	struct call_words words;
	const char *name = scripts[call->script].name;
	char *sha = redis->shas[call->script];

	if (!list_words(call, &words))
		return error_set(
			error, ERROR_INTERNAL, "the script %s has too many arguments", name);
	const struct redis_words command = { words.count, words.list };
	const struct turn turn = { name, 1, &command, true };
	words.list[1] = sha;

	/* Again: Redis forgets scripts when it restarts and on SCRIPT FLUSH. */
	for (int tries = 0; tries < 3; tries++) {
		redisReply *reply = NULL;
		if (sha[0] == '\0' && load_script(redis, call->script, error) != ERROR_NONE)
			return error->class;
		if (take_turn(redis, &turn, &reply, error) != ERROR_NONE)
			return error->class;
		if (reply->type != REDIS_REPLY_ERROR) {
			*ret_reply = reply;
			return ERROR_NONE;
		}
		bool unknown = text_has_prefix(reply->str, "NOSCRIPT");
		refused(redis, reply, error);
		freeReplyObject(reply);
		if (!unknown)
			return error->class;
		sha[0] = '\0';
	}

	return error_set(error, ERROR_STORE_UNAVAILABLE,
		"Redis forgets its scripts faster than they are used");
}

/* ---- replies ---- */

void reply_free(struct redisReply *reply)
{
	if (reply != NULL)
		freeReplyObject(reply);
}

void reply_clear(struct redisReply **reply)
{
	reply_free(*reply);
	*reply = NULL;
}

size_t reply_count(const struct redisReply *reply)
{
	return reply != NULL && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
}

const struct redisReply *reply_item(const struct redisReply *reply, size_t index)
{
	return index < reply_count(reply) ? reply->element[index] : NULL;
}

const char *reply_text(const struct redisReply *reply)
{
	bool text = reply != NULL &&
		(reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
	return text ? reply->str : "";
}

int64_t reply_integer(const struct redisReply *reply)
{
	int64_t value = 0;
	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)
		return reply->integer;
	return text_to_integer(reply_text(reply), &value) ? value : 0;
}

bool reply_is_nil(const struct redisReply *reply)
{
	return reply == NULL || reply->type == REDIS_REPLY_NIL;
}

bool reply_is_error(const struct redisReply *reply)
{
	return reply != NULL && reply->type == REDIS_REPLY_ERROR;
}
