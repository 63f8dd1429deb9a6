/*
 * GET /healthz, /readyz and /metrics: for load balancers and for Prometheus. /healthz asks nobody, so that a
 * Redis outage does not make an orchestrator restart the handlers.
 */
#include <string.h>

#include "api/routes.h"
#include "base/log.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/server.h"
#include "store/workers.h"

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

/*
 * Anybody may ask, so what Redis itself says is for the log alone: it may name users, commands, addresses. Logged when
 * it changes, not each time that a load balancer asks.
 */
static char told[sizeof(((struct error *)NULL)->message)]; /* "": ready when it was last asked */

static enum error_class tell_unready(size_t check, enum server_state state, struct error *error)
{
	if (strcmp(told, error->message) != 0)
		log_error("not ready", error);
	text_copy(told, sizeof(told), error->message);
	if (state == SERVER_WRONG)
		return error->class;
	int64_t retry_after_ms = error->retry_after_ms;
	error_set(error, ERROR_STORE_UNAVAILABLE, "Redis cannot be reached, or refuses what Slipway needs (asked: %s)",
		server_check_name(check));
	error->retry_after_ms = retry_after_ms;
	return error_remedy(error, NULL, "Read what Redis said in the log of slipway-api, or ask 'slipway doctor'.");
}

/* What makes no request fail, but a person should know: one sentence each. */
static bool add_warnings(cJSON *answer, const bool *hidden, const struct workers_tally *workers)
{
	char text[128];
	cJSON *warnings = cJSON_AddArrayToObject(answer, "warnings");
	bool complete = warnings != NULL;

	for (size_t i = 0; i < server_check_count() && complete; i++) {
		text_format(
			text, sizeof(text), "Redis does not let slipway-api ask about its %s", server_check_name(i));
		complete = !hidden[i] || json_append(warnings, cJSON_CreateString(text));
	}

	if (complete && workers->alive == 0)
		complete = json_append(warnings,
			cJSON_CreateString("no worker reports: what is triggered stays queued until one does"));
	return complete;
}

enum error_class route_readyz(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	bool hidden[SERVER_CHECKS_MAX] = { false };
	struct workers_tally workers = { 0, 0 };
	(void)request;
	(void)none;

	for (size_t i = 0; i < server_check_count(); i++) {
		enum server_state state;
		if (server_check(service->redis, i, &state, error) != ERROR_NONE)
			return tell_unready(i, state, error);
		hidden[i] = state == SERVER_HIDDEN;
	}

	if (workers_count(service->redis, &workers, error) != ERROR_NONE)
		return tell_unready(0, SERVER_REFUSES, error);
	told[0] = '\0';
	cJSON *answer = cJSON_CreateObject();
	bool complete = answer != NULL && json_add(answer, "status", cJSON_CreateString("ok")) &&
		json_add(answer, "workers", json_integer((int64_t)workers.alive)) &&
		add_warnings(answer, hidden, &workers);
	if (!complete) {
		cJSON_Delete(answer);
		answer = NULL;
	}

	return response_json(response, 200, answer, error);
}

/* ---- /metrics ---- */

static enum error_class count_command(
	struct redis *redis, const char *command, const char *key, int64_t *ret_count, struct error *error)
{
	const char *const words[] = { command, key };
	struct redisReply *reply;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_count = reply_integer(reply);
	reply_free(reply);
	return ERROR_NONE;
}

/* Not the rows of the hash: a worker that was killed leaves its own behind. */
static enum error_class count_workers(
	struct redis *redis, const char *command, const char *key, int64_t *ret_count, struct error *error)
{
	struct workers_tally tally;
	(void)command;
	(void)key;
	if (workers_count(redis, &tally, error) != ERROR_NONE)
		return error->class;
	*ret_count = (int64_t)tally.alive;
	return ERROR_NONE;
}

/* One a gauge: all of them live in Redis, for any process of any machine may be asked. */
static const struct {
	const char *name, *help;
	enum error_class (*count)(
		struct redis *redis, const char *command, const char *key, int64_t *ret_count, struct error *error);
	const char *command, *key;
} gauges[] = {
	{ "slipway_queue_entries", "Entries on the queue, those that are being run included", count_command, "XLEN",
		KEY_QUEUE },
	{ "slipway_delayed_runs", "Runs that wait or retry", count_command, "ZCARD", KEY_DELAYED },
	{ "slipway_live_runs", "Runs that have been triggered and not ended", count_command, "ZCARD", KEY_LIVE },
	{ "slipway_dead_entries", "Entries that could not be run", count_command, "XLEN", KEY_DEAD },
	{ "slipway_apps", "Apps that are remembered", count_command, "ZCARD", KEY_APPS },
	{ "slipway_workers", "Workers that reported in the last 15 seconds", count_workers, NULL, NULL },
};

static enum error_class append_gauge(struct redis *redis, size_t index, struct buffer *buffer, struct error *error)
{
	char text[384];
	int64_t value;
	if (gauges[index].count(redis, gauges[index].command, gauges[index].key, &value, error) != ERROR_NONE)
		return error->class;
	text_format(text, sizeof(text), "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", gauges[index].name,
		gauges[index].help, gauges[index].name, gauges[index].name, (long long)value);
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
