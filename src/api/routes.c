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
#define ROUTES(ROUTE)          \
	ROUTE(poll)            \
	ROUTE(deploy)          \
	ROUTE(workflows)       \
	ROUTE(apps)            \
	ROUTE(app)             \
	ROUTE(app_deployments) \
	ROUTE(app_history)     \
	ROUTE(app_resources)   \
	ROUTE(app_events)      \
	ROUTE(app_users)       \
	ROUTE(workers)         \
	ROUTE(healthz)         \
	ROUTE(readyz)          \
	ROUTE(metrics)

#define DECLARED(name) extern const struct route route_##name;
#define LISTED(name)   &route_##name,
/* clang-format on */

ROUTES(DECLARED)

static const struct route *const routes[] = { ROUTES(LISTED) };

#define APP_PARAMETER "{app}"

/* Whether the path is one of the route; *ret_app is then what stands in the place of {app}, and
 * *ret_length its length, 0 where the route has none. */
static bool path_matches(
	const struct route *route, const char *path, const char **ret_app, size_t *ret_length)
{
	const char *parameter = strstr(route->path, APP_PARAMETER);
	size_t before = parameter != NULL ? (size_t)(parameter - route->path) : 0;

	*ret_app = path + strlen(path);
	*ret_length = 0;
	if (parameter == NULL)
		return strcmp(route->path, path) == 0;
	if (strncmp(route->path, path, before) != 0)
		return false;
	*ret_app = path + before;
	*ret_length = strcspn(*ret_app, "/");
	return *ret_length > 0 &&
		strcmp(*ret_app + *ret_length, parameter + strlen(APP_PARAMETER)) == 0;
}

static bool is_path_of(const struct route *route, const char *path)
{
	const char *app;
	size_t length;

	return path_matches(route, path, &app, &length);
}

/* What stands in the path is whatever somebody sent: no message repeats it. */
static enum error_class take_app(const struct route *route, const struct request *request,
	char app[IDENTIFIER_SIZE], struct error *error)
{
	const char *text;
	size_t length;

	app[0] = '\0';
	if (!path_matches(route, request->path, &text, &length) || length == 0)
		return ERROR_NONE;
	if (text_format(app, IDENTIFIER_SIZE, "%.*s", (int)length, text) && identifier_valid(app))
		return ERROR_NONE;
	app[0] = '\0';
	error_set(error, ERROR_INVALID_REQUEST, "the app in the path must match %s",
		IDENTIFIER_PATTERN);
	return error_at(error, "%s", route->path);
}

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
	const char *path = NULL;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!is_path_of(routes[i], request->path))
			continue;
		path = routes[i]->path;
		text_append(allow, sizeof(response->allow), "%s%s", allow[0] != '\0' ? ", " : "",
			routes[i]->method);
	}
	if (path == NULL)
		return refuse_path(error);

	error_set(
		error, ERROR_METHOD_NOT_ALLOWED, "%s does not accept %.16s", path, request->method);
	return error_remedy(error, NULL, "Use %s.", allow);
}

static enum error_class find_route(const struct request *request, const struct route **ret_route,
	struct response *response, struct error *error)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!is_path_of(routes[i], request->path) || strcmp(routes[i]->method, method) != 0)
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
	char app[IDENTIFIER_SIZE];
	struct request addressed = *request;

	if (find_route(request, &route, response, error) != ERROR_NONE ||
		authorise(service, route, request, error) != ERROR_NONE ||
		take_app(route, request, app, error) != ERROR_NONE)
		return error->class;
	addressed.app = app;
	text_copy(response->subject.app, sizeof(response->subject.app), app);
	response->subject.path = route->path;
	response->subject.reads = strcmp(route->method, "GET") == 0;
	return route->handle(service, &addressed, response, error);
}

void request_handle(
	const struct service *service, const struct request *request, struct response *response)
{
	struct error error;
	if (dispatch(service, request, response, &error) != ERROR_NONE)
		response_problem(response, &error, NULL, NULL);
}
