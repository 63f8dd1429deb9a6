/*
 * Sends one call in a provider's manner, and decides by the provider's own table what a refusal
 * means. It knows no action.
 */
#include "provider/provider.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "http/trace.h"
#include "http/url.h"
#include "provider/allowance.h"
#include "provider/connected.h"
#include "provider/refusal.h"

#define DAY_MS       INT64_C(86400000)
#define ENDS_SOON_MS (14 * DAY_MS)

bool credential_ends_soon(int64_t expires_at, char when[CREDENTIAL_END_SIZE])
{
	char date[CLOCK_DATE_SIZE];
	int64_t left_ms = expires_at - clock_wall_ms(), days = left_ms / DAY_MS;

	if (expires_at <= 0 || left_ms > ENDS_SOON_MS)
		return false;
	clock_format_date(expires_at, date);
	if (days <= 0)
		text_format(when, CREDENTIAL_END_SIZE, "on %s, in less than a day", date);
	else
		text_format(when, CREDENTIAL_END_SIZE, "on %s, in %d %s", date, (int)days,
			days == 1 ? "day" : "days");
	return true;
}

/* ---- the request ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

static enum error_class encode_array(
	const struct provider_request *request, cJSON **ret_json, struct error *error)
{
	cJSON *array = cJSON_CreateArray();

	if (array == NULL)
		return no_memory(error);
	for (size_t i = 0; i < request->body_count; i++) {
		cJSON *item = NULL;
		const char *data = (const char *)request->body + i * request->body_record->size;
		if (record_encode(request->body_record, data, &item, error) != ERROR_NONE ||
			!json_append(array, item)) {
			cJSON_Delete(array);
			return no_memory(error);
		}
	}

	*ret_json = array;
	return ERROR_NONE;
}

enum error_class request_body(
	const struct provider_request *request, cJSON **ret_json, struct error *error)
{
	*ret_json = NULL;
	if (request->body_record == NULL)
		return ERROR_NONE;
	return request->body_count > 0
		? encode_array(request, ret_json, error)
		: record_encode(request->body_record, request->body, ret_json, error);
}

static enum error_class print_body(const struct provider_request *request, struct arena *arena,
	const char **ret_body, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	*ret_body = NULL;
	if (request_body(request, &json, error) != ERROR_NONE)
		return error->class;
	if (json == NULL)
		return ERROR_NONE;
	*ret_body = json_print(arena, json);
	return *ret_body != NULL ? ERROR_NONE : no_memory(error);
}

const char *request_path(const struct provider_request *request, struct arena *arena)
{
	const char *text = "", *rest = request->path;

	for (size_t i = 0;
		text != NULL && i < PROVIDER_PARAMETERS && request->parameters[i] != NULL; i++) {
		const char *open = strchr(rest, '{'),
			   *close = open != NULL ? strchr(open, '}') : NULL;
		if (close == NULL)
			break;
		text = arena_format(
			arena, "%s%.*s%s", text, (int)(open - rest), rest, request->parameters[i]);
		rest = close + 1;
	}

	return text != NULL ? arena_format(arena, "%s%s", text, rest) : NULL;
}

static void keep_headers(const struct provider *provider, struct http_request *http)
{
	const char *const names[] = { provider->request_id_header, provider->sign_on_header,
		provider->permissions_header, provider->expiry_header, provider->scopes_header };
	size_t next = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && next < HTTP_KEPT_MAX; i++)
		if (names[i] != NULL)
			http->kept_headers[next++] = names[i];
}

static enum error_class fill_request(const struct provider_exchange *exchange,
	const struct provider_request *request, const char *token, struct http_request *http,
	struct error *error)
{
	const struct provider *provider = exchange->provider;
	const struct provider_access *access = exchange->access;
	size_t next = 0;
	struct string_pair scope = { NULL, NULL };

	if (provider->scope != NULL && access->scope != NULL && !request->unscoped)
		scope = provider->scope(access->scope);
	if (print_body(request, exchange->arena, &http->body, error) != ERROR_NONE ||
		url_build(access->base_url, request, &scope, exchange->arena, &http->url, error) !=
			ERROR_NONE)
		return error->class;
	http->method = request->method;
	http->headers[next] = arena_format(exchange->arena, "Authorization: Bearer %s", token);
	if (http->headers[next++] == NULL)
		return no_memory(error);
	keep_headers(provider, http);
	for (size_t i = 0; i < ARRAY_LEN(provider->headers) && provider->headers[i] != NULL; i++)
		http->headers[next++] = provider->headers[i];
	if (http->body != NULL)
		http->headers[next++] = "Content-Type: application/json";
	return ERROR_NONE;
}

/* ---- the response ---- */

