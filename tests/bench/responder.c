/*
 * The bare responder: FastCGI by epoll over kept connections, one pipelined connection to Redis,
 * and nothing else: no JSON, no validation, no state. It sends Redis the commands that it is given,
 * and responds with what it is given, so it shows what can be reached where each request needs one
 * round trip.
 *
 *	responder SOCKET REDIS LOGIN COMMANDS COUNT RUN RESPONSE
 *		SOCKET    where nginx finds it
 *		REDIS     socket of Redis
 *		LOGIN     file with the AUTH command
 *		COMMANDS  file with COUNT commands, like LOGIN in Redis' protocol
 *		RUN       id of a run in them, replaced by a new one for each request; "-": none
 *		RESPONSE  file with what each request is answered with, from "Status:" on
 *
 * The commands name the app bench-000000000000; it is replaced by the app of the request, whose
 * name has the same length.
 */
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define APP             "bench-000000000000"
#define APP_PREFIX      "bench-"
#define APP_LENGTH      (sizeof(APP) - 1)
#define RUN_LENGTH      32
#define PLACES_MAX      32
#define CONNECTIONS_MAX 16384
#define REQUESTS_MAX    65536 /* under way at a time; a power of two */
#define INPUT_MAX       16384
#define TEXT_MAX        65536
#define EVENTS_MAX      256
#define ACCEPTS_MAX     64 /* in one turn */

enum record { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
#define HEADER_SIZE 8
#define END_SIZE    16

struct connection {
	bool open, keep;
	unsigned generation; /* tells a request of a connection that is gone from one of its
				successor */
	unsigned char id[2];
	size_t filled;
	char input[INPUT_MAX];
	char app[APP_LENGTH];
};

struct text {
	char bytes[TEXT_MAX];
	size_t length;
};

struct places {
	size_t at[PLACES_MAX];
	size_t count;
};

static struct connection *connections[CONNECTIONS_MAX];
static struct {
	int fd;
	unsigned generation;
} requests[REQUESTS_MAX]; /* a ring: Redis replies in the order of what it was asked */
static size_t first_request, next_request;
static struct text login, commands, output;
static struct places apps, runs;
static unsigned commands_each, replies_seen;
static redisContext *redis;
static int epoll, listener;

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

/* ---- what is sent ---- */

static void read_text(const char *path, struct text *ret_text)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		die(path);
	ret_text->length = fread(ret_text->bytes, 1, sizeof(ret_text->bytes), file);
	if (ret_text->length == sizeof(ret_text->bytes)) {
		fprintf(stderr, "responder: %s is too long\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(file);
}

static void find_places(const char *word, struct places *ret_places)
{
	const char *end = commands.bytes + commands.length;
	const char *at = commands.bytes;
	while ((at = memmem(at, (size_t)(end - at), word, strlen(word))) != NULL) {
		if (ret_places->count == PLACES_MAX) {
			fputs("responder: too many places to fill in\n", stderr);
			exit(EXIT_FAILURE);
		}
		ret_places->at[ret_places->count++] = (size_t)(at - commands.bytes);
		at += strlen(word);
	}
}

static void fill_in(const struct places *places, const char *word, size_t length)
{
	for (size_t i = 0; i < places->count; i++)
		memcpy(commands.bytes + places->at[i], word, length);
}

/* The response to every request: its records, of which only the request's id differs. */
static void make_output(const char *path)
{
	static struct text response;
	read_text(path, &response);
	size_t padding = (8 - response.length % 8) % 8;
	unsigned char *to = (unsigned char *)output.bytes;
	if (HEADER_SIZE + response.length + padding + END_SIZE > sizeof(output.bytes) ||
		response.length > UINT16_MAX) {
		fputs("responder: the response is too long\n", stderr);
		exit(EXIT_FAILURE);
	}

	to[0] = 1;
	to[1] = STDOUT;
	to[4] = (unsigned char)(response.length >> 8);
	to[5] = (unsigned char)(response.length & 0xff);
	to[6] = (unsigned char)padding;
	memcpy(to + HEADER_SIZE, response.bytes, response.length);

	to += HEADER_SIZE + response.length + padding;
	to[0] = 1;
	to[1] = END_REQUEST;
	to[5] = END_SIZE - HEADER_SIZE;
	output.length = HEADER_SIZE + response.length + padding + END_SIZE;
}

/* ---- requests ---- */

static void drop(int fd)
{
	connections[fd]->open = false;
	connections[fd]->generation++;
	close(fd);
}

static void respond(int fd)
{
	struct connection *connection = connections[fd];
	memcpy(output.bytes + 2, connection->id, 2);
	memcpy(output.bytes + output.length - END_SIZE + 2, connection->id, 2);
	if (write(fd, output.bytes, output.length) != (ssize_t)output.length || !connection->keep)
		drop(fd);
}

static void ask_redis(int fd)
{
	static uint64_t number;
	char run[RUN_LENGTH + 1];
	snprintf(run, sizeof(run), "%08x%024" PRIx64, (unsigned)getpid(), ++number);
	fill_in(&apps, connections[fd]->app, APP_LENGTH);
	fill_in(&runs, run, RUN_LENGTH);
	redisAppendFormattedCommand(redis, commands.bytes, commands.length);

	if (next_request - first_request == REQUESTS_MAX) {
		fputs("responder: too many requests under way\n", stderr);
		exit(EXIT_FAILURE);
	}
	requests[next_request % REQUESTS_MAX].fd = fd;
	requests[next_request++ % REQUESTS_MAX].generation = connections[fd]->generation;
}

static void find_app(struct connection *connection, const char *content, size_t length)
{
	const char *app = memmem(content, length, APP_PREFIX, strlen(APP_PREFIX));
	if (app != NULL && (size_t)(content + length - app) >= APP_LENGTH)
		memcpy(connection->app, app, APP_LENGTH);
}

static void take_record(int fd, const char *record, size_t length)
{
	struct connection *connection = connections[fd];
	const char *content = record + HEADER_SIZE;
	switch ((enum record)record[1]) {
	case BEGIN_REQUEST:
		memcpy(connection->id, record + 2, 2);
		connection->keep = content[2] & 1;
		break;
	case PARAMS:
		find_app(connection, content, length);
		break;
	case STDIN:
		if (length == 0)
			ask_redis(fd);
		else
			find_app(connection, content, length);
		break;
	default:
		break;
	}
}

static void take_input(int fd)
{
	struct connection *connection = connections[fd];
	ssize_t got =
		read(fd, connection->input + connection->filled, INPUT_MAX - connection->filled);
	if (got <= 0) {
		drop(fd);
		return;
	}
	connection->filled += (size_t)got;

	size_t at = 0;
	while (connection->filled - at >= HEADER_SIZE) {
		const unsigned char *header = (const unsigned char *)connection->input + at;
		size_t length = (size_t)(header[4] << 8 | header[5]);
		size_t whole = HEADER_SIZE + length + header[6];
		if (connection->filled - at < whole)
			break;
		take_record(fd, connection->input + at, length);
		at += whole;
	}
	connection->filled -= at;
	memmove(connection->input, connection->input + at, connection->filled);
}

static void accept_connections(void)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (fd >= CONNECTIONS_MAX) {
			close(fd);
			return;
		}

		if (connections[fd] == NULL)
			connections[fd] = calloc(1, sizeof(*connections[fd]));
		if (connections[fd] == NULL)
			die("calloc");
		connections[fd]->open = true;
		connections[fd]->filled = 0;
		watch(fd);
	}
}

