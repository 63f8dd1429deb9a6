/*
 * HTTP requests to the endpoint. A problem document becomes an error of the same class, so a
 * command fails with the message of the server.
 */
#include "cli/endpoint.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "cli/token_file.h"
#include "http/url.h"

#define REQUEST_MS 15000

#define AUTHORIZATION "Authorization: Bearer "

static enum error_class take_token(
	struct endpoint *endpoint, const struct settings *settings, struct error *error)
{
	char text[TOKEN_TEXT_SIZE] = "";

	if (settings->token != NULL && !text_copy(text, sizeof(text), settings->token))
		return error_set(
			error, ERROR_INVALID_INPUT, "SLIPWAY_TOKEN is too long for a token");
	if (settings->token == NULL && token_file_find(settings->url, text, error) != ERROR_NONE)
		return error->class;
	if (text[strcspn(text, "\r\n")] != '\0')
		return error_set(error, ERROR_INVALID_INPUT, "SLIPWAY_TOKEN is no token");
	if (text[0] != '\0')
		text_format(endpoint->authorization, sizeof(endpoint->authorization),
			AUTHORIZATION "%s", text);
	sodium_memzero(text, sizeof(text));
	return endpoint->authorization[0] != '\0'
		? redact_add(endpoint->authorization + sizeof(AUTHORIZATION) - 1, error)
		: ERROR_NONE;
}

enum error_class endpoint_open(
	struct endpoint *endpoint, const struct settings *settings, struct error *error)
{
	*endpoint = ENDPOINT_EMPTY;
	endpoint->url = settings->url;
	if (take_token(endpoint, settings, error) != ERROR_NONE ||
		http_client_new(&endpoint->client, error) != ERROR_NONE)
		return error->class;
	http_client_trust(endpoint->client, settings->ca_file);
	return ERROR_NONE;
}

/* The header with the token; NULL where there is none. */
static const char *authorization_of(const struct endpoint *endpoint)
{
	return text_or_null(endpoint->authorization);
}

void endpoint_close(struct endpoint *endpoint)
{
	http_client_free(endpoint->client);
	endpoint->client = NULL;
	sodium_memzero(endpoint->authorization, sizeof(endpoint->authorization));
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
	if (class == ERROR_UNAUTHORIZED)
		error_remedy(error, NULL,
			"Give a token that is valid here: 'slipway login' keeps one, --token-file "
			"or SLIPWAY_TOKEN_FILE names a file that has one.");
	error->http_status = response->status;
	error->retry_after_ms = response->retry_after_ms;
	return class;
}

/* The tag within its quotes, weak or not; "" where it is none of ours. */
static void take_tag(const struct http_response *response, char ret_tag[ENDPOINT_TAG_SIZE])
{
	const char *begin = strchr(http_response_header(response, "etag"), '"');
	size_t length = begin != NULL ? strcspn(begin + 1, "\"") : 0;

	if (!text_format(ret_tag, ENDPOINT_TAG_SIZE, "%.*s", (int)length,
		    begin != NULL ? begin + 1 : ""))
		ret_tag[0] = '\0';
}

static enum error_class exchange(const struct endpoint *endpoint,
	const struct http_request *request, char ret_tag[ENDPOINT_TAG_SIZE], cJSON **ret_json,
	cJSON **ret_problem, struct error *error)
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

	take_tag(&response, ret_tag);
	http_response_release(&response);
	*(class != ERROR_NONE ? ret_problem : ret_json) = json;
	return class;
}

enum error_class endpoint_get(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error)
{
	char tag[ENDPOINT_TAG_SIZE];
	return endpoint_get_tagged(endpoint, path, query, tag, ret_json, error);
}

enum error_class endpoint_get_tagged(const struct endpoint *endpoint, const char *path,
	const struct string_pair *query, char ret_tag[ENDPOINT_TAG_SIZE], cJSON **ret_json,
	struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *problem = NULL;
	struct provider_request wanted = { .path = path };
	struct http_request request = { .headers = { authorization_of(endpoint) },
		.kept_headers = { "etag" },
		.deadline_at = clock_monotonic_ms() + REQUEST_MS,
		.allow_loopback = true };

	for (size_t i = 0; query != NULL && i < PROVIDER_PARAMETERS && query[i].name != NULL; i++)
		wanted.query[i] = query[i];
	if (url_build(endpoint->url, &wanted, NULL, &arena, &request.url, error) != ERROR_NONE)
		return error->class;
	return exchange(endpoint, &request, ret_tag, ret_json, &problem, error);
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
		.headers = { "Content-Type: application/json", authorization_of(endpoint) },
		.deadline_at = clock_monotonic_ms() + REQUEST_MS,
		.allow_loopback = true };

	*ret_problem = NULL;
	if (url_build(endpoint->url, &wanted, NULL, &arena, &request.url, error) != ERROR_NONE)
		return error->class;
	request.body = json_print(&arena, body);
	if (request.body == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	char tag[ENDPOINT_TAG_SIZE];
	return exchange(endpoint, &request, tag, ret_json, ret_problem, error);
}
