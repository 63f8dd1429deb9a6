#include "store/limits.h"

#include "base/text.h"
#include "store/keys.h"

static void limit_key(char key[KEY_SIZE], const char *provider, const char *credential)
{
	text_format(key, KEY_SIZE, "slipway:limit:%s:%s", provider, credential);
}

enum error_class limit_read(
	struct redis *redis, const char *provider, const char *credential, int64_t *ret_closed_ms, struct error *error)
{
	char key[KEY_SIZE];
	limit_key(key, provider, credential);
	const char *const words[] = { "PTTL", key };
	struct redisReply *reply;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	int64_t left = reply_integer(reply);
	*ret_closed_ms = left > 0 ? left : 0;
	reply_free(reply);
	return ERROR_NONE;
}

/* SET NX, then PEXPIRE GT: two commands, but each of them alone only ever closes for longer. */
enum error_class limit_close(
	struct redis *redis, const char *provider, const char *credential, int64_t milliseconds, struct error *error)
{
	char key[KEY_SIZE], duration[24];
	limit_key(key, provider, credential);
	text_format(duration, sizeof(duration), "%lld", (long long)milliseconds);
	const char *const set[] = { "SET", key, "closed", "PX", duration, "NX" };
	const char *const extend[] = { "PEXPIRE", key, duration, "GT" };
	struct redisReply *reply;
	if (redis_command(redis, 6, set, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	if (redis_command(redis, 4, extend, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}
