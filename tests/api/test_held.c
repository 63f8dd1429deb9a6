/*
 * Requests that are held, spoken to as a web server does: none takes a coroutine or libfcgi's
 * streams, none is forgotten, and none is called for nothing.
 *
 * covers: src/api/holds.c, src/api/held.c, src/api/records.c, src/api/incoming.c
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
#include "api/holds.h"
#include "base/clock.h"
#include "base/resources.h"
#include "base/text.h"
#include "harness/suite.h"
#include "slipway/field.h"

#define MANY        500 /* more than there may be coroutines */
#define BYTES_EACH  4096
#define LARGE_BYTES 200000

/* Shared with the handler process. */
struct seen {
	int looks, held;    /* held: looks that led to a hold */
	int inside;         /* looks that wait, as for Redis */
	int version, shown; /* of the app: a request is held while it is what was shown */
	int change_within;  /* the next so many looks see a change that comes behind them */
	int seconds;
	char changed[IDENTIFIER_SIZE]; /* the test tells the handler that this app has changed */
	bool is_told, takes_large, is_slow; /* is_slow: a look waits until it is not */
};
static volatile struct seen *seen;

static struct sockaddr_un address;
static int listener, clients[MANY + 10];
static struct loop *loop;
static struct holds *holds;
static struct loop_timer look;

static void setup(void)
{
	struct error error;
	address.sun_family = AF_UNIX;
	text_format(address.sun_path, sizeof(address.sun_path), "/tmp/slipway-held-%d.sock",
		(int)getpid());
	ck_assert_uint_gt(resources_raise_files(), ARRAY_LEN(clients));
	ck_assert_int_eq(fastcgi_listen(address.sun_path, &listener, &error), ERROR_NONE);
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert((void *)seen != MAP_FAILED);
	seen->seconds = HOLD_SECONDS_MAX;
}

static void teardown(void)
{
	unlink(address.sun_path);
	munmap((void *)seen, sizeof(*seen));
	close(listener);
}

/* ---- the handler process ---- */

static void tell_changes(void *context)
{
	(void)context;
	if (!seen->is_told) {
		holds_changed(holds, (const char *)seen->changed);
		seen->is_told = true;
	}
	loop_set_timer(loop, &look, clock_monotonic_ms() + 2);
}

static void answer(struct response *response)
{
	static char large[LARGE_BYTES];
	char text[24];

	memset(large, 'x', sizeof(large));
	text_format(text, sizeof(text), "version %d", seen->version);
	bool complete = buffer_append_string(&response->body, text) &&
		(!seen->takes_large || buffer_append(&response->body, large, sizeof(large)));
	response->status = complete ? 200 : 500;
	response->subject.reads = true; /* nobody logs it */
}

/* The query is the app; If-None-Match is the version that the client knows, where it is another one
 * than most know. */
static void handle(void *context, const struct request *request, struct response *response)
{
	bool may_wait = request->hold != NULL &&
		hold_watch(holds, request->hold, request->query, seen->seconds);
	const char *known = request->if_none_match;
	int shown = known[0] != '\0' ? known[0] - '0' : seen->shown, version = seen->version;
	(void)context;

	seen->looks++;
	seen->inside++;
	while (seen->is_slow)
		loop_sleep_ms(loop, 1);
	seen->inside--;
	if (seen->change_within > 0) {
		seen->change_within--;
		holds_changed(holds, request->query);
	}
	response->held = may_wait && version == shown;
	if (response->held)
		seen->held++;
	else
		answer(response);
}

static pid_t serve(size_t most)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct error error;
		seen->is_told = true;
		look.due = tell_changes;
		bool served = loop_new(&loop, &error) == ERROR_NONE &&
			holds_new(loop, &holds, &error) == ERROR_NONE;
		if (served)
			loop_set_timer(loop, &look, clock_monotonic_ms());
		if (most > 0)
			setrlimit(RLIMIT_NOFILE, &(struct rlimit){ most, most });
		served = served &&
			fastcgi_serve(loop, holds, listener, handle, NULL, &error) == ERROR_NONE;
		holds_free(holds);
		loop_free(loop);
		coroutines_release();
		_exit(served ? 0 : 1);
	}
	return pid;
}

/* ---- the web server ---- */

/* Where the four records of a request begin. */
static const size_t records_at[] = { 0, 16, 98, 106 };

