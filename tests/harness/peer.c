#include "harness/peer.h"

#include <check.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/json_text.h"

#define ROWS_MAX      64
#define REQUESTS_MAX  256
#define SOCKETS_MAX   64
#define OVERFLOW_SIZE (5U << 20)
#define SETTLE_PATH   "/peer-settle"

/* A request that is coming in. */
struct exchange {
	struct peer_request request;
	size_t length;
	bool begun;
};

struct peer {
	struct MHD_Daemon *daemon;
	char url[64];
	pthread_mutex_t mutex;
	pthread_cond_t stopping;
	bool stopped;
	const struct peer_row *rows;
	int used[ROWS_MAX];
	struct peer_request requests[REQUESTS_MAX];
	size_t count;
	struct sockaddr_in address;
	int sockets[SOCKETS_MAX]; /* of its connections */
	size_t socket_count;
};

static bool same_path(const char *uri, const char *path)
{
	size_t length = strchr(path, '?') != NULL ? strlen(uri) : strcspn(uri, "?");
	return strlen(path) == length && strncmp(uri, path, length) == 0;
}

static const struct peer_row *take_row(struct peer *peer, const struct peer_request *request)
{
	const struct peer_row *row = NULL;
	pthread_mutex_lock(&peer->mutex);
	if (peer->count < REQUESTS_MAX && strcmp(request->uri, SETTLE_PATH) != 0)
		peer->requests[peer->count++] = *request;
	for (size_t i = 0;
		row == NULL && peer->rows != NULL && peer->rows[i].method != NULL && i < ROWS_MAX;
		i++) {
		const struct peer_row *candidate = &peer->rows[i];
		if (strcmp(candidate->method, request->method) != 0 ||
			!same_path(request->uri, candidate->path) ||
			(candidate->times != 0 && peer->used[i] >= candidate->times))
			continue;
		peer->used[i]++;
		row = candidate;
	}
	pthread_mutex_unlock(&peer->mutex);
	return row;
}

static void wait_for_stop(struct peer *peer)
{
	pthread_mutex_lock(&peer->mutex);
	while (!peer->stopped)
		pthread_cond_wait(&peer->stopping, &peer->mutex);
	pthread_mutex_unlock(&peer->mutex);
}

/* Sends spaces up to where the row's behaviour ends it. */
static ssize_t read_part(void *row_pointer, uint64_t position, char *buffer, size_t size)
{
	const struct peer_row *row = row_pointer;
	if (row->behaviour == PEER_CUTS && position >= 100)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t part = row->behaviour == PEER_CUTS && size > 100 ? 100 : size;
	memset(buffer, ' ', part);
	return (ssize_t)part;
}

static struct MHD_Response *make_response(const struct peer_row *row)
{
	if (row->behaviour == PEER_CUTS || row->behaviour == PEER_OVERFLOWS)
		return MHD_create_response_from_callback(
			OVERFLOW_SIZE, 4096, read_part, (void *)(uintptr_t)row, NULL);
	char *body = json_text_new(row->body != NULL ? row->body : "");
	return MHD_create_response_from_buffer(
		body != NULL ? strlen(body) : 0, body, MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct MHD_Response *response, const char *headers)
{
	char line[1024];
	while (headers != NULL && *headers != '\0') {
		size_t length = strcspn(headers, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)length, headers);
		char *colon = strstr(line, ": ");
		if (colon != NULL) {
			*colon = '\0';
			MHD_add_response_header(response, line, colon + 2);
		}
		headers += length + (headers[length] == '\n' ? 1 : 0);
	}
}

static enum MHD_Result answer(
	struct peer *peer, struct MHD_Connection *connection, const struct peer_request *request)
{
	static const struct peer_row unknown = { .status = 501,
		.body = "{\"message\":\"no row of the peer fits\"}" };
	const struct peer_row *row = take_row(peer, request);
	if (row == NULL)
		row = &unknown;
	if (row->behaviour == PEER_HANGS)
		wait_for_stop(peer);
	if (row->behaviour == PEER_HANGS || row->behaviour == PEER_DROPS)
		return MHD_NO;
	struct MHD_Response *response = make_response(row);
	add_headers(response, row->headers);
	enum MHD_Result queued = MHD_queue_response(connection, (unsigned)row->status, response);
	MHD_destroy_response(response);
	return queued;
}

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	(void)context;
	(void)connection;
	if (exchange != NULL)
		snprintf(exchange->request.uri, sizeof(exchange->request.uri), "%s", uri);
	return exchange;
}

static void copy_header(
	struct MHD_Connection *connection, const char *name, char *target, size_t size)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
	snprintf(target, size, "%s", value != NULL ? value : "");
}