static bool is_expected(const struct provider_request *request, int status)
{
	if (status >= 200 && status < 300)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(request->expect); i++)
		if (request->expect[i] == status && status != 0)
			return true;
	return false;
}

static enum error_class copy_response(const struct provider_exchange *exchange,
	const struct http_response *http, struct provider_response *response, struct error *error)
{
	const struct provider *provider = exchange->provider;
	struct arena *arena = exchange->arena;

	*response = (struct provider_response){ .status = http->status,
		.body = arena_copy(arena, buffer_text(&http->body), http->body.length),
		.body_length = http->body.length,
		.code = "",
		.message = "",
		.request_id = arena_string(arena,
			http_response_header(
				http, provider != NULL ? provider->request_id_header : NULL)),
		.limit_remaining = http->limit_remaining,
		.redirected = http->redirected,
		.date_at = http->date_at };
	return response->body != NULL && response->request_id != NULL ? ERROR_NONE
								      : no_memory(error);
}

static enum error_class read_response(const struct provider_exchange *exchange,
	const struct provider_request *request, struct http_response *http,
	struct provider_response *response, struct error *error)
{
	struct refusal_body body;
	int64_t limited_ms;

	if (http->status >= 200 && http->status < 300)
		return copy_response(exchange, http, response, error);
	refusal_read(exchange->provider, http, &body);

	/* A rate limit is never the caller's, though it expects the status. */
	if (!is_expected(request, http->status) ||
		exchange->provider->is_limited(http, &body, &limited_ms) ||
		refusal_is_final(exchange->provider, http->status, &body))
		return refusal_error(exchange, request, http, &body, error);
	if (copy_response(exchange, http, response, error) != ERROR_NONE)
		return error->class;
	response->late = refusal_is_late(exchange, http->status, &body);
	response->code = arena_string(exchange->arena, body.code);
	response->message = arena_string(exchange->arena, body.message);
	return response->code != NULL && response->message != NULL ? ERROR_NONE : no_memory(error);
}

static int64_t call_deadline(const struct provider_exchange *exchange, int64_t timeout_ms)
{
	int64_t call = clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : PROVIDER_CALL_MS);
	return call < exchange->deadline_at ? call : exchange->deadline_at;
}

/* response is NULL where none came. */
static void keep_record(const struct provider_exchange *exchange, const char *token,
	const struct http_request *http, const struct http_response *response, int64_t began_ms,
	const struct error *error)
{
	struct error failed;
	const char *folder = exchange->settings->record_folder;
	const struct http_record record = { .provider = exchange->provider->id,
		.request_id_header = exchange->provider->request_id_header,
		.secret_members = exchange->provider->secret_members,
		.token = token,
		.request = http,
		.response = response,
		.failure = error,
		.took_ms = clock_monotonic_ms() - began_ms };

	if (folder != NULL && http_record_write(folder, &record, &failed) != ERROR_NONE &&
		exchange->record_failed != NULL)
		exchange->record_failed("exchange not recorded", &failed);
}

/* Sends it and tells of it. */
static enum error_class send_told(const struct provider_exchange *exchange,
	const struct http_request *http, const char *path, struct http_response *ret_response,
	struct error *error)
{
	int64_t began = clock_monotonic_ms();
	enum error_class class = http_send(exchange->client, http, ret_response, error);
	bool answered = class == ERROR_NONE;
	const char *id_header =
		exchange->provider != NULL ? exchange->provider->request_id_header : NULL;
	const struct provider_call_facts facts = {
		.provider = exchange->provider != NULL ? exchange->provider->id : NULL,
		.method = http->method,
		.path = path,
		.status = answered ? ret_response->status : 0,
		.request_id = answered ? http_response_header(ret_response, id_header) : "",
		.class = class,
		.took_ms = clock_monotonic_ms() - began,
	};

	if (exchange->called != NULL)
		exchange->called(exchange->called_data, &facts);
	return class;
}

