/*
 * FastCGI over libfcgi: one process serves many persistent connections. libfcgi's own accept loop
 * would let one such connection monopolise the process, so this file accepts and polls the sockets
 * and uses libfcgi only to read and write.
 */
#include "api/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LISTEN_BACKLOG 1024
#define STALL_SECONDS  5 /* nginx sends whole requests, so a peer that stalls midway is broken */
#define DRAIN_MS       2000

/* ---- one request ---- */

/* Where the parameters and the body of a request are read from: FastCGI, or the environment and
 * standard input. */
struct source {
	char **parameters;  /* NULL: the environment */
	FCGX_Stream *input; /* NULL: standard input */
};

static const char *parameter(const struct source *source, const char *name)
{
	const char *value =
		source->parameters != NULL ? FCGX_GetParam(name, source->parameters) : getenv(name);
	return value != NULL ? value : "";
}

static bool read_all(const struct source *source, char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t part = source->input != NULL
			? FCGX_GetStr(bytes + done, (int)(length - done), source->input)
			: read(STDIN_FILENO, bytes + done, length - done);
		if (part < 0 && errno == EINTR && source->input == NULL)
			continue;
		if (part <= 0)
			return false;
		done += (size_t)part;
	}

	return true;
}

/* The web server's request id, or a new one where it sends none. A client's own header is never
 * used. */
static const char *request_id(const struct source *source, char id[REQUEST_ID_SIZE])
{
	unsigned char bytes[REQUEST_ID_SIZE / 2];
	if (request_id_valid(parameter(source, "REQUEST_ID"))) {
		text_copy(id, REQUEST_ID_SIZE, parameter(source, "REQUEST_ID"));
		return id;
	}
	randombytes_buf(bytes, sizeof(bytes));
	return sodium_bin2hex(id, REQUEST_ID_SIZE, bytes, sizeof(bytes));
}

/* The normalised path; where the server sends none, the request target without its query. */
static const char *request_path(const struct source *source, char *path, size_t size)
{
	const char *given = parameter(source, "DOCUMENT_URI");
	if (given[0] == '\0')
		given = parameter(source, "REQUEST_URI");
	text_format(path, size, "%.*s", (int)strcspn(given, "?"), given);
	return path;
}

static void write_head(const struct response *response, char *head, size_t size)
{
	text_format(head, size, "Status: %d\r\n", response->status);
	if (response->content_type != NULL)
		text_append(head, size, "Content-Type: %s\r\n", response->content_type);
	if (response->etag[0] != '\0')
		text_append(head, size, "ETag: %s\r\n", response->etag);
	if (response->retry_after_seconds > 0)
		text_append(head, size, "Retry-After: %lld\r\n",
			(long long)response->retry_after_seconds);
	if (response->allow[0] != '\0')
		text_append(head, size, "Allow: %s\r\n", response->allow);
	if (response->status != 304)
		text_append(head, size, "Content-Length: %zu\r\n", response->body.length);
	text_append(head, size, "\r\n");
}

/* Even a partly received body may contain a secret. */
static void wipe_body(char *body, size_t length)
{
	if (body != NULL)
		explicit_bzero(body, length);
	free(body);
}

/* Reads the request, handles it, and fills the head and the response. False where the body could
 * not be read. */
static bool serve_one(const struct source *source, request_handler *handler, void *context,
	char *head, size_t head_size, struct response *response)
{
	char path[512], id[REQUEST_ID_SIZE];
	int64_t length = 0;
	char *body = NULL;
	struct request request = {
		.id = request_id(source, id),
		.method = parameter(source, "REQUEST_METHOD"),
		.path = request_path(source, path, sizeof(path)),
		.query = parameter(source, "QUERY_STRING"),
		.host = parameter(source, "HTTP_HOST"),
		.content_type = parameter(source, "CONTENT_TYPE"),
		.content_encoding = parameter(source, "HTTP_CONTENT_ENCODING"),
		.if_none_match = parameter(source, "HTTP_IF_NONE_MATCH"),
		.body = "",
	};
	const char *length_text = parameter(source, "CONTENT_LENGTH");

	if (length_text[0] != '\0' && (!text_to_integer(length_text, &length) || length < 0))
		length = 0;
	request.body_too_large = length > (int64_t)REQUEST_BODY_MAX;
	if (length > 0 && !request.body_too_large) {
		body = calloc(1, (size_t)length + 1);
		if (body == NULL || !read_all(source, body, (size_t)length)) {
			wipe_body(body, (size_t)length);
			return false;
		}
		request.body = body;
		request.body_length = (size_t)length;
	}

	handler(context, &request, response);
	write_head(response, head, head_size);
	wipe_body(body, (size_t)length);
	return true;
}

