/*
 * Finds the route of a request and checks who may call it. Refusals of unknown paths and methods
 * list the known ones.
 */
#include <string.h>

#include "api/host.h"
#include "api/route.h"
#include "base/text.h"
#include "slipway/field.h"

/* All routes, in the order in which refusals list them. A new one is a file route_*.c and a line
 * here. */
/* clang-format off */
#define ROUTES(ROUTE)    \
	ROUTE(poll)      \
	ROUTE(deploy)    \
	ROUTE(workflows) \
	ROUTE(healthz)   \
	ROUTE(readyz)    \
	ROUTE(metrics)

#define DECLARED(name) extern const struct route route_##name;
#define LISTED(name)   &route_##name,
/* clang-format on */

ROUTES(DECLARED)

static const struct route *const routes[] = { ROUTES(LISTED) };

static enum error_class refuse_path(struct error *error)
{
	char paths[sizeof(error->remedy)] = "";

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (i == 0 || strcmp(routes[i - 1]->path, routes[i]->path) != 0)
			text_append(
				paths, sizeof(paths), "%s%s", i > 0 ? ", " : "", routes[i]->path);
	error_set(error, ERROR_NOT_FOUND, "this path does not exist");
	return error_remedy(error, NULL, "The paths are %s.", paths);
}

/* No route has the path, or none has it with this method. */
static enum error_class refuse_route(
	const struct request *request, struct response *response, struct error *error)
{
	char *allow = response->allow;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (strcmp(routes[i]->path, request->path) == 0)
			text_append(allow, sizeof(response->allow), "%s%s",
				allow[0] != '\0' ? ", " : "", routes[i]->method);
	if (allow[0] == '\0')
		return refuse_path(error);

	error_set(error, ERROR_METHOD_NOT_ALLOWED, "%s does not accept %.16s", request->path,
		request->method);
	return error_remedy(error, NULL, "Use %s.", allow);
}

static enum error_class find_route(const struct request *request, const struct route **ret_route,
	struct response *response, struct error *error)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i]->path, request->path) != 0 ||
			strcmp(routes[i]->method, method) != 0)
			continue;
		*ret_route = routes[i];
		return ERROR_NONE;
	}
	return refuse_route(request, response, error);
}

/* Every browser sends a Host header, so a request without one does not come from a web page. */
static enum error_class check_host(const struct request *request, struct error *error)
{
	if (request->host[0] == '\0' || host_is_loopback(request->host))
		return ERROR_NONE;
	return error_set(error, ERROR_MISDIRECTED,
		"a server without API tokens accepts only loopback host names, not '%.100s'",
		request->host);
}

/*
 * API tokens come in a later version. Until then only a server started for development accepts
 * requests. It is the web server that keeps it on loopback.
 */
static enum error_class authorise(const struct service *service, const struct route *route,
	const struct request *request, struct error *error)
{
	if (route->open)
		return ERROR_NONE;
	if (service->settings->development)
		return check_host(request, error);
	error_set(error, ERROR_UNAUTHORIZED,
		"authentication is not configured; all requests are refused");
	return error_remedy(error, NULL,
		"To develop on loopback, start slipway-api with SLIPWAY_DEVELOPMENT=yes.");
}

static enum error_class dispatch(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	const struct route *route = NULL;
	if (find_route(request, &route, response, error) != ERROR_NONE ||
		authorise(service, route, request, error) != ERROR_NONE)
		return error->class;
	response->subject.path = route->path;
	response->subject.reads = strcmp(route->method, "GET") == 0;
	return route->handle(service, request, response, error);
}

void request_handle(
	const struct service *service, const struct request *request, struct response *response)
{
	struct error error;
	if (dispatch(service, request, response, &error) != ERROR_NONE)
		response_problem(response, &error, NULL, NULL);
}