static void take_notice(const struct provider_exchange *exchange, const struct http_response *http)
{
	const struct provider *provider = exchange->provider;
	struct credential_notice *notice = exchange->notice;

	if (notice == NULL)
		return;
	/* A token that is made for the call always ends soon. */
	if (exchange->access->token != NULL)
		notice->expires_at =
			clock_parse_header(http_response_header(http, provider->expiry_header));
	text_copy(notice->scopes, sizeof(notice->scopes),
		http_response_header(http, provider->scopes_header));
	text_copy(notice->sign_on, sizeof(notice->sign_on),
		http_response_header(http, provider->sign_on_header));
}

/* That of one call, and where it was led that the connection does not allow. */
struct following {
	const struct provider_exchange *exchange;
	enum http_method method;
	const char *refused; /* the path; NULL: it was not */
};

static bool may_follow(void *data, const char *url)
{
	struct following *following = data;

	if (allowance_follows(following->exchange, following->method, url))
		return true;
	const char *host = strstr(url, "://"), *path = host != NULL ? strchr(host + 3, '/') : NULL;
	const char *copy = path != NULL ? arena_string(following->exchange->arena, path) : NULL;
	following->refused = copy != NULL ? copy : "another place";
	return false;
}

static enum error_class refuse_redirect(const struct following *following,
	const struct provider_request *request, struct error *error)
{
	const struct provider_exchange *exchange = following->exchange;
	const struct connection *connection = exchange->access->connection;
	const char *path = request_path(request, exchange->arena);
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_NOT_ALLOWED,
		"%s sends %s %s on to %s: what stood there was renamed or moved. The call was not "
		"repeated, for the connection '%s' does not say that it is for what stands there "
		"now",
		exchange->provider->name, http_method_name(request->method),
		path != NULL ? path : request->path, following->refused, connection->name);
	return error_remedy(error, NULL,
		"Give the step the name that it has at %s now; where no list of the connection has "
		"that, an operator adds it by %s. Or give it its old name again.",
		exchange->provider->name, connection_command(connection, "--replace", command));
}

static enum error_class send_with(const struct provider_exchange *exchange,
	const struct provider_request *request, const char *token,
	struct provider_response *ret_response, struct error *error)
{
	struct following following = { .exchange = exchange, .method = request->method };
	struct http_request http = { .deadline_at = call_deadline(exchange, 0),
		.reach = HTTP_REACH_CONFIGURED,
		.allow_loopback = exchange->settings->allow_loopback,
		.may_follow = may_follow,
		.follow_data = &following };
	struct http_response response;

	if (fill_request(exchange, request, token, &http, error) != ERROR_NONE)
		return error->class;
	int64_t began = clock_monotonic_ms();
	enum error_class class = send_told(exchange, &http, request->path, &response, error);
	keep_record(exchange, token, &http, class == ERROR_NONE ? &response : NULL, began, error);
	if (class != ERROR_NONE)
		return class;
	take_notice(exchange, &response);
	class = following.refused != NULL
		? refuse_redirect(&following, request, error)
		: read_response(exchange, request, &response, ret_response, error);
	http_response_release(&response);
	return class;
}

/* A token made for the call. If it was revoked or expired early, one more is made. */
static enum error_class send_with_minted(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *ret_response,
	struct error *error)
{
	const struct provider *provider = exchange->provider;
	const char *token;

	for (int tries = 0; tries < 2; tries++) {
		if (provider->mint(exchange, request, tries > 0, &token, error) != ERROR_NONE) {
			/* Nor was what was sent with a token that is good no more taken. */
			error->unsent = true;
			return error->class;
		}

		enum error_class class = send_with(exchange, request, token, ret_response, error);
		const char *page = class == ERROR_SCOPE_MISSING && error->remedy_url[0] == '\0'
			? provider->grant_page(exchange)
			: NULL;
		if (page != NULL)
			text_copy(error->remedy_url, sizeof(error->remedy_url), page);
		if (class != ERROR_AUTH_EXPIRED)
			return class;
	}

	/* Seen of fresh tokens
	 * for some seconds: https://github.com/octokit/auth-app.js/issues/65 */
	error_set(error, ERROR_PROVIDER_UNAVAILABLE,
		"%s does not take a token that it has just made", provider->name);
	error->http_status = 401;
	return error->class;
}

