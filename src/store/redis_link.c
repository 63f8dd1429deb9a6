/*
 * hiredis with deadlines. Its context stays usable after a time-out and would read a late reply as
 * the next reply, so any fault ends the connection.
 *
 * In a loop its socket does not block, and only main reads and writes it: a coroutine appends its
 * commands and yields. Commands may be appended while it still connects; where that fails, none of
 * them was sent.
 */
#include "store/redis_link.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/unset.h"
#include "store/redis_command.h"
#include "store/redis_reply.h"

#define READ_SIZE ((size_t)16 * 1024)
#define READS_MAX 64 /* in one turn: others have something to do as well */
/* After each KiB that it has taken, hiredis moves the rest of its buffer to the front: so it is
 * given little at a time. */
#define FEED_SIZE ((size_t)2048)

/* Who has commands under way; on the stack of its coroutine. */
struct waiter {
	struct coroutine_list queue; /* its coroutine */
	struct redisReply **replies;
	size_t wanted, got;
	int64_t deadline; /* monotonic */
	bool sent, failed;
	STAILQ_ENTRY(waiter) entry;
};

struct redis_link {
	redisContext *context;
	int timeout_ms;
	bool broken, retired;

	/* In a loop. */
	struct loop *loop; /* NULL: it blocks */
	struct loop_watch watch;
	struct loop_timer timer; /* the deadline of the first waiter */
	struct loop_hook hook;   /* flushes, or tells those that wait that it is broken */
	STAILQ_HEAD(waiters, waiter) waiters;
	size_t users;             /* coroutines in link_exchange */
	int64_t heard_at;         /* monotonic: when something came last */
	bool connected;           /* or so it is said to be; else nothing was sent */
	bool writing;             /* waits until the socket takes more */
	char why[REDIS_WHY_SIZE]; /* it is broken */
};

void link_close(struct redis_link *link)
{
	if (link == NULL)
		return;
	if (link->loop != NULL) {
		loop_clear_timer(link->loop, &link->timer);
		loop_forget(link->loop, &link->hook);
		loop_unwatch(link->loop, &link->watch);
	}
	if (link->context != NULL)
		redisFree(link->context);
	free(link);
}

/* ---- sending ---- */

#define PLAIN_MAX ((size_t)4096) /* of a command that needs no memory of its own */

/* hiredis would make it as well, of many small strings: that took a tenth of what slipway-api does.
 * Nothing waits in here, so all coroutines share the room: on their stacks it would be kept for
 * each. */
static bool append(struct redis_link *link, const struct redis_words *command)
{
	static char plain[PLAIN_MAX];
	static size_t lengths[REDIS_WORDS_MAX];
	char *text = plain;
	const size_t most = command_measure(command, lengths);

	if (most > sizeof(plain))
		text = malloc(most);
	bool complete = text != NULL &&
		redisAppendFormattedCommand(
			link->context, text, command_put(text, command, lengths)) == REDIS_OK;
	if (text != plain)
		free(text);
	return complete;
}

static bool append_all(struct redis_link *link, size_t count, const struct redis_words *commands)
{
	for (size_t i = 0; i < count; i++)
		if (!append(link, &commands[i]))
			return false;
	return true;
}

static void free_replies(size_t count, struct redisReply **replies)
{
	for (size_t i = 0; i < count; i++)
		reply_clear(&replies[i]);
}

/* ---- without a loop ---- */

static bool exchange_blocking(struct redis_link *link, size_t count,
	const struct redis_words *commands, struct redisReply **replies, bool *ret_sent)
{
	*ret_sent = false;
	if (!append_all(link, count, commands))
		return false;
	*ret_sent = true;
	for (size_t i = 0; i < count; i++) {
		void *reply = NULL;
		if (redisGetReply(link->context, &reply) != REDIS_OK || reply == NULL) {
			free_replies(i, replies);
			return false;
		}
		replies[i] = reply;
	}

	return true;
}

static redisContext *connect_blocking(const struct redis_address *address, int timeout_ms)
{
	const struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		.tv_usec = (timeout_ms % 1000) * 1000L };
	redisContext *context = address->socket[0] != '\0'
		? redisConnectUnixWithTimeout(address->socket, timeout)
		: redisConnectWithTimeout(address->host, address->port, timeout);

	if (context != NULL && context->err == 0)
		redisSetTimeout(context, timeout); /* where it fails, it sets context->err */
	return context;
}

/* ---- in a loop ---- */