struct question {
	const char *app;   /* four letters */
	const char *known; /* one digit, or none */
	int number;        /* of the request */
};

/* A GET that asks to keep the connection. */
static void client_ask(int client, const struct question *question)
{
	char bytes[] = "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
		       "\1\4\0\1\0\112\0\0\16\3REQUEST_METHODGET\14\2DOCUMENT_URI/x"
		       "\14\4QUERY_STRINGaaaa\22\1HTTP_IF_NONE_MATCH0"
		       "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";
	memcpy(strstr(bytes + 24, "QUERY_STRING") + 12, question->app, 4);
	char *known = strstr(bytes + 60, "HTTP_IF") + 18;
	if (question->known[0] != '\0')
		*known = question->known[0];
	else
		*(strstr(bytes + 60, "HTTP_IF") + 17) = 'x'; /* of no use to anybody */
	for (size_t i = 0; i < ARRAY_LEN(records_at); i++)
		bytes[records_at[i] + 3] = (char)question->number;
	ck_assert_int_eq(write(client, bytes, sizeof(bytes) - 1), (ssize_t)sizeof(bytes) - 1);
}

static void client_send(int client, const char *app)
{
	client_ask(client, &(struct question){ app, "", 1 });
}

static int client_connect(void)
{
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static bool read_exactly(int client, unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t part = read(client, bytes, length);
		if (part <= 0)
			return false;
		bytes += part;
		length -= (size_t)part;
	}
	return true;
}

/* The records of one response, to the end of the request: gives the bytes of output, whose last
 * ones stay in text. 0: it ended before. */
static size_t client_receive(int client, char text[512])
{
	static unsigned char content[65536];
	unsigned char header[8];
	size_t output = 0;

	text[0] = '\0';
	do {
		if (!read_exactly(client, header, sizeof(header)))
			return 0;
		size_t length = (size_t)header[4] << 8 | header[5];
		if (!read_exactly(client, content, length + header[6]))
			return 0;
		if (header[1] == 6) {
			output += length;
			text_append(text, 512, "%.*s", (int)(length < 400 ? length : 400),
				(const char *)content);
		}
	} while (header[1] != 3);
	return output;
}

static bool has_answer(int client)
{
	struct pollfd waiting = { .fd = client, .events = POLLIN };
	return poll(&waiting, 1, 0) > 0;
}

static void assert_answer(int client, const char *expected)
{
	char text[512];
	ck_assert_uint_gt(client_receive(client, text), 0);
	ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
}

static void send_all(size_t count, const char *app)
{
	for (size_t i = 0; i < count; i++) {
		clients[i] = client_connect();
		client_send(clients[i], app);
	}
}

static void tell(const char *app)
{
	text_copy((char *)seen->changed, IDENTIFIER_SIZE, app);
	seen->is_told = false;
	while (!seen->is_told)
		poll(NULL, 0, 1);
}

#define WAIT_UNTIL(condition)                                                                      \
	while (!(condition))                                                                       \
	poll(NULL, 0, 1)

