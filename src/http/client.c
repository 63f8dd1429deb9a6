/*
 * A handle of libcurl for each request, with every limit set: one that is used again remembers of
 * the response before, and libcurl 7.88 reads freed memory there where a header begins with a
 * blank. Connections and names are kept by the handle of handles that a process has, sessions of
 * TLS beside it. Redirects are followed by this file, and only on the same host, so that no
 * credential reaches another.
 */
#include "http/client.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/wiping.h"
#include "http/address.h"
#include "http/url.h"

#define CONNECT_TIMEOUT_MS 10000L
#define LOOK_MS            1000 /* between two looks at whether the run is still ours */
#define STALL_BYTES        1L
#define STALL_SECONDS      30L
#define WAIT_MAX_SECONDS   86400
#define REDIRECTS_MAX      3
#define DATE_LAST_SECONDS  INT64_C(253402300799) /* of the year 9999 */

struct http_client {
	CURLM *connections; /* has sockets: NULL until the first request */
	CURLSH *sessions;   /* of TLS */
	CURL *handle;       /* of the request under way */
	struct http_guard guard;
	const char *ca_file; /* NULL: the system's authorities */
};

/* One transfer, as the callbacks see it. */
struct transfer {
	const struct http_client *client;
	const struct http_request *request;
	struct buffer *body;
	bool too_large, no_memory; /* why the body was refused */
	bool refused_address;
	bool refused; /* by the guard, before it was sent */
};

static void *allocate_for_crypto(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void *reallocate_for_crypto(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	/* As OpenSSL's own: nothing is left of what is made nothing. */
	if (memory != NULL && size == 0) {
		wiping_free(memory);
		return NULL;
	}
	return wiping_realloc(memory, size);
}

static void free_for_crypto(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	wiping_free(memory);
}

/* Tokens, keys and secrets go through the memory of both. Where OpenSSL has taken some before, it
 * keeps its own way. */
enum error_class http_prepare(struct error *error)
{
	(void)CRYPTO_set_mem_functions(allocate_for_crypto, reallocate_for_crypto, free_for_crypto);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_realloc,
		    wiping_strdup, wiping_calloc) != CURLE_OK)
		return error_set(error, ERROR_OUT_OF_MEMORY, "libcurl cannot start");
	return ERROR_NONE;
}

enum error_class http_client_new(struct http_client **ret_client, struct error *error)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for an HTTP client");
	if (http_prepare(error) != ERROR_NONE) {
		free(client);
		return error->class;
	}
	client->sessions = curl_share_init();
	if (client->sessions == NULL ||
		curl_share_setopt(client->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
			CURLSHE_OK) {
		http_client_free(client);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for libcurl");
	}

	*ret_client = client;
	return ERROR_NONE;
}

void http_client_guard(struct http_client *client, const struct http_guard *guard)
{
	client->guard = *guard;
}

void http_client_trust(struct http_client *client, const char *ca_file)
{
	client->ca_file = ca_file;
}

static bool may_begin(const struct http_guard *guard, enum http_method method)
{
	return guard->begin == NULL || guard->begin(guard->context, method != HTTP_GET);
}

static bool may_go_on(const struct http_guard *guard)
{
	return guard->may_go_on == NULL || guard->may_go_on(guard->context);
}

static void end_guarded(const struct http_guard *guard)
{
	if (guard->end != NULL)
		guard->end(guard->context);
}

static void drop_handle(struct http_client *client)
{
	curl_easy_cleanup(client->handle);
	client->handle = NULL;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	drop_handle(client);
	curl_multi_cleanup(client->connections);
	curl_share_cleanup(client->sessions);
	curl_global_cleanup();
	free(client);
}

static size_t body_max(const struct http_request *request)
{
	return request->body_max != 0 ? request->body_max : HTTP_BODY_MAX;
}

/* ---- one exchange ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	if (buffer_append(transfer->body, bytes, size * count))
		return size * count;
	transfer->too_large = transfer->body->full;
	transfer->no_memory = !transfer->too_large;
	return 0;
}

/* Called at least once a second while a transfer runs; other than 0 aborts it. */
static int on_progress(void *context, curl_off_t to_receive, curl_off_t received,
	curl_off_t to_send, curl_off_t sent)
{
	const struct transfer *transfer = context;
	(void)to_receive;
	(void)received;
	(void)to_send;
	(void)sent;
	return may_go_on(&transfer->client->guard) ? 0 : 1;
}

