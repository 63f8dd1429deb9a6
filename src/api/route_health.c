#include <string.h>

#include "api/routes.h"
#include "base/text.h"
#include "store/keys.h"

enum error_class route_healthz(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	(void)service;
	(void)request;
	(void)none;
	cJSON *answer = cJSON_CreateObject();
	if (answer != NULL && !json_add(answer, "status", cJSON_CreateString("ok"))) {
		cJSON_Delete(answer);
		answer = NULL;
	}
	return response_json(response, 200, answer, error);
}

/* What Redis must be set to, and the word of INFO that shows it. Without these, accepted runs could vanish. */
static const struct {
	const char *section, *line, *what, *remedy;
} redis_checks[] = {
	{ "memory", "maxmemory_policy:noeviction", "Redis evicts keys when its memory is full",
		"Set 'maxmemory-policy noeviction' in redis.conf, or CONFIG SET it." },
	{ "persistence", "aof_enabled:1", "Redis writes no append-only file, so a restart loses accepted runs",
		"Set 'appendonly yes' and 'appendfsync always' in redis.conf, or CONFIG SET them." },
};

/* always loses nothing, everysec about a second; no loses whatever the kernel has not written yet. A server that lets
 * us not ask (a hosted one) is taken at its word. */
static enum error_class check_fsync(struct redis *redis, struct error *error)
{
	const char *const words[] = { "CONFIG", "GET", "appendfsync" };
	struct redisReply *reply;
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return strstr(error->message, "NOPERM") != NULL || error->class == ERROR_INTERNAL ? ERROR_NONE
												  : error->class;
	bool never = strcmp(reply_text(reply_item(reply, 1)), "no") == 0;
	reply_free(reply);
	if (!never)
		return ERROR_NONE;
	error_set(error, ERROR_STORE_UNAVAILABLE, "Redis never waits for the disk, so a power cut loses accepted runs");
	return error_remedy(error, NULL, "Set 'appendfsync always' in redis.conf, or CONFIG SET it.");
}

static enum error_class check_redis(struct redis *redis, struct error *error)
{
	for (size_t i = 0; i < sizeof(redis_checks) / sizeof(redis_checks[0]); i++) {
		const char *const words[] = { "INFO", redis_checks[i].section };
		struct redisReply *reply;
		if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
			return error->class;
		bool right = strstr(reply_text(reply), redis_checks[i].line) != NULL;
		reply_free(reply);
		if (right)
			continue;
		error_set(error, ERROR_STORE_UNAVAILABLE, "%s", redis_checks[i].what);
		return error_remedy(error, NULL, "%s", redis_checks[i].remedy);
	}
	return check_fsync(redis, error);
}

enum error_class route_readyz(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	if (check_redis(service->redis, error) != ERROR_NONE)
		return error->class;
	return route_healthz(service, request, none, response, error);
}

/* ---- /metrics ---- */

/* One a gauge: all of them live in Redis, for any process of any machine may be asked. */
static const struct {
	const char *name, *help, *command, *key;
} gauges[] = {
	{ "slipway_queue_entries", "Entries on the queue, those that are being run included", "XLEN", KEY_QUEUE },
	{ "slipway_delayed_runs", "Runs that wait or retry", "ZCARD", KEY_DELAYED },
	{ "slipway_live_runs", "Runs that have been triggered and not ended", "ZCARD", KEY_LIVE },
	{ "slipway_dead_entries", "Entries that could not be run", "XLEN", KEY_DEAD },
	{ "slipway_apps", "Apps that are remembered", "ZCARD", KEY_APPS },
	{ "slipway_workers", "Workers that have reported", "HLEN", KEY_WORKERS },
};

static enum error_class append_gauge(struct redis *redis, size_t index, struct buffer *buffer, struct error *error)
{
	const char *const words[] = { gauges[index].command, gauges[index].key };
	struct redisReply *reply;
	char text[384];
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	text_format(text, sizeof(text), "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", gauges[index].name,
		gauges[index].help, gauges[index].name, gauges[index].name, (long long)reply_integer(reply));
	reply_free(reply);
	return buffer_append_string(buffer, text) ? ERROR_NONE
						  : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for metrics");
}

enum error_class route_metrics(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	(void)request;
	(void)none;
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (append_gauge(service->redis, i, &response->body, error) != ERROR_NONE)
			return error->class;
	response->content_type = "text/plain; version=0.0.4";
	return ERROR_NONE;
}
