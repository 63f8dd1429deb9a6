/*
 * Finds the route of a request and checks who may call it. Refusals of unknown paths and methods
 * list the known ones.
 */
#include <string.h>

#include "api/authorise.h"
#include "api/origins.h"
#include "api/request_budget.h"
#include "api/route.h"
#include "base/text.h"
#include "slipway/field.h"

/* All routes, in the order in which refusals list them. A new one is a file route_*.c and a line
 * here. */
/* clang-format off */
#define ROUTES(ROUTE)          \
	ROUTE(poll)            \
	ROUTE(deploy)          \
	ROUTE(tokens)          \
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

/* Whether the caller may call the route at all; its handler looks at what is asked for. */
static enum error_class check_caller(
	const struct token *caller, const struct route *route, struct error *error)
{
	if (caller_check_role(caller, route->role, route->path, error) != ERROR_NONE)
		return error->class;
	if (token_is_browser(caller) && route->mode == NULL)
		return caller_check_mode(caller, route->path, error);
	if (route->mode != NULL && route->mode[0] != '\0' &&
		caller_check_mode(caller, route->mode, error) != ERROR_NONE)
		return error->class;
	return route->whole ? caller_check_whole(caller, route->path, error) : ERROR_NONE;
}

/* Counts the request, and keeps for the scripts what the tenant may have. */
static enum error_class apply_budgets(
	struct service *service, const struct request *request, struct error *error)
{
	struct budgets budgets;

	if (service->settings->budgets == NULL)
		return ERROR_NONE;
	budgets_of(service->settings->budgets, service->tenant, &budgets);
	budgets_print(&budgets, service->budgets);
	const int64_t most = budgets.most[BUDGET_REQUESTS];
	return most == BUDGET_NONE ? ERROR_NONE
				   : request_budget_take(service, request, most, error);
}

/* Nothing in a request names a tenant: it is that of its caller. */
static enum error_class authorise(struct service *service, const struct route *route,
	const struct request *request, struct token *caller, struct error *error)
{
	if (route->open)
		return ERROR_NONE;
	if (caller_find(service, request, caller, error) != ERROR_NONE)
		return error->class;
	service->tenant = caller->tenant;
	service->caller = caller;
	if (apply_budgets(service, request, error) != ERROR_NONE)
		return error->class;
	return check_caller(caller, route, error);
}

struct app_name service_app(const struct service *service, const char *app)
{
	return (struct app_name){ service->tenant, app };
}

static enum error_class refuse_overload(struct error *error)
{
	error_set(error, ERROR_OVERLOADED, "too many requests wait for this server");
	error->retry_after_ms = 1000;
	return error->class;
}

/* A request that is handled, in its arena: that has a page in any case, and of a coroutine's stack
 * each page counts for all that wait. */
struct handling {
	struct service service;
	struct request request;
	struct token caller;
	char app[IDENTIFIER_SIZE];
	struct error error;
};

static enum error_class take_route(
	struct handling *handling, struct response *response, struct error *error)
{
	struct service *service = &handling->service;
	struct request *request = &handling->request;
	struct token *caller = &handling->caller;
	char *app = handling->app;
	const struct route *route = NULL;

	if (find_route(request, &route, response, error) != ERROR_NONE)
		return error->class;
	enum error_class class = authorise(service, route, request, caller, error);
	response->subject.path = route->path;
	response->subject.reads = strcmp(route->method, "GET") == 0;
	text_copy(response->subject.token, sizeof(response->subject.token), caller->id);
	text_copy(response->subject.tenant, sizeof(response->subject.tenant), caller->tenant);
	if (class != ERROR_NONE || take_app(route, request, app, error) != ERROR_NONE)
		return error->class;
	if (app[0] != '\0' && caller_check_app(caller, app, error) != ERROR_NONE)
		return error->class;
	request->app = app;
	text_copy(response->subject.app, sizeof(response->subject.app), app);
	return route->handle(service, request, response, error);
}

static enum error_class dispatch(const struct service *service, const struct request *request,
	struct handling *handling, struct response *response)
{
	handling->service = *service;
	handling->request = *request;
	handling->caller.role = ROLE_NONE;
	if (origins_apply(service->settings->origins, request, response))
		return ERROR_NONE;
	if (request->overloaded)
		return refuse_overload(&handling->error);
	return take_route(handling, response, &handling->error);
}

void request_handle(
	const struct service *service, const struct request *request, struct response *response)
{
	static const struct error no_memory = { .class = ERROR_OUT_OF_MEMORY,
		.message = "no memory for the request" };
	struct handling *handling = arena_allocate(service->arena, sizeof(*handling));

	if (handling == NULL)
		response_problem(response, &no_memory, NULL, NULL);
	else if (dispatch(service, request, handling, response) != ERROR_NONE)
		response_problem(response, &handling->error, NULL, NULL);
	request_audit(service, request, response);
}
