/*
 * GET /api/apps/{app}/users: the steps of other apps that use what this app has given, or wait for
 * it; for who is about to remove it.
 */
#include "api/query.h"
#include "api/route.h"
#include "store/app_users.h"

static cJSON *user_json(const struct app_user *user)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	cJSON *uses = json != NULL ? cJSON_AddObjectToObject(json, "uses") : NULL;

	if (uses == NULL || !json_add(json, "appId", cJSON_CreateString(user->user.app)) ||
		!json_add(json, "workflowId", cJSON_CreateString(user->user.workflow)) ||
		!json_add(json, "actionId", cJSON_CreateString(user->user.step)) ||
		!json_add(uses, "workflowId", cJSON_CreateString(user->uses.workflow)) ||
		!json_add(uses, "actionId", cJSON_CreateString(user->uses.step)))
		return NULL;
	return json_take(&json);
}

static enum error_class handle_users(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	static const char *const no_parameters[] = { NULL };
	CLEANUP_JSON cJSON *query = NULL, *json = cJSON_CreateObject();
	const struct app_name app = service_app(service, request->app);
	struct app_user users[APP_USERS_MAX];
	size_t count = 0, hidden = 0;
	cJSON *list = json != NULL ? cJSON_AddArrayToObject(json, "users") : NULL;

	if (query_parse(request->query, no_parameters, &query, error) != ERROR_NONE ||
		app_users_read(service->redis, &app, service->arena, users, &count, error) !=
			ERROR_NONE)
		return error->class;
	bool complete = list != NULL && json_add(json, "appId", cJSON_CreateString(request->app));
	for (size_t i = 0; complete && i < count; i++) {
		if (token_reaches(service->caller, users[i].user.app))
			complete = json_append(list, user_json(&users[i]));
		else
			hidden++;
	}
	complete = complete && json_add(json, "hidden", json_integer((int64_t)hidden));
	return complete ? response_json(response, 200, json_take(&json), error)
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
}

const struct route route_app_users = {
	.method = "GET", .path = "/api/apps/{app}/users", .role = ROLE_READ, .handle = handle_users
};
