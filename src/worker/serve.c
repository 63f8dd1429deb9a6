/* It blocks, and wipes what it had for a question before it takes the next one. */
#include "worker/serve.h"

#include <errno.h>
#include <poll.h>

static bool wait_for(const struct channel *channel, short events)
{
	struct pollfd polled = { .fd = channel->fd, .events = events };
	return poll(&polled, 1, -1) > 0 || errno == EINTR;
}

/* Whoever asks for more than a frame has is told so: to end would be to end for all others. */
static bool put_reply(struct channel *channel, const struct reply *reply, struct arena *arena)
{
	struct error error;
	struct reply refusal;

	if (message_put(channel, &reply_record, reply, &error) == ERROR_NONE)
		return true;
	reply_refuse(&refusal, &error, arena);
	return message_put(channel, &reply_record, &refusal, &error) == ERROR_NONE;
}

static bool send_reply(struct channel *channel, const struct reply *reply, struct arena *arena)
{
	enum channel_state state = CHANNEL_FULL;

	if (!put_reply(channel, reply, arena))
		return false;
	while ((state = channel_flush(channel)) == CHANNEL_FULL)
		if (!wait_for(channel, POLLOUT))
			return false;
	return state == CHANNEL_OPEN;
}

static bool answer_one(struct channel *channel, const char *text, size_t length,
	serve_answer *answer, void *context)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct reply reply = { .class = NULL };
	struct error error = { .class = ERROR_NONE };

	if (answer(context, text, length, &arena, &reply, &error) != ERROR_NONE)
		reply_refuse(&reply, &error, &arena);
	return send_reply(channel, &reply, &arena);
}

static void serve_all(struct channel *channel, serve_answer *answer, void *context)
{
	const char *text;
	size_t length;

	for (;;) {
		while (channel_take(channel, &text, &length))
			if (!answer_one(channel, text, length, answer, context))
				return;
		enum channel_state state = channel_read(channel);
		if (state == CHANNEL_GONE || state == CHANNEL_SHORT)
			return;
		if (state == CHANNEL_FULL && !wait_for(channel, POLLIN))
			return;
	}
}

void serve(int channel_fd, serve_answer *answer, void *context)
{
	struct channel channel;

	channel_init(&channel, channel_fd);
	serve_all(&channel, answer, context);
	channel_release(&channel);
}