static bool may_reach(const struct http_request *request, const struct sockaddr *address)
{
	return request->reach != HTTP_REACH_PUBLIC || address_is_public(address) ||
		(request->allow_loopback && address_is_loopback(address));
}

/* Looks at the very address that libcurl is about to connect to, for a name may resolve to
 * anything. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	(void)purpose;
	if (!may_reach(transfer->request, &address->addr)) {
		transfer->refused_address = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void header_text(CURL *handle, const char *name, char *target, size_t size)
{
	struct curl_header *header;
	if (curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		redact_copy(target, size, header->value);
}

static int64_t header_integer(CURL *handle, const char *name, int64_t otherwise)
{
	char text[32] = "";
	int64_t value;
	header_text(handle, name, text, sizeof(text));
	return text_to_integer(text, &value) ? value : otherwise;
}

static void keep_headers(
	CURL *handle, const struct http_request *request, struct http_response *response)
{
	for (size_t i = 0; i < HTTP_KEPT_MAX && request->kept_headers[i] != NULL; i++) {
		header_text(handle, request->kept_headers[i], response->kept[i].value,
			sizeof(response->kept[i].value));
		if (response->kept[i].value[0] != '\0')
			response->kept[i].name = request->kept_headers[i];
	}
}

/* ms since 1970; 0: none. A year of HTTP has four digits, and nobody's clock is before 1970: what
 * curl_getdate makes of anything else is no time to reckon with. */
static int64_t date_header(CURL *handle)
{
	char date[64] = "";

	header_text(handle, "date", date, sizeof(date));
	time_t seconds = date[0] != '\0' ? curl_getdate(date, NULL) : -1;
	return seconds >= 0 && seconds <= DATE_LAST_SECONDS ? (int64_t)seconds * 1000 : 0;
}

static void read_headers(CURL *handle, struct http_response *response)
{
	curl_off_t retry_after = 0;

	curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);

	/* More than a day is not believed; a date in the past is less than nothing. */
	retry_after = retry_after < 0 ? 0 : retry_after;
	response->retry_after_ms =
		(int64_t)(retry_after < WAIT_MAX_SECONDS ? retry_after : WAIT_MAX_SECONDS) * 1000;
	response->limit_remaining = header_integer(handle, "x-ratelimit-remaining", -1);
	int64_t reset = header_integer(handle, "x-ratelimit-reset", 0);
	response->date_at = date_header(handle);

	/* The provider's reset and Date are of one clock; ours does not matter. */
	int64_t now = (response->date_at > 0 ? response->date_at : clock_wall_ms()) / 1000;
	int64_t left = reset > now ? reset - now : 0;
	response->limit_reset_ms = (left < WAIT_MAX_SECONDS ? left : WAIT_MAX_SECONDS) * 1000;
}

/*
 * The options that libcurl copies, for which memory may be short. Without its method a DELETE would
 * go out as a POST, and without its protocols it would take any: so each of them has to hold.
 */
static bool set_texts(CURL *handle, const struct transfer *transfer, const char *url)
{
	const struct http_request *request = transfer->request;
	const struct {
		CURLoption option;
		const char *text; /* NULL: left as it is */
	} texts[] = {
		{ CURLOPT_URL, url },
		{ CURLOPT_CUSTOMREQUEST, http_method_name(request->method) },
		{ CURLOPT_USERAGENT, "slipway/" SLIPWAY_VERSION },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_ACCEPT_ENCODING, "" },
		{ CURLOPT_CAINFO, transfer->client->ca_file },
		{ CURLOPT_NOPROXY, "localhost,127.0.0.1,::1" },
		/* Through a proxy, the address that is reached could not be looked at. */
		{ CURLOPT_PROXY, request->reach == HTTP_REACH_PUBLIC ? "" : NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].text != NULL &&
			curl_easy_setopt(handle, texts[i].option, texts[i].text) != CURLE_OK)
			return false;
	return true;
}

/* False where memory is short: nothing may be sent. */
static bool set_options(CURL *handle, const struct http_request *request, const char *url,
	struct transfer *transfer, struct curl_slist *headers)
{
	int64_t left = request->deadline_at - clock_monotonic_ms();

