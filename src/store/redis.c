/*
 * Opens connections and checks them, runs commands on them, and says what an error reply means. In
 * an event loop one connection serves all coroutines of the process: the first that needs it opens
 * it, and the others wait for that.
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
#include "base/sweep.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/redis_address.h"
#include "store/redis_link.h"

struct redis {
	struct redis_link *link;        /* NULL: not connected */
	struct loop *loop;              /* NULL: commands block */
	bool opening;                   /* the link is being opened, or checked */
	const struct coroutine *opener; /* by whom */
	struct coroutine_list opened;   /* who waits for that */
	uint64_t refusals;              /* times that it failed */
	struct error refusal;           /* the last one */
	char name[64];
	struct redis_address address;
	int timeout_ms;
	int pause_ms;         /* after a time-out; 0: none */
	int64_t paused_until; /* monotonic */
	redis_checker *check; /* NULL: none */
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

void redis_forget_password(struct redis *redis)
{
	size_t known;

	/* As often as it was remembered: each connection does. */
	do {
		known = redact_count();
		redact_remove(redis->address.password);
	} while (redact_count() < known);
	memory_sweep(redis->address.password, strlen(redis->address.password));
}

/* The next command opens a new connection. */
static void disconnect(struct redis *redis)
{
	link_retire(redis->link);
	redis->link = NULL;
}

enum error_class redis_readdress(
	struct redis *redis, const struct settings *settings, struct error *error)
{
	struct redis *fresh = NULL;
	struct redis_address before = redis->address;

	if (redis_from_settings(settings, redis->name, redis->timeout_ms, &fresh, error) !=
		ERROR_NONE)
		return error->class;
	redis->address = fresh->address;
	fresh->address = before;
	redis_free(fresh);
	sodium_memzero(&before, sizeof(before));
	disconnect(redis);
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

void redis_join(struct redis *redis, struct loop *loop)
{
	redis->loop = loop;
}

void redis_wait_ms(struct redis *redis, int64_t milliseconds)
{
	loop_sleep_ms(redis->loop, milliseconds);
}

void redis_interrupt(struct redis *redis)
{
	if (redis->link != NULL)
		link_abort(redis->link);
}

void redis_free(struct redis *redis)
{
	if (redis == NULL)
		return;
	disconnect(redis);
	sodium_memzero(redis, sizeof(*redis));
	free(redis);
}

/* ---- errors ---- */

static enum error_class unreachable(const char *why, struct error *error)
{
	error_set(error, ERROR_STORE_UNAVAILABLE, "Redis cannot be reached: %s", why);
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
	{ "UNBLOCKED", ERROR_STORE_UNAVAILABLE },
	{ "ERR max number of clients", ERROR_STORE_UNAVAILABLE },
};

static enum error_class class_of_reply(const redisReply *reply)
{
	for (size_t i = 0; i < ARRAY_LEN(reply_errors); i++)
		if (text_has_prefix(reply->str, reply_errors[i].prefix))
			return reply_errors[i].class;
	return ERROR_STORE_REFUSED;
}

/* The code that an error reply begins with, such as NOGROUP. */
static void copy_code(const char *reply, char *code, size_t size)
{
	text_format(code, size, "%.*s", (int)strcspn(reply, " "), reply);
	text_make_plain(code);
}

enum error_class reply_error(const redisReply *reply, struct error *error)
{
	error_set(error, class_of_reply(reply), "Redis refuses: %s", reply->str);
	copy_code(reply->str, error->store_code, sizeof(error->store_code));
	if (error->class != ERROR_STORE_REFUSED)
		error->retry_after_ms = 2000;
	if (strcmp(error->store_code, "WRONGTYPE") != 0)
		return error->class;
	return error_remedy(error, NULL, "A key has the wrong type; 'slipway verify' names it.");
}

/* ---- connecting and commanding ---- */

static void free_replies(size_t count, redisReply **replies)
{
	for (size_t i = 0; i < count; i++) {
		reply_free(replies[i]);
		replies[i] = NULL;
	}
}

/* Another coroutine may have dropped it already, and opened a new one. */
static void drop_link(struct redis *redis, const struct redis_link *link)
{
	if (redis->link == link)
		disconnect(redis);
}

/* READONLY and the like come from a server that we should leave: the next command looks up the
 * master again. */
static bool is_to_be_left(size_t count, redisReply *const *replies)
{
	for (size_t i = 0; i < count; i++)
		if (reply_is_error(replies[i]) &&
			class_of_reply(replies[i]) == ERROR_STORE_UNAVAILABLE)
			return true;
	return false;
}

/* Sends all of them and receives all replies, on the open connection. Where that fails there are no
 * replies, and the connection is gone. *ret_sent tells whether any of it may have reached Redis. */
static enum error_class exchange(struct redis *redis, size_t count,
	const struct redis_words *commands, redisReply **replies, bool *ret_sent,
	struct error *error)
{
	char why[REDIS_WHY_SIZE];
	struct redis_link *link = redis->link;

