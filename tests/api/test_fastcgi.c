/*
 * The loop over connections, spoken to as a web server does.
 *
 * covers: src/api/fastcgi.c
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/fastcgi.h"
#include "base/clock.h"
#include "base/resources.h"
#include "base/text.h"
#include "harness/suite.h"
#include "slipway/field.h"

#define CLIENTS 64

/* One GET /healthz that asks to keep the connection: begin, parameters, their end, the end of the
 * input. */
static const char request_bytes[] = "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
				    "\1\4\0\1\0\43\0\0\16\3REQUEST_METHODGET\14\2DOCUMENT_URI/x"
				    "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";

static struct sockaddr_un address;
static int listener;
static int clients[FASTCGI_SERVED_MAX + FASTCGI_WAITING_MAX + 10];

/* What the handler process has seen. */
struct seen {
	int answers;
	int while_others_waited; /* answers given while a connection waited to be accepted */
	int inside, most_inside; /* requests that are being served */
	int overloaded;
	bool is_open; /* the test lets them go on */
	bool stops;   /* before that, the process is to be told to stop */
	pid_t first;  /* the process that answered first, and how many it has answered */
	int of_first;
};
static volatile struct seen *seen;

/* Of the handler process. */
static struct loop *loop;
static struct coroutine_list held;

static void setup(void)
{
	struct error error;
	address.sun_family = AF_UNIX;
	text_format(address.sun_path, sizeof(address.sun_path), "/tmp/slipway-test-%d.sock",
		(int)getpid());
	ck_assert_uint_gt(resources_raise_files(), ARRAY_LEN(clients));
	ck_assert_int_eq(fastcgi_listen(address.sun_path, &listener, &error), ERROR_NONE);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert((void *)seen != MAP_FAILED);
}

static void teardown(void)
{
	unlink(address.sun_path);
	munmap((void *)seen, sizeof(*seen));
	close(listener);
}

/* To be accepted. */
static bool any_waits(void)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	return poll(&waiting, 1, 0) > 0;
}

static void answer_and_look(void *context, const struct request *request, struct response *response)
{
	(void)context;
	(void)request;
	response->status = 200;
	seen->answers++;
	seen->while_others_waited += any_waits() ? 1 : 0;
}

/* In a process of its own; files is how many it may have open, 0: as many as this one. */
static pid_t serve(request_handler *handler, rlim_t files)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct error error;
		if (files > 0)
			setrlimit(RLIMIT_NOFILE, &(struct rlimit){ files, files });
		bool served = loop_new(&loop, &error) == ERROR_NONE &&
			fastcgi_serve(loop, NULL, listener, handler, NULL, &error) == ERROR_NONE;
		_exit(served ? 0 : 1);
	}
	return pid;
}

static int client_connect(void)
{
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static void client_send(int client)
{
	ck_assert_int_eq(write(client, request_bytes, sizeof(request_bytes) - 1),
		(ssize_t)sizeof(request_bytes) - 1);
}

static void client_receive(int client)
{
	char bytes[256];
	ck_assert_int_gt(read(client, bytes, sizeof(bytes)), 0);
}

static void send_all(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		clients[i] = client_connect();
		client_send(clients[i]);
	}
}

static void receive_all(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		client_receive(clients[i]);
		close(clients[i]);
	}
}

static void assert_ends_well(pid_t pid)
{
	int status;
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(test_all_that_wait_are_accepted_before_the_next_is_served)
{
	send_all(CLIENTS);
	pid_t pid = serve(answer_and_look, 0);
	receive_all(CLIENTS);
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, CLIENTS);
	ck_assert_int_eq(seen->while_others_waited, 0);
}
END_TEST

/* More than it may have open: those that wait are accepted as soon as others have gone. */
START_TEST(test_more_than_there_are_places_for_are_served_in_turn)
{
	pid_t pid = serve(answer_and_look, 100);
	send_all(300);
	receive_all(300);
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, 300);
}
END_TEST

