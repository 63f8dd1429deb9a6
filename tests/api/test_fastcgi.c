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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/fastcgi.h"
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

/* What the handler process has seen. */
static struct seen {
	int answers;
	int while_others_waited; /* answers given while a connection waited to be accepted */
} * seen;

static void setup(void)
{
	struct error error;
	address.sun_family = AF_UNIX;
	text_format(address.sun_path, sizeof(address.sun_path), "/tmp/slipway-test-%d.sock",
		(int)getpid());
	ck_assert_int_eq(fastcgi_listen(address.sun_path, &listener, &error), ERROR_NONE);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
}

static void teardown(void)
{
	unlink(address.sun_path);
	munmap(seen, sizeof(*seen));
	close(listener);
}

static void answer_and_look(void *context, const struct request *request, struct response *response)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	(void)context;
	(void)request;
	response->status = 200;
	seen->answers++;
	seen->while_others_waited += poll(&waiting, 1, 0) > 0 ? 1 : 0;
}

static pid_t serve(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct error error;
		_exit(fastcgi_serve(listener, answer_and_look, NULL, &error) == ERROR_NONE ? 0 : 1);
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

static void assert_ends_well(pid_t pid)
{
	int status;
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(test_all_that_wait_are_accepted_before_the_next_is_served)
{
	int clients[CLIENTS];
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = client_connect();
		client_send(clients[i]);
	}
	pid_t pid = serve();
	for (int i = 0; i < CLIENTS; i++) {
		client_receive(clients[i]);
		close(clients[i]);
	}
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, CLIENTS);
	ck_assert_int_eq(seen->while_others_waited, 0);
}
END_TEST

/* More than there are places for: those that wait are accepted as soon as others have gone. */
START_TEST(test_more_than_there_are_places_for_are_served_in_turn)
{
	static int clients[2 * FASTCGI_CONNECTIONS_MAX];
	pid_t pid = serve();
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = client_connect();
		client_send(clients[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		client_receive(clients[i]);
		close(clients[i]);
	}
	assert_ends_well(pid);
	ck_assert_int_eq(seen->answers, (int)ARRAY_LEN(clients));
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
	pid_t pid = serve();
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

int main(void)
{
	const TTest *const tests[] = { test_all_that_wait_are_accepted_before_the_next_is_served,
		test_more_than_there_are_places_for_are_served_in_turn,
		test_a_hostile_record_costs_its_own_connection_and_no_other_request, NULL };
	return suite_main("fastcgi", tests, setup, teardown);
}