static enum error_class refuse_tokenless(const struct provider *provider, struct error *error)
{
	error_set(error, ERROR_AUTH_MISSING, "the workers have no token for %s", provider->name);
	error->unsent = true;
	return error_remedy(error, NULL, "Set %s_FILE for slipway-worker and restart it.",
		provider->token_setting);
}

static enum error_class refuse_as(const struct provider_exchange *exchange, struct error *error)
{
	text_copy(error->provider, sizeof(error->provider), exchange->provider->id);
	return connected_error(exchange->access->connection, error);
}

enum error_class provider_send(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *ret_response,
	struct error *error)
{
	const struct provider *provider = exchange->provider;
	const struct provider_access *access = exchange->access;
	enum error_class class = allowance_check(exchange, request, false, error);

	if (class != ERROR_NONE)
		return class;
	if (access->token != NULL)
		class = send_with(exchange, request, access->token, ret_response, error);
	else if (provider->mint != NULL && access->account != NULL)
		class = send_with_minted(exchange, request, ret_response, error);
	else
		class = refuse_tokenless(provider, error);
	if (class != ERROR_NONE)
		return refuse_as(exchange, error);
	allowance_learn(exchange, request, ret_response);
	return ERROR_NONE;
}

enum error_class provider_check_grant(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error)
{
	const struct provider *provider = exchange->provider;
	const struct provider_access *access = exchange->access;

	if (access->token != NULL)
		return ERROR_NONE;
	enum error_class class = provider->mint != NULL && access->account != NULL
		? provider->check_grant(exchange, request, error)
		: refuse_tokenless(provider, error);
	return class != ERROR_NONE ? refuse_as(exchange, error) : ERROR_NONE;
}

/* A line break would begin another header. */
static bool is_header_value(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			return false;
	return true;
}

static enum error_class check_headers(const struct string_map *headers, struct error *error)
{
	if (headers->count > URL_HEADERS_MAX)
		return error_set(error, ERROR_INVALID_INPUT, "a request has more than %d headers",
			URL_HEADERS_MAX);
	for (size_t i = 0; i < headers->count; i++)
		if (!is_header_value(headers->items[i].name) ||
			!is_header_value(headers->items[i].value))
			return error_set(error, ERROR_INVALID_INPUT,
				"the value of %s has control characters", headers->items[i].name);
	return ERROR_NONE;
}

static enum error_class check_url_request(const struct url_request *request, struct error *error)
{
	if (request->url == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "there is no URL to send to");
	if (request->method == HTTP_GET && request->body != NULL) {
		error_set(error, ERROR_INVALID_INPUT, "a GET has no body");
		return error_remedy(error, NULL, "Leave the body out, or take another method.");
	}

	if (request->content_type != NULL && !is_header_value(request->content_type)) {
		error_set(error, ERROR_INVALID_INPUT, "the content type has control characters");
		return error_remedy(error, NULL, "Give a content type such as application/json.");
	}

	return check_headers(&request->headers, error);
}

static enum error_class add_header(struct http_request *http, struct arena *arena, const char *name,
	const char *value, struct error *error)
{
	size_t next = 0;
	while (http->headers[next] != NULL)
		next++;
	http->headers[next] = arena_format(arena, "%s: %s", name, value);
	return http->headers[next] != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class url_send(const struct provider_exchange *exchange,
	const struct url_request *request, struct provider_response *ret_response,
	struct error *error)
{
	const char *type =
		request->content_type != NULL ? request->content_type : "text/plain; charset=utf-8";
	struct http_request http = { .method = request->method,
		.url = request->url,
		.body = request->body,
		.deadline_at = call_deadline(exchange, request->timeout_ms),
		.body_max = request->body_max,
		.reach = HTTP_REACH_PUBLIC,
		.allow_loopback = exchange->settings->allow_loopback };
	struct http_response response;

	if (check_url_request(request, error) != ERROR_NONE)
		return error->class;
	if (request->body != NULL &&
		add_header(&http, exchange->arena, "Content-Type", type, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < request->headers.count; i++)
		if (add_header(&http, exchange->arena, request->headers.items[i].name,
			    request->headers.items[i].value, error) != ERROR_NONE)
			return error->class;
	if (send_told(exchange, &http, NULL, &response, error) != ERROR_NONE)
		return error->class;
	enum error_class class = copy_response(exchange, &response, ret_response, error);
	http_response_release(&response);
	return class;
}
