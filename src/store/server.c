/*
 * Asks Redis for the settings on which the promises rest. A hosted server may refuse the question;
 * that is a warning and no fault, because its operator cannot change it.
 */
#include "store/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/functions.h"
#include "store/keys.h"
#include "store/layout.h"

struct server_setting {
	const char *name;
	enum error_class (*check)(struct redis *redis, const struct server_setting *setting,
		enum server_state *ret_state, struct error *error);
	const char *section, *line; /* of INFO, where the check is that it is there */
	const char *what, *remedy;
};

static enum error_class not_so(
	const struct server_setting *setting, enum server_state *ret_state, struct error *error)
{
	*ret_state = SERVER_WRONG;
	error_set(error, ERROR_STORE_UNAVAILABLE, "%s", setting->what);
	return error_remedy(error, NULL, "%s", setting->remedy);
}

static enum error_class check_line(struct redis *redis, const struct server_setting *setting,
	enum server_state *ret_state, struct error *error)
{
	const char *const words[] = { "INFO", setting->section };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	bool right = strstr(reply_text(reply), setting->line) != NULL;
	return right ? ERROR_NONE : not_so(setting, ret_state, error);
}

/* Asks what a user may not be allowed to ask, or what this Redis does not know; then *ret_reply is
 * NULL. */
static enum error_class ask(struct redis *redis, size_t count, const char *const *words,
	enum server_state *ret_state, struct redisReply **ret_reply, struct error *error)
{
	*ret_reply = NULL;
	if (redis_command(redis, count, words, ret_reply, error) == ERROR_NONE)
		return ERROR_NONE;
	if (strcmp(error->store_code, "NOPERM") != 0 && error->class != ERROR_STORE_REFUSED)
		return error->class;
	*ret_state = SERVER_HIDDEN;
	return ERROR_NONE;
}

/* always loses nothing, everysec about a second; no loses whatever the kernel
 * has not written yet. */
static enum error_class check_fsync(struct redis *redis, const struct server_setting *setting,
	enum server_state *ret_state, struct error *error)
{
	const char *const words[] = { "CONFIG", "GET", "appendfsync" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (ask(redis, 3, words, ret_state, &reply, error) != ERROR_NONE)
		return error->class;
	bool never = strcmp(reply_text(reply_item(reply, 1)), "no") == 0;
	return never ? not_so(setting, ret_state, error) : ERROR_NONE;
}

/*
 * Each script is a transaction in the append-only file, and Redis 7 replays it with the rights of
 * the default user, also where that user is off: what he may not do is thrown away at the next
 * start, without a word. So he must be able to do all that scripts leave in the file, and to load
 * them; DRYRUN tells, and shows nothing else of him.
 */
#define REPLAYED_KEY KEY_PREFIX "replayed"
static const char *const replayed[][6] = {
	{ "DEL", REPLAYED_KEY },
	{ "FUNCTION", "LOAD", REPLAYED_KEY },
	{ "HDEL", REPLAYED_KEY, "f" },
	{ "HINCRBY", REPLAYED_KEY, "f", "1" },
	{ "HSET", REPLAYED_KEY, "f", "v" },
	{ "HSETNX", REPLAYED_KEY, "f", "v" },
	{ "PERSIST", REPLAYED_KEY },
	{ "LINSERT", REPLAYED_KEY, "BEFORE", "v", "w" },
	{ "LPOP", REPLAYED_KEY },
	{ "LPUSH", REPLAYED_KEY, "v" },
	{ "PEXPIREAT", REPLAYED_KEY, "1" },
	{ "RPOP", REPLAYED_KEY },
	{ "RPUSH", REPLAYED_KEY, "v" },
	{ "SET", REPLAYED_KEY, "v" },
	{ "SETNX", REPLAYED_KEY, "v" },
	{ "XADD", REPLAYED_KEY, "1-1", "f", "v" },
	{ "XDEL", REPLAYED_KEY, "1-1" },
	{ "XTRIM", REPLAYED_KEY, "MAXLEN", "1" },
	{ "ZADD", REPLAYED_KEY, "1", "m" },
	{ "ZPOPMIN", REPLAYED_KEY },
	{ "ZREM", REPLAYED_KEY, "m" },
	{ "ZREMRANGEBYRANK", REPLAYED_KEY, "1", "2" },
	{ "ZREMRANGEBYSCORE", REPLAYED_KEY, "1", "2" },
	{ "ZUNIONSTORE", REPLAYED_KEY, "1", REPLAYED_KEY },
};

static enum error_class check_replay(struct redis *redis, const struct server_setting *setting,
	enum server_state *ret_state, struct error *error)
{
	bool allowed = true;

	for (size_t i = 0; i < ARRAY_LEN(replayed) && allowed; i++) {
		const char *words[3 + ARRAY_LEN(replayed[0])] = { "ACL", "DRYRUN", "default" };
		size_t count = 3;
		CLEANUP_REPLY struct redisReply *reply = NULL;
		for (size_t j = 0; j < ARRAY_LEN(replayed[0]) && replayed[i][j] != NULL; j++)
			words[count++] = replayed[i][j];
		if (ask(redis, count, words, ret_state, &reply, error) != ERROR_NONE)
			return error->class;
		allowed = reply == NULL || strcmp(reply_text(reply), "OK") == 0;
		if (*ret_state == SERVER_HIDDEN)
			return ERROR_NONE;
	}