	if (curl_easy_setopt(handle, CURLOPT_SHARE, transfer->client->sessions) != CURLE_OK)
		return false;
	if (request->method != HTTP_GET)
		curl_easy_setopt(
			handle, CURLOPT_POSTFIELDS, request->body != NULL ? request->body : "");
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES);
	curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, transfer);

	/*
	 * The address of a reused connection was checked for another request, not for this one. And
	 * if a reused connection dies without a response, libcurl repeats the request by itself,
	 * which a request that changes something must not do.
	 */
	if (request->reach == HTTP_REACH_PUBLIC || request->method != HTTP_GET)
		curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
	return set_texts(handle, transfer, url);
}

/*
 * Reports a URL from a client verbatim and last: it may contain a secret, redaction matches whole
 * values, and it may be long.
 */
static enum error_class fail_without_response(const struct http_request *request,
	const struct url_parts *parts, enum error_class class, const char *why, struct error *error)
{
	const char *method = http_method_name(request->method);
	if (request->reach == HTTP_REACH_PUBLIC)
		return error_set(error, class, "%s: %s %s", why, method, request->url);
	const char *usual = strcmp(parts->scheme, "https") == 0 ? "443" : "80";
	const bool named = strcmp(parts->port, usual) != 0;
	return error_set(error, class, "%s %s%s%s%s: %s", method, parts->host, named ? ":" : "",
		named ? parts->port : "", parts->path, why);
}

