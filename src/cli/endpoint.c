/*
 * HTTP requests to the endpoint. A problem document becomes an error of the same class, so a
 * command fails with the message of the server.
 */
#include "cli/endpoint.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/url.h"

#define REQUEST_MS 15000

enum error_class endpoint_open(struct endpoint *endpoint, const char *url, struct error *error)
{
	endpoint->url = url;
	return http_client_new(&endpoint->client, error);
}

void endpoint_close(struct endpoint *endpoint)
{
	http_client_free(endpoint->client);
	endpoint->client = NULL;
}

bool endpoint_may_retry(const struct error *error)
{
	return error->class == ERROR_NETWORK || error->class == ERROR_TIMEOUT ||
		error->http_status == 503 || error->http_status == 502 ||
		error->http_status == 504 || error->http_status == 429;
}

static void take_text(const cJSON *json, const char *name, char *target, size_t size)
{
	const char *text = json_member_string(json, name);
	if (text != NULL)
		text_copy(target, size, text);
}

/* A problem document, of ours or of nginx. Of any other response only the status is known. */
static enum error_class take_problem(
	const struct http_response *response, const cJSON *json, struct error *error)
{
	const char *name = json_member_string(json, "class");
	enum error_class class = name != NULL ? error_class_by_name(name) : ERROR_NONE;

	if (class == ERROR_NONE)
		class = response->status >= 500 || response->status == 429
			? ERROR_PROVIDER_UNAVAILABLE
			: ERROR_INVALID_REQUEST;
	error_set(error, class, "the endpoint responded with status %d", response->status);
	take_text(json, "detail", error->message, sizeof(error->message));
	take_text(json_member(json, "remedy"), "text", error->remedy, sizeof(error->remedy));
	take_text(json_member(json, "remedy"), "url", error->remedy_url, sizeof(error->remedy_url));
	take_text(json_member(json, "remedy"), "inputKey", error->remedy_input,
		sizeof(error->remedy_input));
	take_text(cJSON_GetArrayItem(json_member(json, "errors"), 0), "place", error->place,
		sizeof(error->place));
	error->http_status = response->status;
	error->retry_after_ms = response->retry_after_ms;
	return class;
}

static enum error_class exchange(const struct endpoint *endpoint,
	const struct http_request *request, cJSON **ret_json, cJSON **ret_problem,
	struct error *error)
{
	struct http_response response;
	struct error broken;
	cJSON *json = NULL;

	if (http_send(endpoint->client, request, &response, error) != ERROR_NONE)
		return error->class;
	enum error_class class = json_parse(buffer_text(&response.body), response.body.length,
		JSON_LIMITS_WIDE, &json, &broken);
	if (response.status >= 300)
		class = take_problem(&response, json, error);
	else if (class != ERROR_NONE)
		class = error_set(error, ERROR_PROVIDER_UNAVAILABLE,
			"the response of %s is not valid JSON", endpoint->url);

	http_response_release(&response);
	*(class != ERROR_NONE ? ret_problem : ret_json) = json;
	return class;
}

enum error_class endpoint_get(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *problem = NULL;
	struct provider_request wanted = { .path = path };
	struct http_request request = { .deadline_at = clock_monotonic_ms() + REQUEST_MS,
		.allow_loopback = true };

	for (size_t i = 0; query != NULL && i < PROVIDER_PARAMETERS && query[i].name != NULL; i++)
		wanted.query[i] = query[i];
	if (url_build(endpoint->url, &wanted, NULL, &arena, &request.url, error) != ERROR_NONE)
		return error->class;
	return exchange(endpoint, &request, ret_json, &problem, error);
}

enum error_class endpoint_post(
	const struct endpoint *endpoint, const cJSON *body, cJSON **ret_json, struct error *error)
{
	CLEANUP_JSON cJSON *problem = NULL;

	return endpoint_ask(endpoint, body, ret_json, &problem, error);
}

enum error_class endpoint_ask(const struct endpoint *endpoint, const cJSON *body, cJSON **ret_json,
	cJSON **ret_problem, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct provider_request wanted = { .path = "/api/deploy" };
	struct http_request request = { .method = HTTP_POST,
		.headers = { "Content-Type: application/json" },
		.deadline_at = clock_monotonic_ms() + REQUEST_MS,
		.allow_loopback = true };

	*ret_problem = NULL;
	if (url_build(endpoint->url, &wanted, NULL, &arena, &request.url, error) != ERROR_NONE)
		return error->class;
	request.body = json_print(&arena, body);
	if (request.body == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	return exchange(endpoint, &request, ret_json, ret_problem, error);
}