/* ---- Redis ---- */

static void take_reply(const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "responder: %s\n", reply->str);
		exit(EXIT_FAILURE);
	}
	if (++replies_seen < commands_each)
		return;

	replies_seen = 0;
	int fd = requests[first_request % REQUESTS_MAX].fd;
	unsigned generation = requests[first_request++ % REQUESTS_MAX].generation;
	if (connections[fd]->open && connections[fd]->generation == generation)
		respond(fd);
}

static void take_replies(void)
{
	void *reply;
	if (redisBufferRead(redis) != REDIS_OK)
		die("Redis");
	while (redisGetReplyFromReader(redis, &reply) == REDIS_OK && reply != NULL) {
		take_reply(reply);
		freeReplyObject(reply);
	}
}

static void send_commands(void)
{
	int done = 0;
	while (!done)
		if (redisBufferWrite(redis, &done) != REDIS_OK)
			die("Redis");
}

static void open_redis(const char *path)
{
	void *reply;
	redis = redisConnectUnix(path);
	if (redis == NULL || redis->err != 0)
		die(path);
	redisAppendFormattedCommand(redis, login.bytes, login.length);
	if (redisGetReply(redis, &reply) != REDIS_OK)
		die("AUTH");
	if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "responder: %s\n", ((redisReply *)reply)->str);
		exit(EXIT_FAILURE);
	}
	freeReplyObject(reply);
	watch(redis->fd);
}

/* ---- the whole ---- */

static void open_listener(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(listener, 4096) != 0)
		die(path);
	watch(listener);
}

static void take_turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == listener)
			accept_connections();
		else if (fd == redis->fd)
			take_replies();
		else if (connections[fd]->open)
			take_input(fd);
	}
	send_commands();
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		fputs("Usage: responder SOCKET REDIS LOGIN COMMANDS COUNT RUN RESPONSE\n", stderr);
		return 2;
	}
	read_text(argv[3], &login);
	read_text(argv[4], &commands);
	commands_each = (unsigned)strtoul(argv[5], NULL, 10);
	find_places(APP, &apps);
	if (strlen(argv[6]) == RUN_LENGTH)
		find_places(argv[6], &runs);
	make_output(argv[7]);

	/* nginx closes what it does not keep, also before the response. */
	sigaction(SIGPIPE, &(const struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	epoll = epoll_create1(0);
	if (epoll < 0)
		die("epoll_create1");
	open_redis(argv[2]);
	open_listener(argv[1]);
	for (;;)
		take_turn();
}
