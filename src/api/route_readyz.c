/*
 * GET /readyz: whether requests would succeed. Checks everything that slipway-api needs from Redis.
 */
#include <string.h>

#include "api/route.h"
#include "base/log.h"
#include "base/text.h"
#include "store/server.h"
#include "store/workers.h"

/*
 * The route is open, so the words of Redis go only to the log: they may name users, commands and
 * addresses. Logged when they change, not at each question of a load balancer.
 */
static char told[sizeof(((struct error *)NULL)->message)]; /* "": it was ready */

static enum error_class tell_unready(size_t check, enum server_state state, struct error *error)
{
	if (strcmp(told, error->message) != 0)
		log_error("not ready", error);
	text_copy(told, sizeof(told), error->message);
	if (state == SERVER_WRONG)
		return error->class;
	int64_t retry_after_ms = error->retry_after_ms;
	error_set(error, ERROR_STORE_UNAVAILABLE,
		"Redis cannot be reached or refuses what Slipway needs (failed check: %s)",
		server_check_name(check));
	error->retry_after_ms = retry_after_ms;
	return error_remedy(error, NULL,
		"The log of slipway-api has the error of Redis; 'slipway doctor' explains it.");
}

/* Adds a sentence for each thing that an operator should know although no request fails. */
static bool add_warnings(cJSON *json, const bool *hidden, const struct workers_tally *workers)
{
	char text[128];
	cJSON *warnings = cJSON_AddArrayToObject(json, "warnings");
	bool complete = warnings != NULL;

	for (size_t i = 0; i < server_check_count() && complete; i++) {
		text_format(text, sizeof(text), "Redis does not let slipway-api check: %s",
			server_check_name(i));
		complete = !hidden[i] || json_append(warnings, cJSON_CreateString(text));
	}

	if (complete && workers->alive == 0)
		complete = json_append(warnings,
			cJSON_CreateString("no worker is running: triggered steps stay queued "
					   "until one starts"));
	return complete;
}

static enum error_class handle_readyz(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	bool hidden[SERVER_CHECKS_MAX] = { false };
	struct workers_tally workers = { 0, 0 };
	(void)request;

	for (size_t i = 0; i < server_check_count(); i++) {
		enum server_state state;
		if (server_check(service->redis, i, &state, error) != ERROR_NONE)
			return tell_unready(i, state, error);
		hidden[i] = state == SERVER_HIDDEN;
	}

	if (workers_count(service->redis, &workers, error) != ERROR_NONE)
		return tell_unready(0, SERVER_REFUSES, error);
	told[0] = '\0';

	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	if (json == NULL || !json_add(json, "status", cJSON_CreateString("ok")) ||
		!json_add(json, "workers", json_integer((int64_t)workers.alive)) ||
		!add_warnings(json, hidden, &workers))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	return response_json(response, 200, json_take(&json), error);
}

const struct route route_readyz = {
	.method = "GET", .path = "/readyz", .open = true, .handle = handle_readyz
};
