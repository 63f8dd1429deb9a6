/* Replies come in the order of the questions. No child is trusted to give them, nor whoever asks to
 * ask for little. */
#include "worker/child_link.h"

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
#include "base/text.h"
#include "slipway/field.h"

#define DELAY_FIRST_MS 100
#define DELAY_LAST_MS  5000
#define HEALTHY_MS     1000
#define UNSENT_MAX     ((size_t)1 << 20) /* bytes of questions; then further ones wait */

/* On the stack of the coroutine that waits. */
struct child_question {
	struct child_question *next;
	struct coroutine_list turn;
	struct arena *arena;
	struct reply *reply;
	struct error *error;
	bool is_answered, is_lost;
	enum error_class class;
};

/* ---- the process ---- */

static _Noreturn void begin(struct child_link *link, int channel, pid_t supervisor)
{
	/* It ends when the supervisor closes its end, and by nothing that reaches the whole group.
	 */
	static const int ignored[] = { SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2,
		SIGALRM };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	char process[32];

	text_format(process, sizeof(process), "slipway-%s", link->name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, process);
	if (getppid() != supervisor)
		_exit(1);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	loop_leave(link->loop);
	close_range(STDERR_FILENO + 1, (unsigned)channel - 1, 0);
	close_range((unsigned)channel + 1, ~0U, 0);
	exit(link->live(link->context, channel));
}

static void on_channel(void *context, uint32_t events);

enum error_class child_link_start(struct child_link *link, struct error *error)
{
	const pid_t supervisor = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(error, ERROR_INTERNAL, "no socket for the %s: %s", link->name,
			strerror(errno));

	fflush(NULL);
	const pid_t pid = fork();
	if (pid == 0)
		begin(link, pair[1], supervisor);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return error_set(error, ERROR_INTERNAL, "cannot start the %s: %s", link->name,
			strerror(errno));
	}

	link->pid = pid;
	link->started_at = clock_monotonic_ms();
	channel_init(&link->channel, pair[0]);
	link->watch = (struct loop_watch){ pair[0], on_channel, link };
	return loop_watch(link->loop, &link->watch, EPOLLIN, error);
}

/* Whoever waits asks the next one. */
static void lose_questions(struct child_link *link)
{
	loop_wake(link->loop, &link->turn);
	while (link->first != NULL) {
		struct child_question *question = link->first;
		link->first = question->next;
		question->is_lost = true;
		loop_wake(link->loop, &question->turn);
	}
	link->last = NULL;
}

void child_link_stop(struct child_link *link, bool by_force)
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

static void on_lost(struct child_link *link, const char *why)
{
	const int64_t now = clock_monotonic_ms();
	char event[32];

	text_format(event, sizeof(event), "%s ended", link->name);
	log_write(LOG_ERROR, event, "then",
		link->is_only ? "this worker stops, for its keys came by the environment"
			      : "another one takes its place",
		"why", why, NULL);
	child_link_stop(link, true);
	if (now - link->started_at >= HEALTHY_MS)
		link->delay_ms = 0;
	link->delay_ms = link->delay_ms == 0     ? DELAY_FIRST_MS
		: link->delay_ms < DELAY_LAST_MS ? 2 * link->delay_ms
						 : DELAY_LAST_MS;
	link->restart_at = now + link->delay_ms;
	link->is_spent = link->is_only;
}

static bool is_silent(const struct child_link *link, int64_t now)
{
	return link->patience_ms > 0 && link->pid != 0 && link->first != NULL &&
		now - link->first_since > link->patience_ms;
}

void child_link_check(struct child_link *link)
{
	struct error error;

	if (is_silent(link, clock_monotonic_ms()))
		on_lost(link, "it does not answer");
	if (link->pid != 0 || link->is_spent || clock_monotonic_ms() < link->restart_at)
		return;
	if (child_link_start(link, &error) != ERROR_NONE) {
		log_error("child not started", &error);
		link->restart_at = clock_monotonic_ms() + DELAY_LAST_MS;
	}
}

/* ---- questions ---- */

static void take_replies(struct child_link *link)
{
	const char *text;
	size_t length;

	while (link->first != NULL && channel_take(&link->channel, &text, &length)) {
		struct child_question *question = link->first;
		link->first = question->next;
		link->first_since = clock_monotonic_ms();
		if (link->first == NULL)
			link->last = NULL;
		question->class = message_read(&reply_record, text, length, question->arena,
			question->reply, question->error);
		question->is_answered = true;
		loop_wake(link->loop, &question->turn);
	}
}

static void send_all(struct child_link *link)
{
	const bool is_full = channel_flush(&link->channel) == CHANNEL_FULL;
	loop_change(link->loop, &link->watch, EPOLLIN | (is_full ? EPOLLOUT : 0));
	if (!is_full)
		loop_wake(link->loop, &link->turn);
}

/* It would be taken for the answer to the next question. */
static bool has_spoken_unasked(const struct child_link *link)
{
	return link->first == NULL && link->channel.in.length > link->channel.taken;
}

static void on_channel(void *context, uint32_t events)
{
	struct child_link *link = context;

	if ((events & EPOLLOUT) != 0)
		send_all(link);
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	const enum channel_state state = channel_read(&link->channel);
	take_replies(link);
	if (state == CHANNEL_GONE || state == CHANNEL_SHORT)
		on_lost(link, "");
	else if (has_spoken_unasked(link))
		on_lost(link, "it answers what nobody has asked");
}

static void put_in_line(struct child_link *link, struct child_question *question)
{
	if (link->last != NULL) {
		link->last->next = question;
	} else {
		link->first = question;
		link->first_since = clock_monotonic_ms();
	}
	link->last = question;
}

/* False where there is no child, or another one than at first: the question may be for that one
 * alone. */
static bool wait_for_turn(struct child_link *link)
{
	const pid_t pid = link->pid;

	while (link->pid != 0 && link->pid == pid && link->channel.out.length > UNSENT_MAX)
		loop_wait_in(&link->turn);
	return link->pid != 0 && link->pid == pid;
}

enum error_class child_link_ask(struct child_link *link, const struct record *record,
	const void *message, struct arena *arena, struct reply *ret_reply, bool *ret_lost,
	struct error *error)
{
	struct child_question question = { .arena = arena, .reply = ret_reply, .error = error };

	*ret_lost = !wait_for_turn(link);
	if (*ret_lost)
		return ERROR_NONE;
	if (message_put(&link->channel, record, message, error) != ERROR_NONE)
		return error->class;
	put_in_line(link, &question);
	send_all(link);
	while (!question.is_answered && !question.is_lost)
		loop_wait_in(&question.turn);
	*ret_lost = question.is_lost;
	return question.class;
}
