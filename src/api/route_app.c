/*
 * GET /api/apps/{app}: what there is of one app: the last deployment of each workflow with what it
 * was started with, and how much stands in its lists.
 */
#include "api/app_deployments.h"
#include "api/query.h"
#include "api/route.h"
#include "base/clock.h"
#include "slipway/field.h"
#include "store/apps.h"

static enum error_class refuse_unknown(const char *app, struct error *error)
{
	error_set(error, ERROR_NOT_FOUND, "there is no app '%s'", app);
	return error_remedy(error, NULL,
		"GET /api/apps lists the apps. One appears there with the first step that it "
		"runs.");
}

static bool is_known(const struct app_facts *facts)
{
	return facts->changed_at > 0 || facts->payload_version > 0 || facts->resources > 0 ||
		facts->ended_runs > 0 || facts->ended_deployments > 0;
}

static cJSON *counts_json(const struct app_facts *facts)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();

	if (json == NULL || !json_add(json, "resources", json_integer(facts->resources)) ||
		!json_add(json, "deployments", json_integer(facts->ended_deployments)) ||
		!json_add(json, "runs", json_integer(facts->ended_runs)) ||
		!json_add(json, "events", json_integer(facts->events)))
		return NULL;
	return json_take(&json);
}

static enum error_class describe(const struct service *service, const char *app,
	const struct app_facts *facts, struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	CLEANUP_JSON cJSON *ids = NULL, *deployments = NULL;
	char changed[CLOCK_TEXT_SIZE];

	if (app_deployments_read(service, app, &ids, &deployments, error) != ERROR_NONE)
		return error->class;
	clock_format(facts->changed_at, changed);
	if (json == NULL || !json_add(json, "appId", cJSON_CreateString(app)) ||
		!json_add(json, "changedAt",
			facts->changed_at > 0 ? cJSON_CreateString(changed) : cJSON_CreateNull()) ||
		!json_add(json, "configVersion", json_integer(facts->payload_version)) ||
		!json_add(json, "workflows", json_take(&ids)) ||
		!json_add(json, "deployments", json_take(&deployments)) ||
		!json_add(json, "counts", counts_json(facts)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the response");
	return response_json(response, 200, json_take(&json), error);
}

static enum error_class handle_app(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const no_parameters[] = { NULL };
	CLEANUP_JSON cJSON *query = NULL;
	const struct app_name app = service_app(service, request->app);
	struct app_facts facts = { 0 };

	if (query_parse(request->query, no_parameters, &query, error) != ERROR_NONE ||
		app_read(service->redis, &app, &facts, error) != ERROR_NONE)
		return error->class;
	return is_known(&facts) ? describe(service, request->app, &facts, response, error)
				: refuse_unknown(request->app, error);
}

const struct route route_app = {
	.method = "GET", .path = "/api/apps/{app}", .role = ROLE_READ, .handle = handle_app
};
