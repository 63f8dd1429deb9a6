/*
 * FastCGI over libfcgi: one process serves many persistent connections, and many requests at a
 * time. libfcgi's own accept loop would let one such connection monopolise the process, so this
 * file accepts and watches the sockets and uses libfcgi only to read and write.
 *
 * Each request is served by a coroutine, which yields while it waits for Redis. Handlers are
 * straight code so; written as explicit steps, each of their many waits would be a function and a
 * struct of its own. The web server sends a request whole, and reads what it is sent: on those two
 * the process waits, and no longer than STALL_SECONDS.
 *
 * The streams of libfcgi take 17 KiB, and the parameters 1 KiB: a request has them until it was
 * read, and what is sent is written as records.h has it. One that is held has no coroutine either:
 * see held.h.
 */
#include "api/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/records.h"
#include "base/clock.h"
#include "base/resources.h"
#include "base/text.h"

#define LISTEN_BACKLOG 4096 /* who waited for one change asks again at the same time */
#define STALL_SECONDS  5    /* nginx sends whole requests, so a peer that stalls midway is broken */
#define FILES_SPARE    ((size_t)16) /* open files that are no connections */

/* ---- one request ---- */

/* While it is served. */
struct serving {
	FCGX_Request request;
	bool is_sound; /* its input was read to its end, and had no fault */
};

