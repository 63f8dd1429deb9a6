/*
 * Load over kept HTTP connections, from one thread. Each connection is counted by itself, so that
 * one that starves is seen.
 *
 *	load PORT CONNECTIONS SECONDS FIRST METHOD PATH BODY
 *		Each connection sends its next request when it has the response to the last one.
 *	load --held PORT CONNECTIONS SECONDS FIRST METHOD PATH BODY
 *		For responses that the server holds: each connection sends one request. Prints
 *		"asked" when all have, and "response" when the first has come.
 *
 * Before PORT may stand:
 *	--every MS     a connection sends a request that long after its last one, or at once if it
 *	               had the response later: for a client that goes at a pace
 *	--header LINE  one more line in the head of each request, such as a token
 *
 * %d in PATH or BODY becomes a number of twelve digits, a new one for each request, from FIRST on.
 * Prints one line of JSON at the end, which SIGTERM brings on where it is not --held: times in ms;
 * those of --held are instants, since 1970, and its CPU time is that behind "asked".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX     32768
#define REQUEST_MAX   16384
#define SAMPLES_MAX   4000000
#define EVENTS_MAX    256
#define HELD_AT_ONCE  100 /* connections opened in one go, where the server holds them */
#define HELD_PAUSE_MS 10

struct connection {
	int fd;
	bool busy;
	size_t filled;
	int64_t responses;
	double asked_at;
	char input[INPUT_MAX];
};

static struct {
	struct connection *connections;
	size_t count;
	double seconds;
	in_port_t port;
	bool held;
	double every_ms;    /* 0: at once when the response has come */
	const char *header; /* "": none */
	const char *method, *path, *body;
	int epoll;
	int64_t next; /* number of the next request */
	int64_t responses, bad, unavailable, cut;
	int first_bad; /* status of the first response that is neither 2xx nor 304 */
	double *samples;
	size_t sample_count;
	double cpu_at; /* since when the CPU time of this program is counted */
} load;

