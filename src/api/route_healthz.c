/*
 * GET /healthz: a handler answers. Redis is not asked, so that a web server does not take every
 * handler for dead while Redis restarts.
 */
#include "api/route.h"

static enum error_class handle_healthz(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	(void)service;
	(void)request;

	if (json != NULL && !json_add(json, "status", cJSON_CreateString("ok")))
		json_clear(&json);
	return response_json(response, 200, json_take(&json), error);
}

const struct route route_healthz = {
	.method = "GET", .path = "/healthz", .open = true, .handle = handle_healthz
};