	return allowed ? ERROR_NONE : not_so(setting, ret_state, error);
}

/* Redis tells by itself whether a script that writes would be let in. */
static enum error_class check_scripts(struct redis *redis, const struct server_setting *setting,
	enum server_state *ret_state, struct error *error)
{
	const char *const keys[] = { KEY_TENANTS };
	const struct script_call call = { SCRIPT_PROBE, 1, keys, 0, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	(void)setting;
	(void)ret_state;
	enum error_class class = script_call(redis, &call, &reply, error);

	if (class != ERROR_OUTCOME_UNKNOWN)
		return class;

	/* It has written nothing, so there is no outcome that could be unknown. */
	error->class = ERROR_STORE_UNAVAILABLE;
	return error->class;
}

static enum error_class check_layout(struct redis *redis, const struct server_setting *setting,
	enum server_state *ret_state, struct error *error)
{
	(void)setting;
	(void)ret_state;
	return layout_check(redis, error);
}

static const struct server_setting settings[] = {
	{ "master", check_line, "replication", "role:master",
		"This Redis is a replica: it takes no writes, or writes that do not last",
		"Give SLIPWAY_REDIS_URL the address of the master, or promote this one with "
		"REPLICAOF NO ONE." },
	{ "eviction policy", check_line, "memory", "maxmemory_policy:noeviction",
		"Redis evicts keys when its memory is full",
		"Set 'maxmemory-policy noeviction' in redis.conf, or CONFIG SET it." },
	{ "append-only file", check_line, "persistence", "aof_enabled:1",
		"Redis writes no append-only file, so a restart loses accepted runs",
		"Set 'appendonly yes' and 'appendfsync always' in redis.conf, or CONFIG SET "
		"them." },
	{ "waiting for the disk", check_fsync, NULL, NULL,
		"Redis never waits for the disk, so a power cut loses accepted runs",
		"Set 'appendfsync always' in redis.conf, or CONFIG SET it." },
	{ "default user", check_replay, NULL, NULL,
		"Redis replays its append-only file as the user 'default', and that user may not "
		"do what is in it: a restart loses accepted runs",
		"Give him 'user default off resetpass ~* &* +@all', as conf/redis/users.acl has "
		"it: nobody can log in as him, and all is replayed." },
	{ "scripts", check_scripts, NULL, NULL, NULL, NULL },
	{ "layout", check_layout, NULL, NULL, NULL, NULL },
};

_Static_assert(ARRAY_LEN(settings) <= SERVER_CHECKS_MAX, "raise SERVER_CHECKS_MAX");

size_t server_check_count(void)
{
	return ARRAY_LEN(settings);
}

const char *server_check_name(size_t index)
{
	return settings[index].name;
}

enum error_class server_check(
	struct redis *redis, size_t index, enum server_state *ret_state, struct error *error)
{
	*ret_state = SERVER_FINE;
	enum error_class class = settings[index].check(redis, &settings[index], ret_state, error);
	if (class != ERROR_NONE && *ret_state != SERVER_WRONG)
		/* Whatever was asked: a connection that requires a layout says so first. */
		*ret_state = layout_refused(error) ? SERVER_WRONG : SERVER_REFUSES;
	return class;
}

/* The value behind a name of INFO, in the reply; NULL if there is none. */
static enum error_class read_info(struct redis *redis, const char *section, const char *name,
	struct redisReply **ret_reply, const char **ret_value, struct error *error)
{
	const char *const words[] = { "INFO", section };
	char line[64];

	if (redis_command(redis, 2, words, ret_reply, error) != ERROR_NONE)
		return error->class;
	text_format(line, sizeof(line), "\n%s:", name);
	const char *found = strstr(reply_text(*ret_reply), line);
	*ret_value = found != NULL ? found + strlen(line) : NULL;
	return ERROR_NONE;
}

enum error_class server_number(struct redis *redis, const char *section, const char *name,
	int64_t otherwise, int64_t *ret_value, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const char *value = NULL;

	if (read_info(redis, section, name, &reply, &value, error) != ERROR_NONE)
		return error->class;
	*ret_value = value != NULL ? strtoll(value, NULL, 10) : otherwise;
	return ERROR_NONE;
}

enum error_class server_read_version(
	struct redis *redis, struct server_version *ret_version, struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const char *value = NULL;
	int *const parts[] = { &ret_version->major, &ret_version->minor, &ret_version->patch };

	*ret_version = (struct server_version){ 0, 0, 0 };
	if (read_info(redis, "server", "redis_version", &reply, &value, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; value != NULL && i < ARRAY_LEN(parts); i++) {
		*parts[i] = (int)strtol(value, NULL, 10);
		value += strspn(value, "0123456789");
		value = *value == '.' ? value + 1 : NULL;
	}
	return ERROR_NONE;
}

int64_t server_time_of(const struct redisReply *reply)
{
	return reply_integer(reply_item(reply, 0)) * 1000 +
		reply_integer(reply_item(reply, 1)) / 1000;
}

enum error_class server_time(struct redis *redis, int64_t *ret_now, struct error *error)
{
	const char *const words[] = { "TIME" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(redis, 1, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_now = server_time_of(reply);
	return ERROR_NONE;
}
