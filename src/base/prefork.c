/*
 * Forks, replaces and stops children. A child that fails at once is restarted with a growing delay;
 * signals only set flags, and the loop acts on them.
 */
#include "base/prefork.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define RESTART_DELAY_FIRST_MS 100
#define RESTART_DELAY_LAST_MS  10000
#define HEALTHY_AFTER_MS       1000
#define KILL_AGAIN_MS          100

static void supervised_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGHUP);
}

/* In the child: nothing of the supervisor's is left open, and it ends when the supervisor does. */
static _Noreturn void child_start(
	struct prefork *prefork, size_t index, int channel, pid_t supervisor)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(1);
	loop_leave(prefork->loop);
	if (prefork->owns_loop)
		loop_free(prefork->loop);
	close(prefork->signals);
	for (size_t i = 0; i < prefork->count; i++)
		if (prefork->children[i].channel >= 0)
			close(prefork->children[i].channel);

	/* Ctrl-C and a closed terminal reach the whole foreground group, but the supervisor alone
	 * says what to do. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, standard = { .sa_handler = SIG_DFL };
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGTERM, &standard, NULL);
	sigset_t set;
	supervised_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);

	/* exit, not _exit: what watches over the end of a process, such as a leak checker, is to
	 * see this one too. */
	exit(prefork->child(prefork->context, index, channel));
}

static void watch_channel(struct prefork_child *child);

static void child_spawn(struct prefork *prefork, size_t index)
{
	struct prefork_child *child = &prefork->children[index];
	int pair[2];

	int type = prefork->started != NULL ? SOCK_STREAM : SOCK_SEQPACKET;
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) != 0) {
		child->restart_at = clock_monotonic_ms() + RESTART_DELAY_LAST_MS;
		return;
	}

	pid_t supervisor = getpid();

	/* What stands in buffers would be written twice. */
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		child_start(prefork, index, pair[1], supervisor);
	}

	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		child->restart_at = clock_monotonic_ms() + RESTART_DELAY_LAST_MS;
		return;
	}

	child->pid = pid;
	child->channel = pair[0];
	child->started_at = clock_monotonic_ms();
	child->has_spoken = false;
	if (prefork->started != NULL)
		prefork->started(prefork->context, index, child->channel);
	else
		watch_channel(child);
}

static void children_start_due(struct prefork *prefork)
{
	int64_t now = clock_monotonic_ms();
	for (size_t i = 0; i < prefork->count && !prefork->stopping; i++)
		if (prefork->children[i].pid == 0 && prefork->children[i].restart_at <= now)
			child_spawn(prefork, i);
}

/* Delivers one waiting message; false where there is none. */
static bool child_receive(struct prefork *prefork, size_t index)
{
	char message[PREFORK_MESSAGE_MAX];
	ssize_t length =
		recv(prefork->children[index].channel, message, sizeof(message), MSG_DONTWAIT);
	if (length <= 0)
		return false;
	prefork->children[index].has_spoken = true;
	if (prefork->message != NULL)
		prefork->message(prefork->context, index, message, (size_t)length);
	return true;
}

static void on_channel(void *context, uint32_t events)
{
	struct prefork_child *child = context;
	struct prefork *prefork = child->prefork;
	bool received = child_receive(prefork, (size_t)(child - prefork->children));

	/* It has closed its end, and may live on. */
	if (!received && (events & EPOLLHUP) != 0)
		loop_unwatch(prefork->loop, &child->watch);
}

static void watch_channel(struct prefork_child *child)
{
	struct error error;

	child->watch = (struct loop_watch){ child->channel, on_channel, child };
	if (loop_watch(child->prefork->loop, &child->watch, EPOLLIN, &error) != ERROR_NONE)
		kill(child->pid, SIGKILL); /* nobody would hear it: another one is tried */
}

/*
 * A child that ends well after it has done something, by a quota for one, makes room for the next.
 * Whether it has done something its messages tell: one that ends at once, however well, would be
 * started again and again for nothing.
 */
static void child_delay_restart(struct prefork_child *child, int status)
{
	int64_t now = clock_monotonic_ms();
	bool made_room = WIFEXITED(status) && WEXITSTATUS(status) == 0 && child->has_spoken;

	if (made_room || now - child->started_at >= HEALTHY_AFTER_MS)
		child->restart_delay_ms = 0;
	child->restart_at = now + child->restart_delay_ms;
	if (made_room)
		return;
	child->restart_delay_ms =
		child->restart_delay_ms == 0 ? RESTART_DELAY_FIRST_MS : child->restart_delay_ms * 2;
	if (child->restart_delay_ms > RESTART_DELAY_LAST_MS)
		child->restart_delay_ms = RESTART_DELAY_LAST_MS;
}

static void child_ended(struct prefork *prefork, size_t index, int status)
{
	struct prefork_child *child = &prefork->children[index];
	pid_t pid = child->pid;
	int channel = child->channel;

	if (prefork->started == NULL) {
		while (child_receive(prefork, index)) {}
		loop_unwatch(prefork->loop, &child->watch);
	}
	child->channel = -1;
	child->pid = 0;
	if (prefork->started == NULL)
		child_delay_restart(child, status);
	prefork->ended(prefork->context, index, pid, status);
	/* What it has said in a stream, the program has read now. */
	if (prefork->started != NULL)
		child_delay_restart(child, status);
	close(channel);
}