static enum error_class transfer_failed(const struct transfer *transfer, CURLcode code,
	const struct url_parts *parts, struct error *error)
{
	const struct http_request *request = transfer->request;

	if (transfer->too_large) {
		char why[64];
		text_format(why, sizeof(why), "the response is larger than %zu bytes",
			body_max(request));
		return fail_without_response(
			request, parts, ERROR_PROVIDER_UNAVAILABLE, why, error);
	}

	if (transfer->refused_address) {
		fail_without_response(request, parts, ERROR_INVALID_INPUT,
			"the host has an address of this machine or of a private network", error);
		return error_remedy(error, NULL, "Give a URL with a public address.");
	}

	if (code == CURLE_ABORTED_BY_CALLBACK) {
		fail_without_response(request, parts, ERROR_LEASE_LOST,
			"the run is to end, or another worker has it", error);
		error->unsent = transfer->refused;
		return error->class;
	}

	/* A host that does not even take the connection cannot be reached. */
	curl_off_t connected_us = 0;
	curl_easy_getinfo(transfer->client->handle, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	bool timed_out = code == CURLE_OPERATION_TIMEDOUT && connected_us > 0;
	enum error_class class = timed_out                           ? ERROR_TIMEOUT
		: code == CURLE_OUT_OF_MEMORY || transfer->no_memory ? ERROR_OUT_OF_MEMORY
								     : ERROR_NETWORK;
	return fail_without_response(request, parts, class, curl_easy_strerror(code), error);
}

/* False: no memory. */
static bool begin_handle(struct http_client *client)
{
	drop_handle(client);
	client->handle = curl_easy_init();
	if (client->connections == NULL)
		client->connections = curl_multi_init();
	return client->handle != NULL && client->connections != NULL;
}

/* As curl_easy_perform, but for the connections. */
static CURLcode transfer_whole(struct http_client *client)
{
	CURLMcode code = curl_multi_add_handle(client->connections, client->handle);
	CURLcode result = CURLE_OUT_OF_MEMORY;
	const CURLMsg *message;
	int running = 1, left;

	if (code != CURLM_OK)
		return result;
	while (code == CURLM_OK && running > 0) {
		code = curl_multi_perform(client->connections, &running);
		if (code == CURLM_OK && running > 0)
			code = curl_multi_poll(client->connections, NULL, 0, LOOK_MS, NULL);
	}
	while ((message = curl_multi_info_read(client->connections, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			result = message->data.result;
	curl_multi_remove_handle(client->connections, client->handle);
	return result;
}

static CURLcode perform(struct http_client *client, struct transfer *transfer)
{
	enum http_method method = transfer->request->method;
	const struct http_guard *guard = &client->guard;

	if (failpoint("provider.before", http_method_name(method)))
		return CURLE_COULDNT_CONNECT;
	/* As late as possible: the process may have been suspended for longer than its lease. */
	transfer->refused = !may_begin(guard, method) || !may_go_on(guard);
	CURLcode code = transfer->refused ? CURLE_ABORTED_BY_CALLBACK : transfer_whole(client);
	end_guarded(guard);
	return failpoint("provider.after", http_method_name(method)) ? CURLE_RECV_ERROR : code;
}

/* libcurl takes any number that a line which begins with HTTP/ has for a status. */
static CURLcode read_status(CURL *handle, struct http_response *response)
{
	long status = 0;

	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	if (status < 100 || status > 999)
		return CURLE_WEIRD_SERVER_REPLY;
	response->status = (int)status;
	return CURLE_OK;
}

static enum error_class exchange(struct http_client *client, const struct http_request *request,
	const char *url, const struct url_parts *parts, struct http_response *response,
	struct error *error)
{
	struct transfer transfer = {
		.client = client, .request = request, .body = &response->body
	};
	struct curl_slist *headers = NULL;
	bool complete = true;

	/* libcurl would call an empty body a form. */
	if (request->method != HTTP_GET && request->body == NULL) {
		headers = curl_slist_append(NULL, "Content-Type:");
		complete = headers != NULL;
	}

	for (size_t i = 0; complete && i < HTTP_HEADERS_MAX && request->headers[i] != NULL; i++) {
		struct curl_slist *longer = curl_slist_append(headers, request->headers[i]);
		complete = longer != NULL;
		headers = complete ? longer : headers;
	}

	enum error_class class = ERROR_NONE;
	if (!complete || !begin_handle(client) ||
		!set_options(client->handle, request, url, &transfer, headers)) {
		class = error_set(error, ERROR_OUT_OF_MEMORY, "out of memory for a request");
	} else {
		CURLcode code = perform(client, &transfer);
		if (code == CURLE_OK)
			code = read_status(client->handle, response);
		if (code != CURLE_OK)
			class = transfer_failed(&transfer, code, parts, error);
	}

	if (class == ERROR_NONE) {
		read_headers(client->handle, response);
		keep_headers(client->handle, request, response);
	}

	curl_slist_free_all(headers);
	return class;
}

/* ---- redirects ---- */

static bool is_redirect(enum http_method method, int status)
{
	if (status == 307 || status == 308)
		return true;
	return method == HTTP_GET && (status == 301 || status == 302);
}

static bool same_peer(const struct url_parts *one, const struct url_parts *two)
{
	if (one->scheme == NULL || two->scheme == NULL)
		return false;
	return strcmp(one->scheme, two->scheme) == 0 && strcmp(one->host, two->host) == 0 &&
		strcmp(one->port, two->port) == 0;
}

/* Follows the redirect if the request may go there; otherwise keeps the response as it is. */
static char *redirect_target(struct http_client *client, const struct http_request *request,
	const struct http_response *response, const struct url_parts *from, struct arena *arena)
{
	char *target = NULL;
	struct url_parts to;
	struct error ignored;

	if (!is_redirect(request->method, response->status))
		return NULL;
	if (curl_easy_getinfo(client->handle, CURLINFO_REDIRECT_URL, &target) != CURLE_OK ||
		target == NULL)
		return NULL;
	bool allowed = url_check(target, request->allow_loopback, &to, &ignored) == ERROR_NONE &&
		same_peer(from, &to) &&
		(request->may_follow == NULL || request->may_follow(request->follow_data, target));
	url_parts_release(&to);

	/* The handle's own text goes with it. */
	return allowed ? arena_string(arena, target) : NULL;
}

static enum error_class send_following(struct http_client *client,
	const struct http_request *request, struct arena *arena, struct http_response *response,
	struct error *error)
{
	const char *url = request->url;

	for (int hops = 0;; hops++) {
		struct url_parts parts;
		const char *next = NULL;
		memset(response, 0, sizeof(*response));
		buffer_init(&response->body, body_max(request));
		enum error_class class = url_check(url, request->allow_loopback, &parts, error);
		if (class == ERROR_NONE)
			class = exchange(client, request, url, &parts, response, error);
		if (class == ERROR_NONE && hops < REDIRECTS_MAX)
			next = redirect_target(client, request, response, &parts, arena);
		response->redirected = hops > 0;
		url_parts_release(&parts);
		if (class != ERROR_NONE || next != NULL)
			http_response_release(response);
		if (next == NULL)
			return class;
		url = next;
	}
}

enum error_class http_send(struct http_client *client, const struct http_request *request,
	struct http_response *ret_response, struct error *error)
{
	struct arena redirects;
	arena_init(&redirects, 0);
	enum error_class class = send_following(client, request, &redirects, ret_response, error);
	arena_release(&redirects);
	drop_handle(client);
	return class;
}
