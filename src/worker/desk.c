/*
 * A reply is to the last question, for there is one at a time. Whatever does not fit ends the desk:
 * nobody could tell which question the next reply is to.
 */
#include "worker/desk.h"

#include <errno.h>
#include <poll.h>

void desk_init(struct desk *desk, int channel)
{
	*desk = (struct desk){ .is_gone = false };
	channel_init(&desk->channel, channel);
}

void desk_release(struct desk *desk)
{
	channel_release(&desk->channel);
}

/* False where a signal came first. */
static bool wait_for(const struct desk *desk, short events, const sigset_t *mask)
{
	struct pollfd polled = { .fd = desk->channel.fd, .events = events };
	return ppoll(&polled, 1, NULL, mask) > 0 || errno != EINTR;
}

static bool flush(struct desk *desk)
{
	enum channel_state state;

	while ((state = channel_flush(&desk->channel)) == CHANNEL_FULL)
		if (!wait_for(desk, POLLOUT, NULL))
			continue;
	desk->is_gone |= state == CHANNEL_GONE;
	return state == CHANNEL_OPEN;
}

/* A whole frame; false where a signal came first, or the supervisor is gone. */
static bool wait_frame(
	struct desk *desk, const sigset_t *mask, const char **ret_text, size_t *ret_length)
{
	while (!desk->is_gone && !channel_take(&desk->channel, ret_text, ret_length)) {
		enum channel_state state = channel_read(&desk->channel);
		desk->is_short |= state == CHANNEL_SHORT;
		desk->is_gone |= state == CHANNEL_GONE || desk->is_short;
		if (state == CHANNEL_FULL && !wait_for(desk, POLLIN, mask) && mask != NULL)
			return false;
	}

	return !desk->is_gone;
}

static enum error_class gone(const struct desk *desk, struct error *error)
{
	if (desk->is_short)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a reply");
	return error_set(error, ERROR_LEASE_LOST,
		"the supervisor is gone, and with it the right to the run");
}

bool desk_tell(struct desk *desk, const struct ask *ask)
{
	struct error ignored;

	return !desk->is_gone &&
		message_put(&desk->channel, &ask_record, ask, &ignored) == ERROR_NONE &&
		flush(desk);
}

enum error_class desk_ask(struct desk *desk, const struct ask *ask, struct arena *arena,
	struct reply *ret_reply, struct error *error)
{
	const char *text;
	size_t length;

	*ret_reply = (struct reply){ .class = NULL };
	if (desk->is_gone)
		return gone(desk, error);
	if (message_put(&desk->channel, &ask_record, ask, error) != ERROR_NONE)
		return error->class;
	if (!flush(desk) || !wait_frame(desk, NULL, &text, &length))
		return gone(desk, error);
	if (message_read(&reply_record, text, length, arena, ret_reply, error) != ERROR_NONE)
		return error->class;
	return reply_failure(ret_reply, error);
}

bool desk_wait_job(
	struct desk *desk, const sigset_t *mask, struct arena *arena, struct job *ret_job)
{
	const char *text;
	size_t length;
	struct error error;

	if (!wait_frame(desk, mask, &text, &length))
		return false;
	if (message_read(&job_record, text, length, arena, ret_job, &error) == ERROR_NONE)
		return true;
	/* It is released when this process has ended, for it has not begun. */
	desk->is_gone = true;
	return false;
}
