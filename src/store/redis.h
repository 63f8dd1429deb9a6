/*
 * The only door to hiredis: one connection, opened when it is first needed and anew after any fault.
 *
 * A command that fails leaves no connection behind, so a late reply can never be taken for another command's.
 */
#ifndef SLIPWAY_STORE_REDIS_H
#define SLIPWAY_STORE_REDIS_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/settings.h"
#include "slipway/error.h"
#include "store/scripts.h"

struct redis;
struct redisReply; /* hiredis' own, looked into by the functions below only */

/*
 * Prepares a connection; opens nothing yet. url is as redis_address.h has it; password (may be NULL) goes over
 * the url's. name is shown by CLIENT LIST. timeout_ms bounds connecting and each
 * command. ERROR_INVALID_INPUT where the url is not understood. Release with redis_free.
 */
enum error_class redis_new(const char *url, const char *password, const char *name, int timeout_ms,
	struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

/* The same with the URL, the user and the password that the settings have; the settings' user goes over the URL's. */
enum error_class redis_from_settings(const struct settings *settings, const char *name, int timeout_ms,
	struct redis **ret_redis, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a connection could be made of these settings at all; asks nobody. For the start of a program. */
enum error_class redis_check_settings(const struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * After a time-out, lets all commands fail at once for pause_ms: whoever asks meanwhile need not wait for a time-out of
 * his own. 0, as at the beginning: every command tries.
 */
void redis_fail_fast(struct redis *redis, int pause_ms);

/* Closes and frees; NULL is fine. */
void redis_free(struct redis *redis);

/* Closes the connection; the next command opens a new one. For a child after fork. */
void redis_disconnect(struct redis *redis);

/*
 * Runs a command of count words. *ret_reply is the caller's: reply_free. An error reply of Redis is an error.
 * ERROR_STORE_UNAVAILABLE where Redis cannot be reached or is not able to serve; ERROR_STORE_FULL.
 */
enum error_class redis_command(struct redis *redis, size_t count, const char *const *words,
	struct redisReply **ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

/* The same, where nobody needs the reply. */
enum error_class redis_tell(
	struct redis *redis, size_t count, const char *const *words, struct error *error) SLIPWAY_MUST_CHECK;

/* One command, as its words. Borrowed. */
struct redis_words {
	size_t count;
	const char *const *words;
};

/*
 * Runs count commands that change nothing, in one turn: all are sent, then all replies are received into ret_replies,
 * which has room for count. The replies are the caller's: reply_free each. Where any of them is an error reply, it is
 * the error of the whole, and no reply is left over. Errors as of redis_command.
 */
enum error_class redis_batch(struct redis *redis, size_t count, const struct redis_words *commands,
	struct redisReply **ret_replies, struct error *error) SLIPWAY_MUST_CHECK;

/* What a script knows as arg.NAME: a text or an integer; '' where both are NULL. Borrowed. */
struct script_argument {
	const char *name, *text;
	const int64_t *integer;
};
#define SCRIPT_ARGUMENTS_MAX 16

/* A script with what it works on, as its head says. Borrowed. */
struct script_call {
	enum script_id script;
	size_t key_count;
	const char *const *keys;
	size_t argument_count;
	const struct script_argument *arguments;
};

/*
 * Runs a script (EVALSHA, with a load where Redis does not know it). Beside the errors of redis_command,
 * ERROR_OUTCOME_UNKNOWN where the connection was lost after the script was sent.
 */
enum error_class redis_eval(struct redis *redis, const struct script_call *call, struct redisReply **ret_reply,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Frees a reply; NULL is fine. */
void reply_free(struct redisReply *reply);

/* On a local: frees the reply at the end of the block. */
#define CLEANUP_REPLY CLEANUP(reply_clear)

/* Frees the reply and makes it NULL. */
void reply_clear(struct redisReply **reply);

/* Number of elements of an array; 0 for anything else, NULL included. */
size_t reply_count(const struct redisReply *reply);

/* An element of an array; NULL where there is none. Borrowed. */
const struct redisReply *reply_item(const struct redisReply *reply, size_t index);

/* A string's bytes with a NUL behind; "" for anything else, NULL included. Borrowed. */
const char *reply_text(const struct redisReply *reply);

/* An integer, or a string that is one; 0 for anything else. */
int64_t reply_integer(const struct redisReply *reply);

/* Whether there is nothing: nil or NULL. */
bool reply_is_nil(const struct redisReply *reply);

#endif
