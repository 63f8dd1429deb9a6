/*
 * From a request to its handler: the table of routes and modes, who may call, and what every body must satisfy
 * before a handler sees it.
 */
#include "api/routes.h"

#include <string.h>

#include "api/host.h"
#include "api/media_type.h"
#include "base/identifier.h"
#include "base/text.h"
#include "slipway/field.h"

static const struct route {
	const char *method;
	const char *path;
	request_handler *handler;
	bool open; /* answered to everybody: it tells nothing of any app */
} routes[] = {
	{ "GET", "/api/deploy", route_poll, false },
	{ "POST", "/api/deploy", route_deploy, false },
	{ "GET", "/api/workflows", route_workflows, false },
	{ "GET", "/healthz", route_healthz, true },
	{ "GET", "/readyz", route_readyz, true },
	{ "GET", "/metrics", route_metrics, false },
};

/* No route has the path, or none has it with this method: then the answer names those that it has. */
static enum error_class refuse_route(const struct request *request, struct response *response, struct error *error)
{
	char *allow = response->allow;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (strcmp(routes[i].path, request->path) == 0)
			text_append(
				allow, sizeof(response->allow), "%s%s", allow[0] != '\0' ? ", " : "", routes[i].method);
	if (allow[0] == '\0')
		return error_set(error, ERROR_NOT_FOUND, "there is nothing at this path");

	error_set(error, ERROR_METHOD_NOT_ALLOWED, "%s does not take %.16s", request->path, request->method);
	return error_remedy(error, NULL, "Use %s.", allow);
}

static enum error_class find_route(
	const struct request *request, const struct route **ret_route, struct response *response, struct error *error)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i].path, request->path) != 0 || strcmp(routes[i].method, method) != 0)
			continue;
		*ret_route = &routes[i];
		return ERROR_NONE;
	}
	return refuse_route(request, response, error);
}

/* Each browser names a host; what names none is no page. */
static enum error_class check_host(const struct request *request, struct error *error)
{
	if (request->host[0] == '\0' || host_is_loopback(request->host))
		return ERROR_NONE;
	return error_set(error, ERROR_MISDIRECTED, "this server, which asks for no tokens, is not called '%.100s'",
		request->host);
}

/*
 * Tokens come with a later version: until then only a start that says that it is for development on loopback
 * answers anybody. The web server is what keeps it on loopback.
 */
static enum error_class authorise(
	const struct service *service, const struct route *route, const struct request *request, struct error *error)
{
	if (route->open)
		return ERROR_NONE;
	if (service->settings->development)
		return check_host(request, error);
	error_set(error, ERROR_UNAUTHORIZED, "this server has no API tokens, so it answers nobody");
	return error_remedy(
		error, NULL, "For development on loopback only, start slipway-api with SLIPWAY_DEVELOPMENT=yes.");
}

static enum error_class answer(
	const struct service *service, const struct request *request, struct response *response, struct error *error)
{
	const struct route *route = NULL;
	if (find_route(request, &route, response, error) != ERROR_NONE ||
		authorise(service, route, request, error) != ERROR_NONE)
		return error->class;
	response->subject.path = route->path;
	response->subject.reads = strcmp(route->method, "GET") == 0;
	return route->handler(service, request, NULL, response, error);
}

void request_answer(const struct service *service, const struct request *request, struct response *response)
{
	struct error error;
	if (answer(service, request, response, &error) != ERROR_NONE)
		response_problem(response, &error, NULL, NULL);
}

/* ---- POST /api/deploy ---- */

static const struct mode {
	const char *name;
	request_handler *handler;
	const char *const *members; /* beside mode and appId, ended by NULL */
} modes[] = {
	{ "trigger", mode_trigger,
		(const char *const[]){
			"workflowId", "actionId", "inputs", "force", "triggerId", "configVersion", NULL } },
	{ "poll", mode_poll, (const char *const[]){ "workflowId", "actionId", NULL } },
	{ "configure", mode_configure, (const char *const[]){ "inputs", "config", "env", "secrets", NULL } },
	{ "cancel", mode_cancel, (const char *const[]){ "workflowId", "actionId", NULL } },
	{ "plan", mode_plan, (const char *const[]){ "workflowId", "inputs", NULL } },
	{ "validate", mode_validate,
		(const char *const[]){ "workflowId", "inputs", "config", "env", "secrets", NULL } },
};

static enum error_class check_members(const struct mode *mode, const cJSON *body, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, body) {
		bool known = strcmp(member->string, "mode") == 0 || strcmp(member->string, "appId") == 0;
		for (const char *const *name = mode->members; *name != NULL; name++)
			known = known || strcmp(*name, member->string) == 0;
		if (known)
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "the mode '%s' takes no such member", mode->name);
		error_at(error, "%s", "");
		json_pointer_append(error->place, sizeof(error->place), member->string);
		return error->class;
	}

	return ERROR_NONE;
}

static enum error_class refuse_mode(struct error *error)
{
	char names[160] = "";

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", modes[i].name);
	error_set(error, ERROR_INVALID_REQUEST, "mode must be one of %s", names);
	return error_at(error, "/mode");
}

static enum error_class find_mode(const cJSON *body, const struct mode **ret_mode, struct error *error)
{
	if (!cJSON_IsObject(body))
		return error_set(error, ERROR_INVALID_REQUEST, "the body must be an object");
	const char *name = json_member_string(body, "mode");
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i].name, name) != 0)
			continue;
		*ret_mode = &modes[i];
		return check_members(&modes[i], body, error);
	}

	return refuse_mode(error);
}

enum error_class route_deploy(const struct service *service, const struct request *request, const cJSON *none,
	struct response *response, struct error *error)
{
	(void)none;
	const struct mode *mode = NULL;
	cJSON *body;

	if (request->body_too_large)
		return error_set(error, ERROR_PAYLOAD_TOO_LARGE, "the body is larger than %zu bytes", REQUEST_BODY_MAX);
	if (media_type_check(request->content_type, request->content_encoding, error) != ERROR_NONE)
		return error->class;
	if (json_parse(request->body, request->body_length, JSON_FROM_CLIENT, &body, error) != ERROR_NONE)
		return error->class;
	enum error_class class = find_mode(body, &mode, error);
	response_subject(response, body);
	if (mode != NULL)
		text_copy(response->subject.mode, sizeof(response->subject.mode), mode->name);
	if (class == ERROR_NONE)
		class = mode->handler(service, request, body, response, error);
	cJSON_Delete(body);
	return class;
}

enum error_class body_identifier_optional(
	const cJSON *body, const char *name, const char **ret_text, struct error *error)
{
	const cJSON *member = json_member(body, name);

	*ret_text = NULL;
	if (member == NULL)
		return ERROR_NONE;
	*ret_text = cJSON_GetStringValue(member);
	if (*ret_text != NULL && identifier_valid(*ret_text))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "it must be a string of the form %s", IDENTIFIER_PATTERN);
	return error_at(error, "/%s", name);
}

enum error_class body_identifier(const cJSON *body, const char *name, const char **ret_text, struct error *error)
{
	if (body_identifier_optional(body, name, ret_text, error) != ERROR_NONE)
		return error->class;
	if (*ret_text != NULL)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "it is missing");
	return error_at(error, "/%s", name);
}