static volatile sig_atomic_t is_over; /* a SIGTERM came: it reports what there is */

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static double clock_ms(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* ---- connections ---- */

static void open_connection(struct connection *connection)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(load.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

	connection->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connection->fd < 0)
		die("socket");
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(connection->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");

	fcntl(connection->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		die("epoll_ctl");
	connection->busy = false;
	connection->filled = 0;
}

/* Copies the text with the number in the place of %d. */
static void fill_in(char *to, size_t size, const char *text, int64_t number)
{
	const char *place = strstr(text, "%d");
	int length = place == NULL ? snprintf(to, size, "%s", text)
				   : snprintf(to, size, "%.*s%012" PRId64 "%s", (int)(place - text),
					     text, number, place + 2);
	if (length < 0 || (size_t)length >= size) {
		fputs("load: the request is too long\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static size_t make_request(char *to, size_t size, int64_t number)
{
	char path[REQUEST_MAX / 4], body[REQUEST_MAX / 2];
	fill_in(path, sizeof(path), load.path, number);
	fill_in(body, sizeof(body), load.body, number);

	int length = snprintf(to, size, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s", load.method,
		path, load.header, load.header[0] != '\0' ? "\r\n" : "");
	if (body[0] == '\0')
		length += snprintf(to + length, size - (size_t)length, "\r\n");
	else
		length += snprintf(to + length, size - (size_t)length,
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(body), body);
	return (size_t)length;
}

static void ask(struct connection *connection)
{
	char request[REQUEST_MAX];
	size_t length = make_request(request, sizeof(request), load.next++);

	connection->asked_at = now_ms();
	connection->busy = true;
	connection->filled = 0;
	if (write(connection->fd, request, length) != (ssize_t)length) {
		load.cut++;
		close(connection->fd);
		open_connection(connection);
	}
}

/* ---- responses ---- */

static bool is_whole(struct connection *connection)
{
	const char *input = connection->input;
	const char *end = strstr(input, "\r\n\r\n");
	if (end == NULL)
		return false;

	size_t head = (size_t)(end - input) + 4;
	const char *length = strcasestr(input, "\r\nContent-Length:");
	if (length != NULL && length < end)
		return connection->filled >= head + strtoul(length + 17, NULL, 10);
	const char *chunked = strcasestr(input, "\r\nTransfer-Encoding: chunked");
	if (chunked != NULL && chunked < end)
		return connection->filled >= head + 5 &&
			memcmp(input + connection->filled - 5, "0\r\n\r\n", 5) == 0;
	return true;
}

static void count_response(struct connection *connection)
{
	int status = connection->filled > 12 ? (int)strtol(connection->input + 9, NULL, 10) : 0;
	double at = load.held ? clock_ms(CLOCK_REALTIME) : now_ms() - connection->asked_at;

	load.responses++;
	connection->responses++;
	connection->busy = false;
	if (load.sample_count < SAMPLES_MAX)
		load.samples[load.sample_count++] = at;
	if ((status >= 200 && status <= 299) || status == 304)
		return;

	if (load.bad++ == 0) {
		load.first_bad = status;
		fprintf(stderr, "%.800s\n", connection->input);
	}
	if (status == 503)
		load.unavailable++;
}

static void reopen(struct connection *connection)
{
	load.cut++;
	close(connection->fd);
	open_connection(connection);
	if (!load.held)
		ask(connection);
}

static void take_input(struct connection *connection)
{
	size_t room = INPUT_MAX - 1 - connection->filled;
	ssize_t got = read(connection->fd, connection->input + connection->filled, room);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		reopen(connection);
		return;
	}

	connection->filled += (size_t)got;
	connection->input[connection->filled] = '\0';
	if (!is_whole(connection))
		return;
	count_response(connection);
	if (!load.held && load.every_ms == 0)
		ask(connection);
}

static void take_turn(int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(load.epoll, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < count; i++)
		take_input(events[i].data.ptr);
}

/* ---- the whole ---- */

/* Of clients that go at a pace: those whose time has come. */
static void ask_when_due(void)
{
	for (size_t i = 0; i < load.count; i++) {
		struct connection *connection = &load.connections[i];
		if (!connection->busy && now_ms() >= connection->asked_at + load.every_ms)
			ask(connection);
	}
}

static void run_closed_loop(void)
{
	double end = now_ms() + load.seconds * 1e3;
	for (size_t i = 0; i < load.count; i++)
		ask(&load.connections[i]);
	while (now_ms() < end && !is_over) {
		take_turn(load.every_ms > 0 ? 1 : 10);
		if (load.every_ms > 0)
			ask_when_due();
	}
}

/* They come in groups, as clients do that are held: none of them is refused for a full backlog. */
static void run_held(void)
{
	for (size_t i = 0; i < load.count; i++) {
		open_connection(&load.connections[i]);
		ask(&load.connections[i]);
		if (i % HELD_AT_ONCE == HELD_AT_ONCE - 1)
			take_turn(HELD_PAUSE_MS);
	}
	puts("asked");
	fflush(stdout);

	bool has_told = false;
	load.cpu_at = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
	double end = now_ms() + load.seconds * 1e3;
	while (now_ms() < end && load.responses + load.cut < (int64_t)load.count) {
		take_turn(10);
		if (has_told || load.responses == 0)
			continue;
		printf("response %.3f\n", load.samples[0]);
		fflush(stdout);
		has_told = true;
	}
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static double sample_at(double share)
{
	if (load.sample_count == 0)
		return 0;
	return load.samples[(size_t)(share * (double)(load.sample_count - 1))];
}

static void report(double took_ms)
{
	int64_t least = INT64_MAX, most = 0, starved = 0;
	for (size_t i = 0; i < load.count; i++) {
		int64_t responses = load.connections[i].responses;
		least = responses < least ? responses : least;
		most = responses > most ? responses : most;
		starved += responses == 0;
	}
	qsort(load.samples, load.sample_count, sizeof(load.samples[0]), compare);

	printf("{\"responses\":%" PRId64
	       ",\"per_second\":%.1f,\"first\":%.3f,\"p50\":%.3f,\"p99\":%.3f,"
	       "\"max\":%.3f,\"cpu_ms\":%.3f,",
		load.responses, (double)load.responses / took_ms * 1e3, sample_at(0),
		sample_at(0.5), sample_at(0.99), sample_at(1),
		clock_ms(CLOCK_PROCESS_CPUTIME_ID) - load.cpu_at);
	printf("\"bad\":%" PRId64 ",\"first_bad\":%d,\"unavailable\":%" PRId64 ",\"cut\":%" PRId64
	       ",\"least\":%" PRId64 ",\"most\":%" PRId64 ",\"starved\":%" PRId64
	       ",\"next\":%" PRId64 "}\n",
		load.bad, load.first_bad, load.unavailable, load.cut, least, most, starved,
		load.next);
}

static void allow_open_files(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_terminate(int signal_number)
{
	(void)signal_number;
	is_over = 1;
}

static void use(void)
{
	fputs("Usage: load [--held] [--every MS] [--header LINE] PORT CONNECTIONS SECONDS FIRST "
	      "METHOD PATH BODY\n",
		stderr);
	exit(2);
}

/* Gives the first word that is no flag. */
static char **take_flags(char **words)
{
	load.header = "";
	for (; *words != NULL && strncmp(*words, "--", 2) == 0; words++) {
		if (strcmp(*words, "--held") == 0)
			load.held = true;
		else if (strcmp(*words, "--every") == 0 && words[1] != NULL)
			load.every_ms = strtod(*++words, NULL);
		else if (strcmp(*words, "--header") == 0 && words[1] != NULL)
			load.header = *++words;
		else
			use();
	}
	return words;
}

int main(int argc, char **argv)
{
	char **words = take_flags(argv + 1);
	if (argv + argc - words != 7)
		use();
	load.port = (in_port_t)strtoul(words[0], NULL, 10);
	load.count = strtoul(words[1], NULL, 10);
	load.seconds = strtod(words[2], NULL);
	load.next = strtoll(words[3], NULL, 10);
	load.method = words[4];
	load.path = words[5];
	load.body = words[6];

	allow_open_files();
	load.epoll = epoll_create1(0);
	load.connections = calloc(load.count, sizeof(load.connections[0]));
	load.samples = malloc(SAMPLES_MAX * sizeof(load.samples[0]));
	if (load.epoll < 0 || load.connections == NULL || load.samples == NULL)
		die("load");
	for (size_t i = 0; !load.held && i < load.count; i++)
		open_connection(&load.connections[i]);

	if (!load.held)
		signal(SIGTERM, on_terminate);
	double start = now_ms();
	if (load.held)
		run_held();
	else
		run_closed_loop();
	report(now_ms() - start);
	return EXIT_SUCCESS;
}
