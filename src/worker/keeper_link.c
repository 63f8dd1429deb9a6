/*
 * Replies come in the order of the questions. A question that was with a keeper that ended is asked
 * again: to open a secret twice does no harm.
 */
#include "worker/keeper_link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "slipway/field.h"
#include "worker/credentials.h"

#define TRIES_MAX      40
#define TRY_AGAIN_MS   250
#define DELAY_FIRST_MS 100
#define DELAY_LAST_MS  5000
#define HEALTHY_MS     1000

/* On the stack of the coroutine that waits. */
struct keeper_question {
	struct keeper_question *next;
	struct coroutine_list turn;
	struct arena *arena;
	struct reply *reply;
	struct error *error;
	bool is_answered, is_lost;
	enum error_class class;
};

/* ---- the process ---- */

static _Noreturn void begin_keeper(struct keeper_link *link, int channel, pid_t supervisor)
{
	/* It ends when the supervisor closes its end, and by nothing that reaches the whole group.
	 */
	static const int ignored[] = { SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2,
		SIGALRM };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "slipway-keeper");
	if (getppid() != supervisor)
		_exit(1);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	loop_leave(link->loop);
	close_range(STDERR_FILENO + 1, (unsigned)channel - 1, 0);
	close_range((unsigned)channel + 1, ~0U, 0);
	exit(keeper_run(link->settings, channel));
}

static void on_channel(void *context, uint32_t events);

static void forget_keys(struct settings *settings)
{
	settings_forget(settings, "SLIPWAY_SECRETS_KEYS");
	credentials_forget(settings);
}

static enum error_class start(struct keeper_link *link, struct error *error)
{
	const pid_t supervisor = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		error_set(error, ERROR_INTERNAL, "no socket for the keeper: %s", strerror(errno));
		forget_keys(link->settings);
		return error->class;
	}

	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0)
		begin_keeper(link, pair[1], supervisor);
	close(pair[1]);
	forget_keys(link->settings);
	if (pid < 0) {
		close(pair[0]);
		return error_set(
			error, ERROR_INTERNAL, "cannot start the keeper: %s", strerror(errno));
	}

	link->pid = pid;
	link->started_at = clock_monotonic_ms();
	channel_init(&link->channel, pair[0]);
	link->watch = (struct loop_watch){ pair[0], on_channel, link };
	return loop_watch(link->loop, &link->watch, EPOLLIN, error);
}

/* Whoever waits asks the next one. */
static void lose_questions(struct keeper_link *link)
{
	while (link->first != NULL) {
		struct keeper_question *question = link->first;
		link->first = question->next;
		question->is_lost = true;
		loop_wake(link->loop, &question->turn);
	}
	link->last = NULL;
}

/* By its end of the channel it ends; where it does not, by force. */
static void stop(struct keeper_link *link, bool by_force)
{
	if (link->pid == 0)
		return;
	loop_unwatch(link->loop, &link->watch);
	close(link->channel.fd);
	channel_release(&link->channel);
	if (by_force)
		kill(link->pid, SIGKILL);
	while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR) {}
	link->pid = 0;
	lose_questions(link);
}

static void on_lost(struct keeper_link *link)
{
	const int64_t now = clock_monotonic_ms();

	log_write(LOG_ERROR, "keeper ended", "then",
		link->has_keys_once ? "this worker stops, for its keys came by the environment"
				    : "another one reads the keys again",
		NULL);
	stop(link, true);
	if (now - link->started_at >= HEALTHY_MS)
		link->delay_ms = 0;
	link->delay_ms = link->delay_ms == 0     ? DELAY_FIRST_MS
		: link->delay_ms < DELAY_LAST_MS ? 2 * link->delay_ms
						 : DELAY_LAST_MS;
	link->restart_at = now + link->delay_ms;
	link->is_spent = link->has_keys_once;
}

void keeper_link_check(struct keeper_link *link)
{
	struct error error;

	if (link->pid != 0 || link->is_spent || clock_monotonic_ms() < link->restart_at)
		return;
	if (start(link, &error) != ERROR_NONE) {
		log_error("keeper not started", &error);
		link->restart_at = clock_monotonic_ms() + DELAY_LAST_MS;
	}
}

enum error_class keeper_link_open(
	struct keeper_link *link, struct settings *settings, struct loop *loop, struct error *error)
{
	*link = (struct keeper_link){ .settings = settings,
		.loop = loop,
		.has_keys_once = settings_came_once(settings, "SLIPWAY_SECRETS_KEYS") ||
			credentials_came_once(settings) };
	return start(link, error);
}

void keeper_link_renew(struct keeper_link *link)
{
	/* What came by the environment is not other than it was, and nobody else has it. */
	if (link->has_keys_once) {
		forget_keys(link->settings);
		log_write(LOG_WARNING, "the keeper stays as it is", "why",
			"some of its keys or tokens came by the environment: files that have "
			"changed since are read when the worker is started again",
			NULL);
		return;
	}
	stop(link, true);
	link->restart_at = 0;
	keeper_link_check(link);
}

void keeper_link_close(struct keeper_link *link)
{
	if (link->loop != NULL)
		stop(link, false);
}

/* ---- questions ---- */

static void take_replies(struct keeper_link *link)
{
	const char *text;
	size_t length;

	while (link->first != NULL && channel_take(&link->channel, &text, &length)) {
		struct keeper_question *question = link->first;
		link->first = question->next;
		if (link->first == NULL)
			link->last = NULL;
		question->class = message_read(&reply_record, text, length, question->arena,
			question->reply, question->error);
		question->is_answered = true;
		loop_wake(link->loop, &question->turn);
	}
}

static void send_all(struct keeper_link *link)
{
	const bool is_full = channel_flush(&link->channel) == CHANNEL_FULL;
	loop_change(link->loop, &link->watch, EPOLLIN | (is_full ? EPOLLOUT : 0));
}

static void on_channel(void *context, uint32_t events)
{
	struct keeper_link *link = context;

	if ((events & EPOLLOUT) != 0)
		send_all(link);
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	const enum channel_state state = channel_read(&link->channel);
	take_replies(link);
	if (state == CHANNEL_GONE || state == CHANNEL_SHORT)
		on_lost(link);
}

static void put_in_line(struct keeper_link *link, struct keeper_question *question)
{
	if (link->last != NULL)
		link->last->next = question;
	else
		link->first = question;
	link->last = question;
}

enum error_class keeper_link_ask(struct keeper_link *link, const struct opening *opening,
	struct arena *arena, struct reply *ret_reply, struct error *error)
{
	for (int tries = 0; tries < TRIES_MAX && !link->is_spent; tries++) {
		struct keeper_question question = {
			.arena = arena, .reply = ret_reply, .error = error
		};
		if (link->pid == 0) {
			loop_sleep_ms(link->loop, TRY_AGAIN_MS);
			continue;
		}
		if (message_put(&link->channel, &opening_record, opening, error) != ERROR_NONE)
			return error->class;
		put_in_line(link, &question);
		send_all(link);
		while (!question.is_answered && !question.is_lost)
			loop_wait_in(&question.turn);
		if (question.is_answered)
			return question.class;
	}
	return error_set(error, ERROR_STORE_UNAVAILABLE,
		"the worker has no keeper now, which opens secrets and has the tokens");
}