/* From anywhere: whoever waits is told at the end of the turn, on the stack of main. */
static void break_link(struct redis_link *link, const char *why)
{
	if (!link->broken)
		text_copy(link->why, sizeof(link->why), why);
	link->broken = true;
	loop_call_at_end(link->loop, &link->hook);
}

/* One whose replies are coming is not late, however many they are. */
static int64_t deadline_of(const struct redis_link *link, const struct waiter *waiter)
{
	int64_t heard = link->heard_at + link->timeout_ms;
	return heard > waiter->deadline ? heard : waiter->deadline;
}

static void set_deadline(struct redis_link *link)
{
	const struct waiter *first = STAILQ_FIRST(&link->waiters);
	int64_t at = first != NULL ? deadline_of(link, first) : 0;

	if (first == NULL || link->broken)
		loop_clear_timer(link->loop, &link->timer);
	else if (!link->timer.is_set || link->timer.at != at)
		loop_set_timer(link->loop, &link->timer, at);
}

/* The first waiter has all that it waited for, or never will have. */
static void end_first(struct redis_link *link)
{
	struct waiter *first = STAILQ_FIRST(&link->waiters);
	STAILQ_REMOVE_HEAD(&link->waiters, entry);
	loop_wake(link->loop, &first->queue);
}

static void fail_all(struct redis_link *link)
{
	struct waiter *waiter;

	while ((waiter = STAILQ_FIRST(&link->waiters)) != NULL) {
		free_replies(waiter->got, waiter->replies);
		waiter->failed = true;
		end_first(link);
	}
}

static void mark_sent(struct redis_link *link)
{
	struct waiter *waiter;
	for (waiter = STAILQ_FIRST(&link->waiters); waiter != NULL;
		waiter = STAILQ_NEXT(waiter, entry)) {
		if (!waiter->sent)
			waiter->deadline = clock_monotonic_ms() + link->timeout_ms;
		waiter->sent = true;
	}
}

