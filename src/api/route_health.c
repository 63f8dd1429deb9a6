/*
 * GET /healthz, /readyz and /metrics: for load balancers and for Prometheus. /healthz asks nobody, so that a
 * Redis outage does not make an orchestrator restart the handlers.
 */
#include "api/routes.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/server.h"

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

enum error_class route_readyz(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	for (size_t i = 0; i < server_check_count(); i++)
		if (server_check(service->redis, i, error) != ERROR_NONE)
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
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		if (append_gauge(service->redis, i, &response->body, error) != ERROR_NONE)
			return error->class;
	response->content_type = "text/plain; version=0.0.4";
	return ERROR_NONE;
}