static void serve_fastcgi(FCGX_Request *fastcgi, request_handler *handler, void *context)
{
	const struct source source = { fastcgi->envp, fastcgi->in };
	char head[512];
	struct response response;

	response_init(&response);
	if (serve_one(&source, handler, context, head, sizeof(head), &response)) {
		bool has_body = strcmp(parameter(&source, "REQUEST_METHOD"), "HEAD") != 0;
		FCGX_PutStr(head, (int)strlen(head), fastcgi->out);
		if (has_body)
			FCGX_PutStr(buffer_text(&response.body), (int)response.body.length,
				fastcgi->out);
	}

	response_release(&response);

	/* Also read the record that ends the input: left unread, it would
	 * precede the next request. */
	char rest[512];
	while (FCGX_GetStr(rest, (int)sizeof(rest), fastcgi->in) > 0) {}
}

/* ---- the loop ---- */

struct connection {
	FCGX_Request request; /* ipcFd < 0: free */
	bool was_used;        /* it has carried a request */
};

struct loop {
	int listener;
	request_handler *handler;
	void *context;
	/* Must not move: the streams of a request point back at it. */
	struct connection connections[FASTCGI_CONNECTIONS_MAX];
};

static volatile sig_atomic_t stop_requested;

static void on_terminate(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
	FCGX_ShutdownPending();
}

static void connection_open(struct connection *connection, int descriptor)
{
	struct timeval stall = { .tv_sec = STALL_SECONDS };

	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));

	/* Without a listener libfcgi cannot accept by itself, which would block. */
	FCGX_InitRequest(&connection->request, -1, 0);
	connection->request.ipcFd = descriptor;

	/* Otherwise the first FCGX_Accept_r closes the connection. */
	connection->request.keepConnection = 1;
	connection->was_used = false;
}

/* Accepts all pending connections while there are free slots: accepting one per turn would starve a
 * burst. */
static void connections_accept(struct loop *loop)
{
	for (size_t i = 0; i < FASTCGI_CONNECTIONS_MAX; i++) {
		struct connection *connection = &loop->connections[i];
		if (connection->request.ipcFd >= 0)
			continue;
		int descriptor = accept4(loop->listener, NULL, NULL, SOCK_CLOEXEC);
		if (descriptor < 0)
			return;
		connection_open(connection, descriptor);
	}
}

/* Not left to libfcgi, which waits up to two seconds for the peer to close its end. */
static void connection_close(struct connection *connection)
{
	int descriptor = connection->request.ipcFd;
	FCGX_Free(&connection->request, 0);
	connection->request.ipcFd = -1;
	if (descriptor >= 0)
		close(descriptor);
}

/* Serves a readable connection: it has a request, or the peer closed it. */
static void connection_serve(struct loop *loop, struct connection *connection)
{
	char peeked;
	FCGX_Request *request = &connection->request;

	connection->was_used = true;
	if (recv(request->ipcFd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) <= 0 ||
		FCGX_Accept_r(request) != 0) {
		connection_close(connection);
		return;
	}

	serve_fastcgi(request, loop->handler, loop->context);
	FCGX_Finish_r(request);
}

/* Serves whatever arrives within the timeout. Without `accepting`, only on connections that are
 * already open. */