static void assert_ends_well(pid_t pid)
{
	int status;
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Of the private memory of a process. */
static size_t resident_bytes(pid_t pid)
{
	char path[64], line[256];
	size_t kilobytes = 0, part;

	text_format(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "r");
	ck_assert(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Private_Dirty: %zu", &part) == 1)
			kilobytes += part;
	fclose(file);
	return kilobytes * 1024;
}

/* ---- the tests ---- */

START_TEST(test_it_is_answered_by_the_change_and_not_before)
{
	pid_t pid = serve(0);
	send_all(2, "appa");
	WAIT_UNTIL(seen->held == 2);
	tell("appa"); /* nothing that it shows has changed */
	WAIT_UNTIL(seen->held == 3);
	ck_assert(!has_answer(clients[0]) && !has_answer(clients[1]));
	seen->version = 7;
	tell("appa");
	assert_answer(clients[0], "version 7");
	assert_answer(clients[1], "version 7");
	ck_assert_int_eq(seen->looks, 4); /* two of each, and two for both */

	/* The connection is kept, and may be held again. */
	seen->shown = 7;
	client_send(clients[0], "appa");
	WAIT_UNTIL(seen->held == 4);
	seen->version = 8;
	tell("appa");
	assert_answer(clients[0], "version 8");
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_a_change_of_another_app_wakes_nobody)
{
	pid_t pid = serve(0);
	send_all(1, "appa");
	WAIT_UNTIL(seen->held == 1);
	seen->version = 7;
	tell("appb");
	client_send(clients[1] = client_connect(), "appb");
	assert_answer(clients[1], "version 7");
	ck_assert_int_eq(seen->looks, 2);
	tell(""); /* it is not known which one */
	assert_answer(clients[0], "version 7");
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_a_change_between_the_look_and_the_hold_is_seen)
{
	pid_t pid = serve(0);
	seen->change_within = 3;
	send_all(1, "appa");
	WAIT_UNTIL(seen->held == 4);
	ck_assert_int_eq(seen->looks, 4);
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_more_are_held_than_there_may_be_coroutines_and_each_costs_little)
{
	pid_t pid = serve(0);
	send_all(1, "appa");
	WAIT_UNTIL(seen->held == 1);
	size_t before = resident_bytes(pid);
	for (size_t i = 1; i < MANY; i++)
		client_send(clients[i] = client_connect(), "appb");
	WAIT_UNTIL(seen->held == MANY);
	size_t each = (resident_bytes(pid) - before) / MANY;
#if !defined(__SANITIZE_ADDRESS__)
	if (!suite_under_valgrind()) /* it has much memory of its own */
		ck_assert_uint_lt(each, BYTES_EACH);
#endif
	(void)each;

	/* Others are served meanwhile. */
	seen->version = 7;
	client_send(clients[MANY] = client_connect(), "appc");
	assert_answer(clients[MANY], "version 7");
	tell("appb");
	for (size_t i = 1; i < MANY; i++)
		assert_answer(clients[i], "version 7");
	ck_assert(!has_answer(clients[0]));
	assert_ends_well(pid);
	assert_answer(clients[0], "version 7");
}
END_TEST

START_TEST(test_beyond_those_that_may_be_held_it_is_answered_at_once)
{
	pid_t pid = serve(56); /* 40 connections: 30 may be held */
	send_all(30, "appa");
	WAIT_UNTIL(seen->held == 30);
	client_send(clients[30] = client_connect(), "appa");
	assert_answer(clients[30], "version 0");
	/* Once it is seen that one has gone, another one is held in its place. */
	close(clients[0]);
	while (seen->held < 31) {
		client_send(clients[30], "appa");
		WAIT_UNTIL(has_answer(clients[30]) || seen->held == 31);
		if (seen->held < 31)
			assert_answer(clients[30], "version 0");
	}
	ck_assert(!has_answer(clients[30]));
	assert_ends_well(pid);
	assert_answer(clients[30], "version 0");
}
END_TEST

START_TEST(test_a_client_that_has_gone_is_forgotten)
{
	pid_t pid = serve(0);
	send_all(20, "appa");
	WAIT_UNTIL(seen->held == 20);
	for (int i = 0; i < 19; i++)
		close(clients[i]);
	client_send(clients[20] = client_connect(), "appb"); /* behind them */
	WAIT_UNTIL(seen->held == 21);
	seen->version = 7;
	tell("appa");
	assert_answer(clients[19], "version 7");
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_when_the_process_is_to_stop_all_get_an_answer)
{
	pid_t pid = serve(0);
	send_all(MANY, "appa");
	WAIT_UNTIL(seen->held == MANY);
	seen->version = 7;
	assert_ends_well(pid);
	for (size_t i = 0; i < MANY; i++)
		assert_answer(clients[i], "version 7");
}
END_TEST

START_TEST(test_at_the_end_of_its_time_it_is_answered_as_it_stands)
{
	pid_t pid = serve(0);
	seen->seconds = 1;
	send_all(2, "appa");
	assert_answer(clients[0], "version 0");
	assert_answer(clients[1], "version 0");
	/* One each at first; then one for both, or one each if their times end in two turns. */
	ck_assert_int_ge(seen->looks, 3);
	ck_assert_int_le(seen->looks, 4);
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_who_knows_the_new_state_is_held_on_beside_those_that_know_the_old_one)
{
	pid_t pid = serve(0);
	send_all(10, "appa");
	WAIT_UNTIL(seen->held == 10);
	seen->version = 7;
	for (size_t i = 10; i < 20; i++)
		client_ask(clients[i] = client_connect(), &(struct question){ "appa", "7", 1 });
	WAIT_UNTIL(seen->held == 20);
	tell("appa");
	for (size_t i = 0; i < 10; i++)
		assert_answer(clients[i], "version 7");
	WAIT_UNTIL(seen->held == 21);
	ck_assert_int_eq(seen->looks, 22); /* one of each, and one for both states */
	ck_assert(!has_answer(clients[10]) && !has_answer(clients[19]));
	seen->version = 8;
	tell("appa");
	for (size_t i = 10; i < 20; i++)
		assert_answer(clients[i], "version 8");
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_each_gets_the_response_to_the_request_of_his_number)
{
	unsigned char header[8];
	pid_t pid = serve(0);
	for (int i = 0; i < 3; i++)
		client_ask(
			clients[i] = client_connect(), &(struct question){ "appa", "", 1 + i / 2 });
	WAIT_UNTIL(seen->held == 3);
	seen->version = 7;
	tell("appa");
	for (int i = 0; i < 3; i++) {
		ck_assert(read_exactly(clients[i], header, sizeof(header)));
		ck_assert_int_eq(header[3], 1 + i / 2);
	}
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_who_comes_while_others_are_looked_at_has_a_look_of_his_own)
{
	pid_t pid = serve(0);
	send_all(4, "appa");
	WAIT_UNTIL(seen->held == 4);
	seen->is_slow = true;
	seen->version = 7;
	tell("appa");
	WAIT_UNTIL(seen->inside == 1);
	close(clients[0]); /* it is handled for all; and one that waits for it goes too */
	close(clients[2]);
	client_send(clients[4] = client_connect(), "appa");
	WAIT_UNTIL(seen->inside == 2);
	seen->is_slow = false;
	assert_answer(clients[1], "version 7");
	assert_answer(clients[3], "version 7");
	assert_answer(clients[4], "version 7");
	ck_assert_int_eq(seen->looks, 6);

	/* The connections are used again. */
	seen->shown = 7;
	client_send(clients[1], "appa");
	WAIT_UNTIL(seen->held == 5);
	seen->version = 8;
	tell("appa");
	assert_answer(clients[1], "version 8");
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_a_change_while_others_are_looked_at_is_looked_at_too)
{
	pid_t pid = serve(0);
	send_all(4, "appa");
	WAIT_UNTIL(seen->held == 4);
	seen->is_slow = true;
	tell("appa"); /* nothing that it shows: the look has begun before the next change */
	WAIT_UNTIL(seen->inside == 1);
	seen->version = 7;
	tell("appa");
	seen->is_slow = false;
	for (size_t i = 0; i < 4; i++)
		assert_answer(clients[i], "version 7");
	assert_ends_well(pid);
}
END_TEST

/* A peer that takes nothing for five seconds is given up: where the test has stood still for as
 * long, once more. */
START_TEST(test_a_large_response_comes_whole)
{
	char text[512];
	size_t length;
	int64_t began;
	pid_t pid = serve(0);
	seen->takes_large = true;
	do {
		const int held = seen->held;
		seen->shown = seen->version;
		send_all(1, "appa");
		WAIT_UNTIL(seen->held == held + 1);
		seen->version = 7 - seen->shown;
		began = clock_monotonic_ms();
		tell("appa");
		length = client_receive(clients[0], text);
	} while (length == 0 && clock_monotonic_ms() - began >= 5000);
	ck_assert_msg(strstr(text, "Content-Length: 200009\r\n\r\n") != NULL, "%s", text);
	ck_assert_uint_eq(length, (size_t)(strstr(text, "\r\n\r\n") + 4 - text) + 200009);
	assert_ends_well(pid);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_it_is_answered_by_the_change_and_not_before,
		test_a_change_of_another_app_wakes_nobody,
		test_a_change_between_the_look_and_the_hold_is_seen,
		test_more_are_held_than_there_may_be_coroutines_and_each_costs_little,
		test_beyond_those_that_may_be_held_it_is_answered_at_once,
		test_a_client_that_has_gone_is_forgotten,
		test_when_the_process_is_to_stop_all_get_an_answer,
		test_at_the_end_of_its_time_it_is_answered_as_it_stands,
		test_who_knows_the_new_state_is_held_on_beside_those_that_know_the_old_one,
		test_each_gets_the_response_to_the_request_of_his_number,
		test_who_comes_while_others_are_looked_at_has_a_look_of_his_own,
		test_a_change_while_others_are_looked_at_is_looked_at_too,
		test_a_large_response_comes_whole, NULL };
	return suite_main("held", tests, setup, teardown);
}
