/*
 * The only user of hiredis: one connection, opened when it is first needed and reopened after any
 * failure.
 *
 * A failed command closes the connection, so a late reply can never be mistaken for another
 * command's.
 */
#ifndef SLIPWAY_STORE_REDIS_H
#define SLIPWAY_STORE_REDIS_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/settings.h"
#include "slipway/error.h"
#include "store/scripts.h"

struct redis;
struct redisReply; /* of hiredis; read it with the functions below only */

/*
 * Prepares a connection; opens nothing yet. url has the form in redis_address.h; password (may be
 * NULL) overrides the one in it. CLIENT LIST shows name. timeout_ms limits connecting and each
 * command. ERROR_INVALID_INPUT if the url is invalid. Release with redis_free.
 */
enum error_class redis_new(const char *url, const char *password, const char *name, int timeout_ms,
	struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

/* The same with the URL, user and password of the settings; the user there overrides the one in the
 * URL. */
enum error_class redis_from_settings(const struct settings *settings, const char *name,
	int timeout_ms, struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether these settings are valid for a connection; does not connect. For the
 * start of a program. */
enum error_class redis_check_settings(
	const struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * After a timeout, fail all commands at once for pause_ms, so that callers do not queue behind it.
 * 0, the default: every command tries.
 */
void redis_fail_fast(struct redis *redis, int pause_ms);

/* Asks something of a connection, with commands on it. */
typedef enum error_class redis_checker(struct redis *redis, struct error *error);

/*
 * What is asked of each new connection before the command that needed it. An error closes the
 * connection, and is that command's. NULL, the default: nothing.
 */
void redis_on_connect(struct redis *redis, redis_checker *check);

/* Closes and frees; NULL is fine. */
void redis_free(struct redis *redis);

/* Closes the connection; the next command opens a new one. For a child after fork. */
void redis_disconnect(struct redis *redis);

/*
 * Runs a command of count words. The caller owns *ret_reply: reply_free. An error reply is an
 * error. ERROR_STORE_UNAVAILABLE if Redis cannot be reached or cannot serve; ERROR_STORE_FULL;
 * ERROR_STORE_REFUSED.
 */
enum error_class redis_command(struct redis *redis, size_t count, const char *const *words,
	struct redisReply **ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

/* The same, without the reply. */
enum error_class redis_tell(struct redis *redis, size_t count, const char *const *words,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The words of one command. Borrowed. */
struct redis_words {
	size_t count;
	const char *const *words;
};

/*
 * Runs count read-only commands in one round trip: sends all, then receives all replies into
 * ret_replies, which has count elements. The caller owns the replies: reply_free each. If one of
 * them is an error reply, the whole batch fails with it and returns no replies. Errors as for
 * redis_command.
 */
enum error_class redis_batch(struct redis *redis, size_t count, const struct redis_words *commands,
	struct redisReply **ret_replies, struct error *error) SLIPWAY_MUST_CHECK;

/* The same, but only an error reply to one of the first `required` commands fails the batch: for
 * the others see reply_is_error. */
enum error_class redis_batch_lenient(struct redis *redis, size_t required, size_t count,
	const struct redis_words *commands, struct redisReply **ret_replies,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What a script sees as arg.NAME: a text or an integer; '' if both are NULL. Borrowed. */
struct script_argument {
	const char *name, *text;
	const int64_t *integer;
};
#define SCRIPT_ARGUMENTS_MAX 20

/* A script with its keys and arguments, as its head lists them. Borrowed. */
struct script_call {
	enum script_id script;
	size_t key_count;
	const char *const *keys;
	size_t argument_count;
	const struct script_argument *arguments;
};

/*
 * Runs a script with EVALSHA, and loads it if Redis does not have it. In addition to the errors of
 * redis_command, ERROR_OUTCOME_UNKNOWN if the connection was lost after the script was sent.
 */
enum error_class redis_eval(struct redis *redis, const struct script_call *call,
	struct redisReply **ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees a reply; NULL is fine. */
void reply_free(struct redisReply *reply);

/* On a local: frees the reply at the end of the block. */
#define CLEANUP_REPLY CLEANUP(reply_clear)

/* Frees the reply and makes it NULL. */
void reply_clear(struct redisReply **reply);

/* Number of elements of an array; 0 for anything else, NULL included. */
size_t reply_count(const struct redisReply *reply);

/* An element of an array; NULL if there is none. Borrowed. */
const struct redisReply *reply_item(const struct redisReply *reply, size_t index);

/* A string, NUL-terminated; "" for anything else, NULL included. Borrowed. */
const char *reply_text(const struct redisReply *reply);

/* An integer, or a string that is one; 0 for anything else. */
int64_t reply_integer(const struct redisReply *reply);

/* Whether it is nil or NULL. */
bool reply_is_nil(const struct redisReply *reply);

/* Whether it is an error: only of redis_batch_lenient. */
bool reply_is_error(const struct redisReply *reply);

#endif