	*ret_sent = false;
	if (link == NULL)
		return unreachable("its connection was closed", error);
	bool answered = link_exchange(link, count, commands, replies, ret_sent, why);
	if (!answered || is_to_be_left(count, replies))
		drop_link(redis, link);
	return answered ? ERROR_NONE : unreachable(why, error);
}

static enum error_class setup_command(
	struct redis *redis, size_t count, const char *const *words, struct error *error)
{
	bool sent;
	redisReply *reply;
	const struct redis_words command = { count, words, NULL };

	if (exchange(redis, 1, &command, &reply, &sent, error) != ERROR_NONE)
		return error->class;
	enum error_class class =
		reply->type == REDIS_REPLY_ERROR ? reply_error(reply, error) : ERROR_NONE;
	reply_free(reply);
	if (class != ERROR_NONE)
		disconnect(redis);
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

static enum error_class open_link(struct redis *redis, struct error *error)
{
	if (link_open(&redis->address, redis->timeout_ms, redis->loop, &redis->link, error) !=
		ERROR_NONE)
		return error->class;
	if (set_up(redis, error) != ERROR_NONE || redis->check == NULL)
		return error->class;
	if (redis->check(redis, error) != ERROR_NONE)
		disconnect(redis);
	return error->class;
}

/* An open connection that was checked. The opener comes here too, with the commands of the check.
 */
static enum error_class ensure_connection(struct redis *redis, struct error *error)
{
	const struct coroutine *self = coroutine_current();

	while (redis->opening && redis->opener != self) {
		const uint64_t refusals = redis->refusals;
		loop_wait_in(&redis->opened);
		/* One after the other would wait for a time-out of its own. */
		if (redis->refusals != refusals) {
			*error = redis->refusal;
			return error->class;
		}
	}
	if (redis->opening)
		return redis->link != NULL ? ERROR_NONE
					   : unreachable("it closed the connection", error);
	if (redis->link != NULL && link_is_broken(redis->link))
		disconnect(redis);
	if (redis->link != NULL)
		return ERROR_NONE;

	redis->opening = true;
	redis->opener = self;
	error->class = ERROR_NONE;
	enum error_class class = open_link(redis, error);
	redis->opening = false;
	if (class != ERROR_NONE) {
		redis->refusal = *error;
		redis->refusals++;
	}
	if (redis->loop != NULL)
		loop_wake(redis->loop, &redis->opened);
	return class;
}

/* What goes out in one turn, called `name` in tests, or several with blanks between. Where it
 * `changes`, a loss after sending is ERROR_OUTCOME_UNKNOWN.
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
		if (turn->commands[i].count > REDIS_WORDS_MAX)
			return error_set(error, ERROR_INTERNAL, "a command of %zu words",
				turn->commands[i].count);
	if (ensure_connection(redis, error) != ERROR_NONE)
		return error->class;
	if (failpoints("redis.before", turn->name)) {
		disconnect(redis);
		return unreachable("a test cut it off", error);
	}

	bool sent = true;
	enum error_class class =
		exchange(redis, turn->count, turn->commands, ret_replies, &sent, error);
	if (failpoints("redis.after", turn->name) && class == ERROR_NONE) {
		free_replies(turn->count, ret_replies);
		disconnect(redis);
		class = unreachable("a test cut it off", error);
	}

	if (class == ERROR_NONE || !turn->changes || !sent)
		return class;
	error_set(error, ERROR_OUTCOME_UNKNOWN, "the connection to Redis was lost while it worked");
	error->retry_after_ms = 2000;
	return error->class;
}

static enum error_class take_turn(
	struct redis *redis, const struct turn *turn, redisReply **ret_replies, struct error *error)
{
	int64_t began = clock_monotonic_ms();
	if (began < redis->paused_until)
		return unreachable("it did not answer a moment ago", error);
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
		reply_error(ret_replies[i], error);
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
	const struct redis_words command = { count, words, NULL };
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

enum error_class redis_change(struct redis *redis, const char *name,
	const struct redis_words *command, struct redisReply **ret_reply, struct error *error)
{
	const struct turn turn = { name, 1, command, true };
	return take_turn(redis, &turn, ret_reply, error);
}

enum error_class redis_write(struct redis *redis, const char *name, size_t count,
	const char *const *words, struct error *error)
{
	const struct redis_words command = { count, words, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_change(redis, name, &command, &reply, error) != ERROR_NONE)
		return error->class;
	return reply_is_error(reply) ? reply_error(reply, error) : ERROR_NONE;
}

/* ---- replies ---- */

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

const char *reply_word(const struct redisReply *reply)
{
	return reply_text(reply_count(reply) > 0 ? reply_item(reply, 0) : reply);
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

const char *reply_error_text(const struct redisReply *reply)
{
	return reply_is_error(reply) ? reply->str : "";
}
