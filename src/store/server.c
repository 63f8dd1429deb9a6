/*
 * Asks Redis for the settings on which the promises rest. A hosted server may refuse the question; it is then
 * taken at its word, because its operator cannot change that.
 */
#include "store/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

struct server_setting {
	const char *name;
	enum error_class (*check)(struct redis *redis, const struct server_setting *setting, struct error *error);
	const char *section, *line; /* of INFO, where the check is that it is there */
	const char *what, *remedy;
};

static enum error_class not_so(const struct server_setting *setting, struct error *error)
{
	error_set(error, ERROR_STORE_UNAVAILABLE, "%s", setting->what);
	return error_remedy(error, NULL, "%s", setting->remedy);
}

static enum error_class check_line(struct redis *redis, const struct server_setting *setting, struct error *error)
{
	const char *const words[] = { "INFO", setting->section };
	struct redisReply *reply;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	bool right = strstr(reply_text(reply), setting->line) != NULL;
	reply_free(reply);
	return right ? ERROR_NONE : not_so(setting, error);
}

/* always loses nothing, everysec about a second; no loses whatever the kernel has not written yet. A server that lets
 * us not ask (a hosted one) is taken at its word. */
static enum error_class check_fsync(struct redis *redis, const struct server_setting *setting, struct error *error)
{
	const char *const words[] = { "CONFIG", "GET", "appendfsync" };
	struct redisReply *reply;
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return strstr(error->message, "NOPERM") != NULL || error->class == ERROR_INTERNAL ? ERROR_NONE
												  : error->class;
	bool never = strcmp(reply_text(reply_item(reply, 1)), "no") == 0;
	reply_free(reply);
	return never ? not_so(setting, error) : ERROR_NONE;
}

static const struct server_setting settings[] = {
	{ "eviction policy", check_line, "memory", "maxmemory_policy:noeviction",
		"Redis evicts keys when its memory is full",
		"Set 'maxmemory-policy noeviction' in redis.conf, or CONFIG SET it." },
	{ "append-only file", check_line, "persistence", "aof_enabled:1",
		"Redis writes no append-only file, so a restart loses accepted runs",
		"Set 'appendonly yes' and 'appendfsync always' in redis.conf, or CONFIG SET them." },
	{ "waiting for the disk", check_fsync, NULL, NULL,
		"Redis never waits for the disk, so a power cut loses accepted runs",
		"Set 'appendfsync always' in redis.conf, or CONFIG SET it." },
};

size_t server_check_count(void)
{
	return ARRAY_LEN(settings);
}

const char *server_check_name(size_t index)
{
	return settings[index].name;
}

enum error_class server_check(struct redis *redis, size_t index, struct error *error)
{
	return settings[index].check(redis, &settings[index], error);
}

enum error_class server_number(struct redis *redis, const char *section, const char *name, int64_t otherwise,
	int64_t *ret_value, struct error *error)
{
	const char *const words[] = { "INFO", section };
	char line[64];
	struct redisReply *reply;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	text_format(line, sizeof(line), "\n%s:", name);
	const char *found = strstr(reply_text(reply), line);
	*ret_value = found != NULL ? strtoll(found + strlen(line), NULL, 10) : otherwise;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class server_time(struct redis *redis, int64_t *ret_now, struct error *error)
{
	const char *const words[] = { "TIME" };
	struct redisReply *reply;
	if (redis_command(redis, 1, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_now = reply_integer(reply_item(reply, 0)) * 1000 + reply_integer(reply_item(reply, 1)) / 1000;
	reply_free(reply);
	return ERROR_NONE;
}