/* At the end of a turn, and whenever the socket takes more. */
static void flush(struct redis_link *link)
{
	int done = 0;

	if (!link->connected)
		return; /* until its socket can be written */
	if (redisBufferWrite(link->context, &done) != REDIS_OK) {
		break_link(link, link->context->errstr);
		return;
	}

	mark_sent(link);
	if (link->writing == (done == 0))
		return;
	link->writing = done == 0;
	loop_change(link->loop, &link->watch, link->writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void end_turn(void *context)
{
	struct redis_link *link = context;

	if (!link->broken)
		flush(link);
	if (link->broken)
		fail_all(link);
	set_deadline(link);
}

static void take_reply(struct redis_link *link, struct redisReply *reply)
{
	struct waiter *first = STAILQ_FIRST(&link->waiters);

	if (first == NULL) {
		reply_free(reply);
		break_link(link, "it sent a reply that nobody had asked for");
		return;
	}
	first->replies[first->got++] = reply;
	if (first->got == first->wanted)
		end_first(link);
}

static bool has_more(const struct redis_link *link)
{
	int bytes = 0;
	return ioctl(link->watch.fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* 0: nothing has come; < 0: the link is broken. */
static ssize_t receive(struct redis_link *link, char *bytes, size_t size)
{
	ssize_t count = recv(link->watch.fd, bytes, size, 0);

	if (count > 0)
		return count;
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	break_link(link, count < 0 ? strerror(errno) : "it closed the connection");
	return -1;
}

static void take_whole(struct redis_link *link)
{
	void *reply = NULL;

	while (!link->broken) {
		if (redisGetReplyFromReader(link->context, &reply) != REDIS_OK)
			break_link(link, link->context->errstr);
		if (reply == NULL)
			break;
		take_reply(link, reply);
		reply = NULL;
	}
}

static void take_from(struct redis_link *link, const char *bytes, size_t count)
{
	for (size_t part; count > 0 && !link->broken; bytes += part, count -= part) {
		part = count < FEED_SIZE ? count : FEED_SIZE;
		if (redisReaderFeed(link->context->reader, bytes, part) != REDIS_OK)
			break_link(link, link->context->reader->errstr);
		take_whole(link);
	}
}

static void take_replies(struct redis_link *link)
{
	UNSET char bytes[READ_SIZE];
	ssize_t count;

	/* What was less than a whole read was all. */
	for (int i = 0; i < READS_MAX && !link->broken; i++) {
		count = receive(link, bytes, sizeof(bytes));
		if (count <= 0)
			break;
		take_from(link, bytes, (size_t)count);
		link->heard_at = clock_monotonic_ms();
		if (count < (ssize_t)sizeof(bytes) || !has_more(link))
			break;
	}
	set_deadline(link);
}

static void on_ready(void *context, uint32_t events)
{
	struct redis_link *link = context;

	if (link->broken)
		return;
	if ((events & EPOLLOUT) != 0) {
		link->connected = true;
		flush(link);
	}
	if (!link->broken && (events & ~(uint32_t)EPOLLOUT) != 0)
		take_replies(link);
}

/* This process may have been busy for as long: what has come meanwhile is not late. */
static void on_deadline(void *context)
{
	struct redis_link *link = context;

	if (has_more(link))
		take_replies(link);
	const struct waiter *first = STAILQ_FIRST(&link->waiters);
	if (!link->broken && first != NULL && clock_monotonic_ms() >= deadline_of(link, first))
		break_link(link, strerror(EAGAIN));
	set_deadline(link);
}

static bool exchange_in_loop(struct redis_link *link, size_t count,
	const struct redis_words *commands, struct redisReply **replies, bool *ret_sent)
{
	struct waiter waiter = { .replies = replies,
		.wanted = count,
		.deadline = clock_monotonic_ms() + link->timeout_ms };

	*ret_sent = false;
	if (link->broken)
		return false;
	if (coroutine_current() == NULL) {
		break_link(link, "a command was called outside of a coroutine");
		return false;
	}

	/* Some may have been appended: nobody could tell their replies from those of others. */
	if (!append_all(link, count, commands)) {
		break_link(link, "no memory for a command");
		return false;
	}

	STAILQ_INSERT_TAIL(&link->waiters, &waiter, entry);
	loop_call_at_end(link->loop, &link->hook);
	link->users++;
	loop_wait_in(&waiter.queue);
	link->users--;
	*ret_sent = waiter.sent;
	return !waiter.failed;
}

static enum error_class join_loop(struct redis_link *link, struct error *error)
{
	link->watch = (struct loop_watch){ link->context->fd, on_ready, link };
	link->timer = (struct loop_timer){ .due = on_deadline, .context = link };
	link->hook = (struct loop_hook){ .call = end_turn, .context = link };
	STAILQ_INIT(&link->waiters);
	link->writing = true;
	return loop_watch(link->loop, &link->watch, EPOLLIN | EPOLLOUT, error);
}

/* ---- both ---- */

static redisContext *connect_to(
	const struct redis_address *address, int timeout_ms, const struct loop *loop)
{
	if (loop == NULL)
		return connect_blocking(address, timeout_ms);
	return address->socket[0] != '\0' ? redisConnectUnixNonBlock(address->socket)
					  : redisConnectNonBlock(address->host, address->port);
}

static enum error_class refuse(const char *why, struct error *error)
{
	error_set(error, ERROR_STORE_UNAVAILABLE, "Redis cannot be reached: %s", why);
	error->retry_after_ms = 2000;
	return error->class;
}

enum error_class link_open(const struct redis_address *address, int timeout_ms, struct loop *loop,
	struct redis_link **ret_link, struct error *error)
{
	struct redis_link *link = calloc(1, sizeof(*link));
	redisContext *context = link != NULL ? connect_to(address, timeout_ms, loop) : NULL;

	if (context == NULL) {
		free(link);
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to connect to Redis");
	}
	replies_make_compact(context);
	link->context = context;
	link->timeout_ms = timeout_ms;
	if (context->err != 0) {
		refuse(context->errstr, error);
		link_close(link);
		return error->class;
	}

	link->loop = loop;
	if (loop != NULL && join_loop(link, error) != ERROR_NONE) {
		link->loop = NULL;
		link_close(link);
		return error->class;
	}
	*ret_link = link;
	return ERROR_NONE;
}

bool link_exchange(struct redis_link *link, size_t count, const struct redis_words *commands,
	struct redisReply **replies, bool *ret_sent, char why[REDIS_WHY_SIZE])
{
	bool complete = link->loop != NULL
		? exchange_in_loop(link, count, commands, replies, ret_sent)
		: exchange_blocking(link, count, commands, replies, ret_sent);

	if (!complete) {
		text_copy(why, REDIS_WHY_SIZE,
			link->loop != NULL ? link->why : link->context->errstr);
		link->broken = true;
	}
	if (link->retired && link->users == 0)
		link_close(link);
	return complete;
}

bool link_is_broken(const struct redis_link *link)
{
	return link->broken;
}

void link_abort(struct redis_link *link)
{
	break_link(link, "it is no longer waited for");
}

void link_retire(struct redis_link *link)
{
	if (link == NULL)
		return;
	link->retired = true;
	if (link->users == 0)
		link_close(link);
}