/* What no web server sends. Each stands on a connection of its own. */
static const struct {
	const char *bytes;
	size_t length;
} hostile[] = {
#define BYTES(text)                                                                                \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}
#define BEGIN "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
#define END   "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0"
	/* Parameters whose two lengths wrap: 2^31 - 1 and 2^31 - 1, 2^31 - 1 and 0, 1
	 * and 2^31 - 1. */
	BYTES(BEGIN "\1\4\0\1\0\12\0\0\377\377\377\377\377\377\377\377ab" END),
	BYTES(BEGIN "\1\4\0\1\0\7\0\0\377\377\377\377\0ab" END),
	BYTES(BEGIN "\1\4\0\1\0\7\0\0\1\377\377\377\377ab" END),
	/* Parameters longer than what came, and cut in a length. */
	BYTES(BEGIN "\1\4\0\1\0\4\0\0\100\100ab" END),
	BYTES(BEGIN "\1\4\0\1\0\2\0\0\377\377" END),
	/* Another version of the protocol, an unknown type, an unknown role, the end before the
	   beginning. */
	BYTES("\2\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0" END),
	BYTES("\1\143\0\1\0\0\0\0" BEGIN END),
	BYTES("\1\1\0\1\0\10\0\0\0\143\1\0\0\0\0\0" END),
	BYTES(END),
	/* A begin that is too short, a second begin inside the first, and one that is cut off. */
	BYTES("\1\1\0\1\0\1\0\0\0" END),
	BYTES(BEGIN BEGIN END),
	BYTES("\1\1\0\1\0\10"),
};

START_TEST(test_a_hostile_record_costs_its_own_connection_and_no_other_request)
{
	pid_t pid = serve(answer_and_look, 0);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		int client = client_connect(), other = client_connect();
		ck_assert_int_eq(write(client, hostile[i].bytes, hostile[i].length),
			(ssize_t)hostile[i].length);
		shutdown(client, SHUT_WR);
		client_send(other);
		client_receive(other);
		close(client);
		close(other);
		ck_assert_msg(
			waitpid(pid, NULL, WNOHANG) == 0, "the handler ended at record %zu", i);
	}
	assert_ends_well(pid);
}
END_TEST

/* The end comes with the request, in one event: nobody else would ever close it. */
START_TEST(test_a_connection_that_its_peer_has_ended_is_closed)
{
	char bytes[256];
	int ended[3];
	for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
		ended[i] = client_connect();
		client_send(ended[i]);
		shutdown(ended[i], SHUT_WR);
	}
	pid_t pid = serve(answer_and_look, 0);
	for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
		client_receive(ended[i]);
		while (read(ended[i], bytes, sizeof(bytes)) > 0) {}
		close(ended[i]);
	}
	assert_ends_well(pid);
}
END_TEST

/* ---- many at a time ---- */

static struct loop_timer look;

/* Whether the test lets go on who is inside. */
static void look_at_gate(void *context)
{
	(void)context;
	if (seen->is_open) {
		loop_wake(loop, &held);
		return;
	}
	loop_set_timer(loop, &look, clock_monotonic_ms() + 2);
	if (seen->stops) {
		raise(SIGTERM);
		seen->is_open = true;
	}
}

/* Waits as one does that has asked Redis. */
static void wait_at_gate(void *context, const struct request *request, struct response *response)
{
	(void)context;
	response->status = request->overloaded ? 503 : 200;
	if (request->overloaded) {
		seen->overloaded++;
		return;
	}

	seen->inside++;
	if (seen->inside > seen->most_inside)
		seen->most_inside = seen->inside;
	look.due = look_at_gate;
	if (!seen->is_open) {
		loop_set_timer(loop, &look, clock_monotonic_ms());
		loop_wait_in(&held);
	}
	seen->inside--;
	seen->answers++;
}

#define WAIT_UNTIL(condition)                                                                      \
	while (!(condition))                                                                       \
	poll(NULL, 0, 1)

static void count_of_first(void *context, const struct request *request, struct response *response)
{
	(void)context;
	(void)request;
	response->status = 200;
	seen->answers++;
	if (seen->first == 0)
		seen->first = getpid();
	if (seen->first == getpid())
		seen->of_first++;
}