static enum MHD_Result add_line(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct peer_request *request = context;
	size_t length = strlen(request->headers);
	(void)kind;
	snprintf(request->headers + length, sizeof(request->headers) - length, "%s: %s\n", name,
		value != NULL ? value : "");
	return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	struct exchange *exchange = *state;
	(void)url;
	(void)version;
	if (exchange == NULL)
		return MHD_NO;
	struct peer_request *request = &exchange->request;
	if (!exchange->begun) {
		exchange->begun = true;
		snprintf(request->method, sizeof(request->method), "%s", method);
		copy_header(connection, "Authorization", request->authorization,
			sizeof(request->authorization));
		copy_header(connection, "Content-Type", request->content_type,
			sizeof(request->content_type));
		copy_header(
			connection, "User-Agent", request->user_agent, sizeof(request->user_agent));
		MHD_get_connection_values(connection, MHD_HEADER_KIND, add_line, request);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		size_t left = sizeof(request->body) - 1 - exchange->length;
		size_t part = *upload_size < left ? *upload_size : left;
		memcpy(request->body + exchange->length, upload, part);
		exchange->length += part;
		*upload_size = 0;
		return MHD_YES;
	}
	return answer(context, connection, request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	(void)context;
	(void)connection;
	(void)code;
	free(*state);
	*state = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_ConnectionNotificationCode what)
{
	struct peer *peer = context;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	(void)state;
	pthread_mutex_lock(&peer->mutex);
	if (what == MHD_CONNECTION_NOTIFY_STARTED && peer->socket_count < SOCKETS_MAX)
		peer->sockets[peer->socket_count++] = info->connect_fd;
	for (size_t i = 0; what == MHD_CONNECTION_NOTIFY_CLOSED && i < peer->socket_count; i++)
		if (peer->sockets[i] == info->connect_fd)
			peer->sockets[i--] = peer->sockets[--peer->socket_count];
	pthread_mutex_unlock(&peer->mutex);
}

/* Paths stay as they were sent. */
static size_t keep_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static void quiet(void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void quiet(void *context, const char *format, va_list arguments)
{
	(void)context;
	(void)format;
	(void)arguments;
}

struct peer *peer_start(void)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	ck_assert_ptr_nonnull(peer);
	pthread_mutex_init(&peer->mutex, NULL);
	pthread_cond_init(&peer->stopping, NULL);
	peer->address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	peer->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, peer, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
		MHD_OPTION_SOCK_ADDR, &peer->address, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, peer, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
		MHD_OPTION_END);
	ck_assert_msg(peer->daemon != NULL, "the peer cannot start");
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(peer->daemon, MHD_DAEMON_INFO_BIND_PORT);
	ck_assert_ptr_nonnull(info);
	peer->address.sin_port = htons(info->port);
	snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%d", info->port);
	return peer;
}

void peer_stop(struct peer *peer)
{
	pthread_mutex_lock(&peer->mutex);
	peer->stopped = true;
	pthread_cond_broadcast(&peer->stopping);
	pthread_mutex_unlock(&peer->mutex);
	MHD_stop_daemon(peer->daemon);
	pthread_cond_destroy(&peer->stopping);
	pthread_mutex_destroy(&peer->mutex);
	free(peer);
}

const char *peer_url(const struct peer *peer)
{
	return peer->url;
}

void peer_set(struct peer *peer, const struct peer_row *rows)
{
	pthread_mutex_lock(&peer->mutex);
	peer->rows = rows;
	peer->count = 0;
	memset(peer->used, 0, sizeof(peer->used));
	pthread_mutex_unlock(&peer->mutex);
}

/* They are accepted one after the other: once this one has its answer, so were those before it. */
static void ask_behind_all(const struct peer *peer)
{
	static const char request[] =
		"GET " SETTLE_PATH " HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n";
	char bytes[512];
	int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		connect(own, (const struct sockaddr *)&peer->address, sizeof(peer->address)), 0);
	ck_assert_int_eq(write(own, request, sizeof(request) - 1), sizeof(request) - 1);
	while (read(own, bytes, sizeof(bytes)) > 0) {}
	close(own);
}

/* One that its client has ended has something to be read, or is at its end, until it is closed. */
static bool all_are_quiet(struct peer *peer)
{
	char byte;
	bool quiet = true;
	pthread_mutex_lock(&peer->mutex);
	for (size_t i = 0; i < peer->socket_count; i++)
		quiet = quiet && recv(peer->sockets[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
			errno == EAGAIN;
	pthread_mutex_unlock(&peer->mutex);
	return quiet;
}

void peer_settle(struct peer *peer)
{
	ask_behind_all(peer);
	while (!all_are_quiet(peer))
		clock_sleep_ms(1);
}

static bool is_request(const struct peer_request *request, const char *method, const char *path)
{
	return method == NULL ||
		(strcmp(request->method, method) == 0 && same_path(request->uri, path));
}

size_t peer_count(struct peer *peer, const char *method, const char *path)
{
	size_t count = 0;
	pthread_mutex_lock(&peer->mutex);
	for (size_t i = 0; i < peer->count; i++)
		count += is_request(&peer->requests[i], method, path) ? 1 : 0;
	pthread_mutex_unlock(&peer->mutex);
	return count;
}

struct peer_request peer_last(struct peer *peer, const char *method, const char *path)
{
	static const struct peer_request none;
	struct peer_request last = none;
	pthread_mutex_lock(&peer->mutex);
	for (size_t i = 0; i < peer->count; i++)
		if (is_request(&peer->requests[i], method, path))
			last = peer->requests[i];
	pthread_mutex_unlock(&peer->mutex);
	return last;
}

const char *peer_header(const struct peer_request *request, const char *name)
{
	static char value[256];
	size_t length = strlen(name);
	value[0] = '\0';
	for (const char *line = request->headers; *line != '\0'; line += strcspn(line, "\n") + 1)
		if (strncasecmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0)
			snprintf(value, sizeof(value), "%.*s",
				(int)strcspn(line + length + 2, "\n"), line + length + 2);
	return value;
}