static void children_reap(struct prefork *prefork)
{
	prefork->has_ended = false;
	for (size_t i = 0; i < prefork->count; i++) {
		int status;
		if (prefork->children[i].pid > 0 &&
			waitpid(prefork->children[i].pid, &status, WNOHANG) > 0)
			child_ended(prefork, i, status);
	}
}

static void children_signal(struct prefork *prefork, int signal_number)
{
	for (size_t i = 0; i < prefork->count; i++)
		if (prefork->children[i].pid > 0)
			kill(prefork->children[i].pid, signal_number);
}

void prefork_kill(struct prefork *prefork, size_t index)
{
	if (prefork->children[index].pid > 0)
		kill(prefork->children[index].pid, SIGKILL);
}

void prefork_replace(struct prefork *prefork)
{
	if (!prefork->stopping)
		children_signal(prefork, SIGTERM);
}

static void stop_requested(struct prefork *prefork)
{
	int64_t now = clock_monotonic_ms();
	if (prefork->stopping) {
		prefork->kill_at = now;
		return;
	}
	prefork->stopping = true;
	prefork->kill_at = now + prefork->grace_ms;
	children_signal(prefork, SIGTERM);
}

static void signals_read(struct prefork *prefork)
{
	struct signalfd_siginfo received;
	while (read(prefork->signals, &received, sizeof(received)) == (ssize_t)sizeof(received)) {
		if (received.ssi_signo == SIGCHLD)
			prefork->has_ended = true;
		if (received.ssi_signo == SIGTERM || received.ssi_signo == SIGINT)
			stop_requested(prefork);
		if (received.ssi_signo == SIGHUP && prefork->hangup != NULL)
			prefork->hangup(prefork->context);
	}
}

static void on_signals(void *context, uint32_t events)
{
	(void)events;
	signals_read(context);
}

/* A turn of the loop, at most until something is due. */
static void take_turn(struct prefork *prefork, int64_t next_tick)
{
	int64_t now = clock_monotonic_ms(), due = next_tick;

	if (prefork->stopping && prefork->kill_at < due)
		due = prefork->kill_at > now ? prefork->kill_at : now + KILL_AGAIN_MS;
	for (size_t i = 0; i < prefork->count && !prefork->stopping; i++)
		if (prefork->children[i].pid == 0 && prefork->children[i].restart_at < due)
			due = prefork->children[i].restart_at;
	loop_turn(prefork->loop, due > now ? due - now : 0);
}

static bool children_left(const struct prefork *prefork)
{
	for (size_t i = 0; i < prefork->count; i++)
		if (prefork->children[i].pid > 0)
			return true;
	return false;
}

/*
 * Here and in all children. A peer that goes away is an error of write, not the end of the process.
 * Signals that have no meaning here would end it by default, and with it the work of all children.
 * SIGHUP has one, also under nohup.
 */
static void set_dispositions(void)
{
	static const int ignored[] = { SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, standard = { .sa_handler = SIG_DFL };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigaction(SIGHUP, &standard, NULL);
}

static enum error_class open_signals(struct prefork *prefork, struct error *error)
{
	sigset_t set;

	supervised_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	set_dispositions();
	prefork->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (prefork->signals < 0)
		return error_set(
			error, ERROR_INTERNAL, "cannot receive signals: %s", strerror(errno));
	prefork->watch = (struct loop_watch){ prefork->signals, on_signals, prefork };
	return loop_watch(prefork->loop, &prefork->watch, EPOLLIN, error);
}

static bool goes_on(const struct prefork *prefork)
{
	return !prefork->stopping || children_left(prefork) ||
		(prefork->busy != NULL && prefork->busy(prefork->context));
}

static void supervise(struct prefork *prefork)
{
	int64_t next_tick = clock_monotonic_ms();

	while (goes_on(prefork)) {
		children_start_due(prefork);
		if (clock_monotonic_ms() >= next_tick) {
			if (prefork->tick != NULL)
				prefork->tick(prefork->context);
			next_tick = clock_monotonic_ms() + prefork->tick_ms;
		}
		if (prefork->stopping && clock_monotonic_ms() >= prefork->kill_at)
			children_signal(prefork, SIGKILL);
		take_turn(prefork, next_tick);
		if (prefork->has_ended)
			children_reap(prefork);
	}
}

enum error_class prefork_run(struct prefork *prefork, struct error *error)
{
	prefork->owns_loop = prefork->loop == NULL;
	if (prefork->owns_loop && loop_new(&prefork->loop, error) != ERROR_NONE)
		return error->class;
	prefork->signals = -1;
	for (size_t i = 0; i < PREFORK_CHILDREN_MAX; i++)
		prefork->children[i] = (struct prefork_child){ .prefork = prefork, .channel = -1 };

	enum error_class class = open_signals(prefork, error);
	if (class == ERROR_NONE)
		supervise(prefork);
	if (prefork->signals >= 0) {
		loop_unwatch(prefork->loop, &prefork->watch);
		close(prefork->signals);
	}
	if (prefork->owns_loop)
		loop_free(prefork->loop);
	return class;
}
