/*
 * The only door to Redis (with redis_link.c and redis_reply.c the only user of hiredis): one
 * connection, opened when it is first needed and reopened after any failure.
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

struct loop;
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

/* From now on with the URL, user and password that the settings have now. Commands that are under
 * way get their replies. On an error all is as before. */
enum error_class redis_readdress(struct redis *redis, const struct settings *settings,
	struct error *error) SLIPWAY_MUST_CHECK;

/* In a child that does not use the connection: nothing of the password is left there. */
void redis_forget_password(struct redis *redis);

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

/*
 * From now on commands wait in the loop instead of blocking, and those of all coroutines go out
 * together, on one connection: each is called from within a coroutine. Before the first command.
 * The loop outlives the connection.
 */
void redis_join(struct redis *redis, struct loop *loop);

/* Waits between two commands, without keeping other coroutines from theirs. */
void redis_wait_ms(struct redis *redis, int64_t milliseconds);

/* In a loop: whoever waits for a reply gets an error before the loop's next turn ends. */
void redis_interrupt(struct redis *redis);

/* Closes and frees; NULL is fine. */
void redis_free(struct redis *redis);

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

#define REDIS_WORDS_MAX 400 /* of a command */

#define REDIS_TAIL_MAX 1024

/* Words that many commands end with, as they are sent; zeroed, it has none. */
struct redis_tail {
	size_t count, length;
	char text[REDIS_TAIL_MAX];
};

/* false: there is no room. */
bool redis_tail_add(struct redis_tail *tail, const char *word);

/* The words of one command, at least one, and those of the tail, where it is not NULL. Borrowed. */
struct redis_words {
	size_t count;
	const char *const *words;
	const struct redis_tail *tail;
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

/*
 * Runs one command that may change something, called `name` in tests, or several with blanks
 * between. In addition to the errors of redis_command, ERROR_OUTCOME_UNKNOWN if the connection was
 * lost after it was sent. An error reply is a reply here: see reply_error.
 */
enum error_class redis_change(struct redis *redis, const char *name,
	const struct redis_words *command, struct redisReply **ret_reply,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same, where only a refusal matters: an error reply is an error. */
enum error_class redis_write(struct redis *redis, const char *name, size_t count,
	const char *const *words, struct error *error) SLIPWAY_MUST_CHECK;

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

/* The word that a script answers with: it stands alone, or is the first of a list. Borrowed. */
const char *reply_word(const struct redisReply *reply);

/* An integer, or a string that is one; 0 for anything else. */
int64_t reply_integer(const struct redisReply *reply);

/* Whether it is nil or NULL. */
bool reply_is_nil(const struct redisReply *reply);

/* Whether it is an error: of redis_batch_lenient and redis_change, or within a reply. */
bool reply_is_error(const struct redisReply *reply);

/* What an error reply says; "" for anything else, NULL included. Borrowed. */
const char *reply_error_text(const struct redisReply *reply);

/* Makes an error of an error reply, of the class that redis_command would return. */
enum error_class reply_error(const struct redisReply *reply, struct error *error);

#endif