/* As FCGX_GetParam has it, without a call for each of those that it is not. */
static const char *parameter(const void *context, const char *name)
{
	const struct serving *serving = context;
	const size_t length = strlen(name);

	for (char **entry = serving->request.envp; entry != NULL && *entry != NULL; entry++)
		if (**entry == *name && strncmp(*entry, name, length) == 0 &&
			(*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

static ssize_t read_input(const void *context, char *bytes, size_t length)
{
	const struct serving *serving = context;
	return FCGX_GetStr(bytes, (int)length, serving->request.in);
}

/* Also reads the record that ends the input: left unread, it would precede the next request. */
static void end_input(void *context)
{
	struct serving *serving = context;
	FCGX_Request *request = &serving->request;
	char rest[512];

	while (FCGX_GetStr(rest, (int)sizeof(rest), request->in) > 0) {}
	serving->is_sound = FCGX_GetError(request->in) == 0;
	FCGX_Free(request, 0);
	request->envp = NULL;
}

static bool send_response(
	const FCGX_Request *request, const struct response *response, bool has_body)
{
	CLEANUP_BUFFER struct buffer records = BUFFER_EMPTY(RECORDS_MAX);

	return records_append(&records, request->requestId, response, has_body) &&
		buffer_write(&records, request->ipcFd);
}

/* Whether it has its response, or is held. */
static bool serve_fastcgi(
	struct serving *serving, request_handler *handler, void *context, struct held_request *held)
{
	const struct source source = { parameter, read_input, end_input, serving };
	const bool has_body = strcmp(source_parameter(&source, "REQUEST_METHOD"), "HEAD") != 0;
	struct response response;

	response_init(&response);
	bool is_served = incoming_serve(&source, handler, context, held, &response) &&
		(response.held || send_response(&serving->request, &response, has_body));
	response_release(&response);
	return is_served;
}

/* ---- connections ---- */

/* One of the web server. It carries one request at a time, and is kept for the next: between two it
 * is no more than this, for most are idle. */
struct connection {
	struct server *server;
	struct loop_watch watch;
	enum {
		CONNECTION_UNUSED, /* accepted: a request is about to come */
		CONNECTION_IDLE,   /* between two requests */
		CONNECTION_READY,  /* has something to read, and stands in the line */
		CONNECTION_SERVED, /* a coroutine works for it */
		CONNECTION_HELD,   /* its request waits for a change */
	} state;
	bool has_input; /* and it was idle: so it is there to be read */
	bool has_more;  /* something came while it was served */
	bool has_ended; /* the peer sends nothing more: it may have said so with its request */
	bool is_kept;   /* behind this request */
	struct held_request
		*held; /* of its request; NULL: it has none, or one that may not be held */
	TAILQ_ENTRY(connection) entry; /* in the line, or among the others */
};

TAILQ_HEAD(connections, connection);

struct server {
	struct loop *loop;
	struct held_requests *held; /* NULL: nothing is held */
	int listener;
	struct loop_watch watch; /* the listener */
	struct loop_hook hook;   /* serves who stands in the line */
	request_handler *handler;
	void *context;

	struct connections line;   /* those that have something to be served, or were closed */
	struct connections others; /* all that do not stand in it */
	bool held_next;            /* it takes turns with those that are held */
	size_t count, in_line, served;
	size_t most;       /* connections */
	bool is_accepting; /* the listener is watched */
};

static volatile sig_atomic_t stop_requested;

static void on_terminate(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
	FCGX_ShutdownPending();
}

static bool connection_is_held(const struct connection *connection)
{
	return connection->held != NULL && connection->held->question != NULL;
}

/* Its request is not held any more. */
static void connection_let_go(struct connection *connection)
{
	if (connection->held != NULL)
		held_request_end(connection->held);
	free(connection->held);
	connection->held = NULL;
}

/* Not left to libfcgi, which waits up to two seconds for the peer to close its end. */
static void connection_close(struct connection *connection)
{
	struct server *server = connection->server;

	connection_let_go(connection);
	loop_unwatch(server->loop, &connection->watch);
	close(connection->watch.fd);
	TAILQ_REMOVE(&server->others, connection, entry);
	server->count--;
	free(connection);
}

/* Puts it in the line: it has a request, or the peer has closed it. */
static void connection_line_up(struct connection *connection)
{
	struct server *server = connection->server;

	connection->state = CONNECTION_READY;
	connection->has_more = false;
	TAILQ_REMOVE(&server->others, connection, entry);
	TAILQ_INSERT_TAIL(&server->line, connection, entry);
	server->in_line++;
	loop_call_at_end(server->loop, &server->hook);
}

static void on_connection_ready(void *context, uint32_t events)
{
	struct connection *connection = context;

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		connection->has_ended = true;
	if (connection->state == CONNECTION_HELD && held_request_is_lost(connection->held))
		connection_close(connection);
	else if (connection->state == CONNECTION_SERVED)
		connection->has_more = true;
	else if (connection->state != CONNECTION_HELD && connection->state != CONNECTION_READY) {
		connection->has_input = (events & EPOLLIN) != 0;
		connection_line_up(connection);
	}
}

/* Edge-triggered: a served connection that gets more does not keep waking the loop. */
static bool connection_open(struct server *server, int descriptor)
{
	const struct timeval stall = { .tv_sec = STALL_SECONDS };
	struct connection *connection = calloc(1, sizeof(*connection));
	struct error ignored;

	if (connection == NULL)
		return false;
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	connection->server = server;
	connection->watch = (struct loop_watch){ descriptor, on_connection_ready, connection };
	if (loop_watch(server->loop, &connection->watch, EPOLLIN | EPOLLRDHUP | EPOLLET,
		    &ignored) != ERROR_NONE) {
		free(connection);
		return false;
	}

	TAILQ_INSERT_TAIL(&server->others, connection, entry);
	server->count++;
	return true;
}

/* A listener that could not be emptied would wake the loop without end. */
static void stop_accepting(struct server *server)
{
	if (server->is_accepting)
		loop_unwatch(server->loop, &server->watch);
	server->is_accepting = false;
}

/* While all places are taken, other processes of the pool accept the new connections. */
static enum error_class keep_accepting(struct server *server, struct error *error)
{
	if (server->is_accepting || server->count >= server->most)
		return ERROR_NONE;
	server->is_accepting = true;
	return loop_watch(server->loop, &server->watch, EPOLLIN | EPOLLEXCLUSIVE, error);
}

/*
 * All that wait: accepting one a turn would starve a burst. Of several processes that watch a
 * listener, the kernel wakes the first that is idle: whoever has accepted goes to the end of them,
 * or one process would have nearly all connections.
 */
static void on_listener_ready(void *context, uint32_t events)
{
	struct server *server = context;
	(void)events;

	while (server->count < server->most) {
		int descriptor = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (descriptor < 0)
			break;
		if (!connection_open(server, descriptor))
			close(descriptor);
	}
	stop_accepting(server);
}

/* ---- serving ---- */

/* Where there is no memory for it, the request is served without. */
static struct held_request *make_held(struct connection *connection, int number)
{
	struct held_requests *all = connection->server->held;
	struct held_request *held = all != NULL ? malloc(sizeof(*held)) : NULL;

	if (held != NULL)
		*held = (struct held_request){ .all = all,
			.socket = connection->watch.fd,
			.number = number,
			.context = connection };
	return held;
}

/* Otherwise FCGX_Accept_r would wait for it. One that has ended is looked at in any case: libfcgi
 * would close it in its own way. */
static bool has_request(struct connection *connection)
{
	const bool is_sure = connection->has_input && !connection->has_ended;
	char peeked;

	connection->has_input = false;
	return is_sure || recv(connection->watch.fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Whether there is one. It must not move from here on: its streams point back at it. */
static bool read_request(struct connection *connection, FCGX_Request *request)
{
	/* Without a listener libfcgi cannot accept by itself, which would block. */
	FCGX_InitRequest(request, -1, 0);
	request->ipcFd = connection->watch.fd;
	/* Otherwise FCGX_Accept_r closes the connection. */
	request->keepConnection = 1;
	return has_request(connection) && FCGX_Accept_r(request) == 0;
}

/* Whether the connection had a request, and is of further use: it takes another one, or this one is
 * held. */
static bool serve_request(struct connection *connection, request_handler *handler, void *context)
{
	struct serving serving = { .is_sound = false };

	if (!read_request(connection, &serving.request))
		return false;
	connection->is_kept = serving.request.keepConnection != 0;
	connection->held = make_held(connection, serving.request.requestId);
	bool is_served = serve_fastcgi(&serving, handler, context, connection->held);
	FCGX_Free(&serving.request, 0);
	if (!is_served || !serving.is_sound)
		return false;
	return connection_is_held(connection) ? !held_request_is_lost(connection->held)
					      : connection->is_kept;
}

/* It has had its request. Where nothing more will come, no event will say so again. */
static void connection_go_on(struct connection *connection)
{
	connection_let_go(connection);
	connection->state = CONNECTION_IDLE;
	if (connection->has_more || connection->has_ended)
		connection_line_up(connection);
}

static void on_held_ended(void *context, bool is_usable)
{
	struct connection *connection = context;

	connection->has_more = false; /* it may have been looked at: events came before that */
	if (is_usable && connection->is_kept)
		connection_go_on(connection);
	else
		connection_close(connection);
}

static void on_held_due(void *context)
{
	struct server *server = context;
	loop_call_at_end(server->loop, &server->hook);
}

/* In a coroutine, or on main where nothing waits. */
static void connection_serve(struct connection *connection, request_handler *handler, void *context)
{
	if (!serve_request(connection, handler, context)) {
		connection_close(connection);
		return;
	}
	if (!connection_is_held(connection)) {
		connection_go_on(connection);
		return;
	}
	connection->state = CONNECTION_HELD;
	held_request_wait(connection->held);
}

static void refuse_overload(void *context, const struct request *request, struct response *response)
{
	const struct server *server = context;
	struct request refused = *request;

	refused.overloaded = true;
	server->handler(server->context, &refused, response);
}

static struct connection *take_from_line(struct server *server)
{
	struct connection *connection = TAILQ_FIRST(&server->line);

	TAILQ_REMOVE(&server->line, connection, entry);
	TAILQ_INSERT_TAIL(&server->others, connection, entry);
	server->in_line--;
	connection->state = CONNECTION_SERVED;
	return connection;
}

static bool has_next(const struct server *server)
{
	return server->in_line > 0 || (server->held != NULL && held_requests_are_due(server->held));
}

/* Of those that are in line and those that are held in turn, so that neither keeps the other
 * waiting. */
static void serve_next(struct server *server, request_handler *handler, void *context)
{
	bool is_held = server->held != NULL && held_requests_are_due(server->held) &&
		(server->held_next || server->in_line == 0);

	server->held_next = !is_held;
	if (is_held)
		held_requests_look(server->held, handler, context);
	else
		connection_serve(take_from_line(server), handler, context);
}

static void serve_in_coroutine(void *context)
{
	struct server *server = context;

	serve_next(server, server->handler, server->context);
	server->served--;
	loop_call_at_end(server->loop, &server->hook);
}

/* Serves as many as there may be coroutines. Who would have to wait for long is refused at once. */
static void serve_line(void *context)
{
	struct server *server = context;

	while (server->served < FASTCGI_SERVED_MAX && has_next(server)) {
		server->served++;
		if (!coroutine_start(serve_in_coroutine, server)) {
			server->served--;
			serve_next(server, refuse_overload, server);
		}
	}

	while (server->in_line > FASTCGI_WAITING_MAX)
		connection_serve(take_from_line(server), refuse_overload, server);
}

/* ---- the process ---- */

static bool has_work(const struct server *server)
{
	const struct connection *connection;

	if (server->in_line > 0 || server->served > 0 ||
		(server->held != NULL && held_requests_have_work(server->held)))
		return true;
	TAILQ_FOREACH(connection, &server->others, entry)
	if (connection->state == CONNECTION_UNUSED)
		return true;
	return false;
}

/*
 * Stops without failing a request. nginx connects only when it has a request, so an accepted,
 * unused connection is about to carry one; closing it would fail that request. A connection that
 * has been used may be closed: if a request is on its way, nginx sends it again on a new
 * connection. Whoever is held gets the response as it is now.
 */
static void drain(struct server *server, struct holds *holds)
{
	int64_t end_at = clock_monotonic_ms() + FASTCGI_DRAIN_MS;

	stop_accepting(server);
	if (holds != NULL)
		holds_stop(holds);
	loop_turn(server->loop, 0);
	for (int64_t left = FASTCGI_DRAIN_MS; left > 0 && has_work(server);
		left = end_at - clock_monotonic_ms())
		loop_turn(server->loop, left);

	struct connection *connection, *next;
	while (server->in_line > 0)
		connection_close(take_from_line(server));
	for (connection = TAILQ_FIRST(&server->others); connection != NULL; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (connection->state != CONNECTION_SERVED &&
			(connection->held == NULL || !connection->held->is_handled))
			connection_close(connection);
	}
}

static enum error_class accept_until_stopped(struct server *server, struct error *error)
{
	while (!stop_requested) {
		if (keep_accepting(server, error) != ERROR_NONE)
			return error->class;
		loop_turn(server->loop, 1000);
	}
	return ERROR_NONE;
}

static size_t most_connections(void)
{
	size_t files = resources_raise_files();
	return files > FASTCGI_CONNECTIONS_MAX + FILES_SPARE ? FASTCGI_CONNECTIONS_MAX
		: files > 2 * FILES_SPARE                    ? files - FILES_SPARE
							     : FILES_SPARE;
}

enum error_class fastcgi_serve(struct loop *loop, struct holds *holds, int listener,
	request_handler *handler, void *context, struct error *error)
{
	struct server server = { .loop = loop,
		.listener = listener,
		.handler = handler,
		.context = context,
		.most = most_connections() };
	const struct held_calls calls = { on_held_due, &server, on_held_ended };

	if (FCGX_Init() != 0)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for FastCGI");
	if (holds != NULL && held_requests_new(loop, &calls, &server.held, error) != ERROR_NONE)
		return error->class;
	TAILQ_INIT(&server.line);
	TAILQ_INIT(&server.others);
	if (holds != NULL)
		holds_limit(holds, server.most / 4 * 3);
	server.watch = (struct loop_watch){ listener, on_listener_ready, &server };
	server.hook = (struct loop_hook){ .call = serve_line, .context = &server };

	/* Several processes wake up for one connection; the losers must not block in accept. */
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
	struct sigaction terminate = { .sa_handler = on_terminate };
	sigaction(SIGTERM, &terminate, NULL);
	enum error_class class = accept_until_stopped(&server, error);
	if (class == ERROR_NONE)
		drain(&server, holds);
	held_requests_free(server.held);
	return class;
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