static void loop_turn(struct loop *loop, bool accepting, int timeout_ms)
{
	struct pollfd polled[FASTCGI_CONNECTIONS_MAX + 1];
	struct connection *connections[FASTCGI_CONNECTIONS_MAX + 1] = { NULL };
	nfds_t count = 0;

	for (size_t i = 0; i < FASTCGI_CONNECTIONS_MAX; i++) {
		struct connection *connection = &loop->connections[i];
		if (connection->request.ipcFd < 0)
			continue;
		connections[count] = connection;
		polled[count++] =
			(struct pollfd){ .fd = connection->request.ipcFd, .events = POLLIN };
	}

	/* While all slots are taken, other processes of the pool accept the new connections. */
	if (accepting && count < FASTCGI_CONNECTIONS_MAX)
		polled[count++] = (struct pollfd){ .fd = loop->listener, .events = POLLIN };
	if (poll(polled, count, timeout_ms) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++) {
		if (polled[i].revents == 0)
			continue;
		if (connections[i] != NULL)
			connection_serve(loop, connections[i]);
		else
			connections_accept(loop);
	}
}

static bool loop_has_unused(const struct loop *loop)
{
	bool found = false;
	for (size_t i = 0; i < FASTCGI_CONNECTIONS_MAX; i++)
		found |= loop->connections[i].request.ipcFd >= 0 && !loop->connections[i].was_used;
	return found;
}

/*
 * Stops without failing a request. nginx connects only when it has a request, so an accepted,
 * unused connection is about to carry one; closing it would fail that request. A connection that
 * has been used may be closed: if a request is on its way, nginx sends it again on a new
 * connection.
 */
static void loop_drain(struct loop *loop)
{
	int64_t end_at = clock_monotonic_ms() + DRAIN_MS;
	loop_turn(loop, false, 0);
	for (int64_t left = DRAIN_MS; left > 0 && loop_has_unused(loop);
		left = end_at - clock_monotonic_ms())
		loop_turn(loop, false, (int)left);
	for (size_t i = 0; i < FASTCGI_CONNECTIONS_MAX; i++)
		if (loop->connections[i].request.ipcFd >= 0)
			connection_close(&loop->connections[i]);
}

enum error_class fastcgi_serve(
	int listener, request_handler *handler, void *context, struct error *error)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL || FCGX_Init() != 0) {
		free(loop);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for FastCGI");
	}

	loop->listener = listener;
	loop->handler = handler;
	loop->context = context;
	for (size_t i = 0; i < FASTCGI_CONNECTIONS_MAX; i++)
		loop->connections[i].request.ipcFd = -1;

	/* Several processes wake up for one connection; the losers must not block in accept. */
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
	struct sigaction terminate = { .sa_handler = on_terminate };
	sigaction(SIGTERM, &terminate, NULL);
	while (!stop_requested)
		loop_turn(loop, true, 1000);
	loop_drain(loop);
	free(loop);
	return ERROR_NONE;
}

bool fastcgi_is_cgi(void)
{
	return FCGX_IsCGI() != 0;
}

enum error_class fastcgi_listen(const char *path, int *ret_socket, struct error *error)
{
	/* The web server runs as another user, in the same group. */
	mode_t before = umask(0007);
	*ret_socket = FCGX_OpenSocket(path, LISTEN_BACKLOG);
	umask(before);
	if (*ret_socket < 0)
		return error_set(error, ERROR_INVALID_INPUT, "cannot listen on %s: %s", path,
			strerror(errno));
	return ERROR_NONE;
}

/* ---- CGI ---- */

static bool write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t part = write(STDOUT_FILENO, bytes, length);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		bytes += part;
		length -= (size_t)part;
	}

	return true;
}

enum error_class cgi_serve(request_handler *handler, void *context, struct error *error)
{
	const struct source source = { NULL, NULL };
	char head[512];
	struct response response;

	response_init(&response);
	bool has_body = strcmp(parameter(&source, "REQUEST_METHOD"), "HEAD") != 0;
	bool written = serve_one(&source, handler, context, head, sizeof(head), &response) &&
		write_all(head, strlen(head)) &&
		(!has_body || write_all(buffer_text(&response.body), response.body.length));
	response_release(&response);
	return written
		? ERROR_NONE
		: error_set(error, ERROR_NETWORK,
			  "the web server closed the connection before it had the whole response");
}
