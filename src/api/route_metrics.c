/*
 * GET /metrics: gauges for Prometheus. All of them are read from Redis, because any handler on any
 * machine may be asked. A new one is a row here; tests/client/types.test.mjs asks for its line in
 * docs/.
 */
#include "api/route.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/apps.h"
#include "store/keys.h"
#include "store/workers.h"

static enum error_class count_command(struct redis *redis, const char *command, const char *key,
	int64_t *ret_count, struct error *error)
{
	const char *const words[] = { command, key };
	struct redisReply *reply;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_count = reply_integer(reply);
	reply_free(reply);
	return ERROR_NONE;
}

/* Live ones that do not wait for their time. */
static enum error_class count_at_work(struct redis *redis, const char *command, const char *key,
	int64_t *ret_count, struct error *error)
{
	int64_t live = 0, delayed = 0;
	(void)command;
	(void)key;
	if (count_command(redis, "ZCARD", KEY_LIVE, &live, error) != ERROR_NONE ||
		count_command(redis, "ZCARD", KEY_DELAYED, &delayed, error) != ERROR_NONE)
		return error->class;
	*ret_count = live > delayed ? live - delayed : 0;
	return ERROR_NONE;
}

/* Of all tenants. */
static enum error_class count_apps(struct redis *redis, const char *command, const char *key,
	int64_t *ret_count, struct error *error)
{
	(void)command;
	(void)key;
	return apps_count(redis, ret_count, error);
}

/* Not HLEN: the row of a killed worker stays in the hash. */
static enum error_class count_workers(struct redis *redis, const char *command, const char *key,
	int64_t *ret_count, struct error *error)
{
	struct workers_tally tally;
	(void)command;
	(void)key;
	if (workers_count(redis, &tally, error) != ERROR_NONE)
		return error->class;
	*ret_count = (int64_t)tally.alive;
	return ERROR_NONE;
}

static const struct {
	const char *name, *help;
	enum error_class (*count)(struct redis *redis, const char *command, const char *key,
		int64_t *ret_count, struct error *error);
	const char *command, *key;
} gauges[] = {
	{ "slipway_queue_entries", "Runs on the queue, those that are being run included",
		count_at_work, NULL, NULL },
	{ "slipway_delayed_runs", "Runs that are waiting or retrying", count_command, "ZCARD",
		KEY_DELAYED },
	{ "slipway_live_runs", "Runs that have not ended", count_command, "ZCARD", KEY_LIVE },
	{ "slipway_dead_entries", "Things on the queue that no worker could run", count_command,
		"XLEN", KEY_DEAD },
	{ "slipway_apps", "Apps that have state in Redis", count_apps, NULL, NULL },
	{ "slipway_workers", "Workers that reported in the last 15 seconds", count_workers, NULL,
		NULL },
};

static enum error_class append_gauge(
	struct redis *redis, size_t index, struct buffer *buffer, struct error *error)
{
	char text[384];
	int64_t value;
	if (gauges[index].count(redis, gauges[index].command, gauges[index].key, &value, error) !=
		ERROR_NONE)
		return error->class;
	text_format(text, sizeof(text), "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n",
		gauges[index].name, gauges[index].help, gauges[index].name, gauges[index].name,
		(long long)value);
	return buffer_append_string(buffer, text)
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for metrics");
}

static enum error_class handle_metrics(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	(void)request;
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		if (append_gauge(service->redis, i, &response->body, error) != ERROR_NONE)
			return error->class;
	response->content_type = "text/plain; version=0.0.4";
	return ERROR_NONE;
}

const struct route route_metrics = { .method = "GET",
	.path = "/metrics",
	.role = ROLE_READ,
	.whole = true,
	.handle = handle_metrics };
