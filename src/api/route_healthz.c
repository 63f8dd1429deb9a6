/*
 * GET /healthz: a handler answers. Redis is not asked, so that a web server does not take every handler for dead while
 * Redis restarts.
 */
#include "api/route.h"

static enum error_class handle_healthz(
	const struct service *service, const struct request *request, struct response *response, struct error *error)
{
	(void)service;
	(void)request;
	cJSON *answer = cJSON_CreateObject();

	if (answer != NULL && !json_add(answer, "status", cJSON_CreateString("ok"))) {
		cJSON_Delete(answer);
		answer = NULL;
	}

	return response_json(response, 200, answer, error);
}

const struct route route_healthz = { .method = "GET", .path = "/healthz", .open = true, .handle = handle_healthz };
