/*
 * The supervisor over processes.
 *
 * covers: src/base/prefork.c
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prefork.h"
#include "harness/suite.h"

/* What the supervisor process under test reports to the test, through a pipe:
 * one letter an event. */
static int reports[2];
static struct prefork prefork;

static void report(char letter)
{
	ck_assert_int_eq(write(reports[1], &letter, 1), 1);
}

static char next_report(void)
{
	char letter = '?';
	ck_assert_int_eq(read(reports[0], &letter, 1), 1);
	return letter;
}

/* False if it is gone. */
static bool tell_supervisor(int channel)
{
	ssize_t sent;

	do {
		sent = send(channel, "s", 1, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == 1;
}

static int sleeping_child(void *context, size_t index, int channel)
{
	(void)context;
	(void)index;
	if (!tell_supervisor(channel))
		return 1;
	for (;;)
		pause();
}

static int stubborn_child(void *context, size_t index, int channel)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGTERM, &ignore, NULL);
	return sleeping_child(context, index, channel);
}

static void on_message(void *context, size_t index, const char *bytes, size_t length)
{
	(void)context;
	(void)index;
	if (length == 1)
		report(bytes[0]);
}

static void on_ended(void *context, size_t index, pid_t pid, int status)
{
	(void)context;
	(void)index;
	(void)pid;
	report(WIFSIGNALED(status) ? (WTERMSIG(status) == SIGKILL ? 'K' : 'T') : 'E');
}

/* Forks a process that supervises so many children, and reports their ends by `ended`. */
static pid_t launch_reporting(size_t count, int (*child)(void *, size_t, int), int64_t grace_ms,
	void (*ended)(void *, size_t, pid_t, int))
{
	ck_assert_int_eq(pipe(reports), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct error error;
		prefork = (struct prefork){ .count = count,
			.grace_ms = grace_ms,
			.tick_ms = 10,
			.child = child,
			.message = on_message,
			.ended = ended };
		_exit(prefork_run(&prefork, &error) == ERROR_NONE ? 0 : 1);
	}
	return pid;
}

static pid_t launch(int (*child)(void *, size_t, int), int64_t grace_ms)
{
	return launch_reporting(2, child, grace_ms, on_ended);
}

/* The same for children that stay: waits until both are there. */
static pid_t supervise(int (*child)(void *, size_t, int), int64_t grace_ms)
{
	pid_t pid = launch(child, grace_ms);
	ck_assert_int_eq(next_report(), 's');
	ck_assert_int_eq(next_report(), 's');
	return pid;
}

static void assert_ends_well(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(test_stops_all_on_terminate)
{
	pid_t pid = supervise(sleeping_child, 3600000);
	kill(pid, SIGTERM);
	ck_assert_int_eq(next_report(), 'T');
	ck_assert_int_eq(next_report(), 'T');
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_kills_after_the_grace)
{
	pid_t pid = supervise(stubborn_child, 50);
	kill(pid, SIGTERM);
	ck_assert_int_eq(next_report(), 'K');
	ck_assert_int_eq(next_report(), 'K');
	assert_ends_well(pid);
}
END_TEST

START_TEST(test_second_signal_kills_at_once)
{
	pid_t pid = supervise(stubborn_child, 3600000);
	kill(pid, SIGTERM);
	/* Two signals that come together are one: repeat until it is a second one. */
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGTERM);
		clock_sleep_ms(5);
	}
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

static int dying_child(void *context, size_t index, int channel)
{
	(void)context;
	(void)index;
	return tell_supervisor(channel) ? 3 : 1;
}

START_TEST(test_replaces_children_that_end_and_delivers_what_they_said)
{
	pid_t pid = launch(dying_child, 1000);
	int messages = 0, ends = 0;
	while (messages < 6 || ends < 6) {
		char letter = next_report();
		messages += letter == 's' ? 1 : 0;
		ends += letter == 'E' ? 1 : 0;
	}
	kill(pid, SIGTERM);
	assert_ends_well(pid);
}
END_TEST

/* Whether the one that ended may be replaced now, or has to wait. One that was there for a second
 * is taken for a healthy one, also where the machine stood still. */
static void on_ended_tell_delay(void *context, size_t index, pid_t pid, int status)
{
	const struct prefork_child *child = &prefork.children[index];
	const int64_t waits_ms = child->restart_delay_ms / 2; /* it was doubled for the next time */
	(void)context;
	(void)pid;
	(void)status;
	if (clock_monotonic_ms() - child->started_at >= 1000)
		report('H');
	else
		report(waits_ms >= 100 && child->restart_at - child->started_at >= waits_ms ? 'L'
											    : '0');
}

static int working_child(void *context, size_t index, int channel)
{
	(void)context;
	(void)index;
	return tell_supervisor(channel) ? 0 : 1;
}

START_TEST(test_a_child_that_ends_well_after_it_has_done_something_is_replaced_without_delay)
{
	pid_t pid = launch_reporting(2, working_child, 1000, on_ended_tell_delay);
	for (int ends = 0; ends < 10;) {
		char letter = next_report();
		ck_assert_int_ne(letter, 'L');
		ends += letter != 's' ? 1 : 0;
	}
	kill(pid, SIGTERM);
	assert_ends_well(pid);
}
END_TEST

static int idle_child(void *context, size_t index, int channel)
{
	(void)context;
	(void)index;
	(void)channel;
	return 0;
}

START_TEST(test_a_child_that_ends_at_once_without_having_done_anything_is_delayed_like_a_crash)
{
	char ends[4] = "";
	do {
		pid_t pid = launch_reporting(1, idle_child, 1000, on_ended_tell_delay);
		for (size_t i = 0; i < 3; i++)
			ends[i] = next_report();
		kill(pid, SIGTERM);
		assert_ends_well(pid);
	} while (strchr(ends, 'H') != NULL);
	/* The first end is taken for an accident. */
	ck_assert_str_eq(ends, "0LL");
}
END_TEST

START_TEST(test_children_die_with_their_supervisor)
{
	pid_t pid = supervise(sleeping_child, 1000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The children held the other end of the pipe: it closes when they are gone. */
	close(reports[1]);
	char letter;
	ck_assert_int_eq(read(reports[0], &letter, 1), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_stops_all_on_terminate, test_kills_after_the_grace,
		test_second_signal_kills_at_once,
		test_replaces_children_that_end_and_delivers_what_they_said,
		test_a_child_that_ends_well_after_it_has_done_something_is_replaced_without_delay,
		test_a_child_that_ends_at_once_without_having_done_anything_is_delayed_like_a_crash,
		test_children_die_with_their_supervisor, NULL };
	return suite_main("prefork", tests, NULL, NULL);
}