/* Of 40 connections, how many the process took that answered first. */
static int connect_forty(void)
{
	const int before = seen->of_first;
	for (int i = 0; i < 40; i++) {
		poll(NULL, 0, 2); /* so that both are idle: the busy one cannot be woken */
		clients[i] = client_connect();
		client_send(clients[i]);
		client_receive(clients[i]);
	}
	for (int i = 0; i < 40; i++)
		close(clients[i]);
	return seen->of_first - before;
}

/* The kernel wakes whoever stands first: that would be one and the same. While one of them does
 * not get to run at all, the other one takes what comes. */
START_TEST(test_processes_of_one_listener_share_the_connections)
{
	pid_t one = serve(count_of_first, 0), two = serve(count_of_first, 0);
	int of_first = 0, rounds = 0;
	for (; rounds < 250 && (of_first < 5 || of_first > 35); rounds++)
		of_first = connect_forty();
	ck_assert_int_eq(seen->answers, 40 * rounds);
	ck_assert_int_ge(of_first, 5);
	ck_assert_int_le(of_first, 35);
	assert_ends_well(one);
	assert_ends_well(two);
}
END_TEST

START_TEST(test_as_many_are_served_at_a_time_as_there_may_be)
{
	pid_t pid = serve(wait_at_gate, 0);
	send_all(3 * FASTCGI_SERVED_MAX);
	WAIT_UNTIL(seen->inside == FASTCGI_SERVED_MAX);
	seen->is_open = true;
	receive_all(3 * FASTCGI_SERVED_MAX);
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, 3 * FASTCGI_SERVED_MAX);
	ck_assert_int_eq(seen->most_inside, FASTCGI_SERVED_MAX);
	ck_assert_int_eq(seen->overloaded, 0);
}
END_TEST

START_TEST(test_who_would_wait_behind_too_many_is_refused_at_once)
{
	pid_t pid = serve(wait_at_gate, 0);
	send_all(ARRAY_LEN(clients));
	WAIT_UNTIL(seen->overloaded == 10);
	seen->is_open = true;
	receive_all(ARRAY_LEN(clients));
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, FASTCGI_SERVED_MAX + FASTCGI_WAITING_MAX);
	ck_assert_int_eq(seen->overloaded, 10);
}
END_TEST

/* It waits for no longer than a few seconds: so it lets them go on by itself, however late the test
 * is. */
START_TEST(test_who_is_served_when_the_process_is_to_stop_gets_an_answer)
{
	pid_t pid = serve(wait_at_gate, 0);
	send_all(FASTCGI_SERVED_MAX + 5);
	WAIT_UNTIL(seen->inside == FASTCGI_SERVED_MAX && !any_waits());
	seen->stops = true;
	receive_all(FASTCGI_SERVED_MAX + 5);
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, FASTCGI_SERVED_MAX + 5);
}
END_TEST

START_TEST(test_a_client_that_goes_while_it_is_served_costs_nobody_anything)
{
	pid_t pid = serve(wait_at_gate, 0);
	send_all(20);
	WAIT_UNTIL(seen->inside == 20);
	for (int i = 0; i < 20; i++)
		close(clients[i]);
	seen->is_open = true;
	WAIT_UNTIL(seen->answers == 20);
	send_all(20);
	receive_all(20);
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, 40);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_processes_of_one_listener_share_the_connections,
		test_as_many_are_served_at_a_time_as_there_may_be,
		test_who_would_wait_behind_too_many_is_refused_at_once,
		test_who_is_served_when_the_process_is_to_stop_gets_an_answer,
		test_a_client_that_goes_while_it_is_served_costs_nobody_anything,
		test_all_that_wait_are_accepted_before_the_next_is_served,
		test_more_than_there_are_places_for_are_served_in_turn,
		test_a_hostile_record_costs_its_own_connection_and_no_other_request,
		test_a_connection_that_its_peer_has_ended_is_closed, NULL };
	return suite_main("fastcgi", tests, setup, teardown);
}
