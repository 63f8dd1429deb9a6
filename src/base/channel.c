/*
 * One buffer a direction. What was taken stays in it until the next read, so a frame is read in
 * place.
 */
#include "base/channel.h"

#include "base/unset.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE  65536
#define BUFFER_MAX (CHANNEL_FRAME_MAX + READ_SIZE + sizeof(uint32_t))
#define OUT_MAX    (2 * BUFFER_MAX)

void channel_init(struct channel *channel, int fd)
{
	*channel = (struct channel){ .fd = fd };
	buffer_init(&channel->in, BUFFER_MAX);
	buffer_init(&channel->out, OUT_MAX);
}

void channel_release(struct channel *channel)
{
	buffer_release(&channel->in);
	buffer_release(&channel->out);
	channel->fd = -1;
}

bool channel_put(struct channel *channel, const char *text, size_t length)
{
	const uint32_t size = (uint32_t)length;
	const size_t before = channel->out.length;

	if (length > CHANNEL_FRAME_MAX)
		return false;
	if (buffer_append(&channel->out, (const char *)&size, sizeof(size)) &&
		buffer_append(&channel->out, text, length))
		return true;
	channel->out.length = before;
	return false;
}

enum channel_state channel_flush(struct channel *channel)
{
	while (channel->sent < channel->out.length) {
		ssize_t sent = send(channel->fd, channel->out.bytes + channel->sent,
			channel->out.length - channel->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? CHANNEL_FULL : CHANNEL_GONE;
		channel->sent += (size_t)sent;
	}

	channel->sent = channel->out.length = 0;
	return CHANNEL_OPEN;
}

/* Moves what was not taken to the beginning. */
static void compact(struct channel *channel)
{
	struct buffer *in = &channel->in;

	if (channel->taken == 0)
		return;
	memmove(in->bytes, in->bytes + channel->taken, in->length - channel->taken);
	in->length -= channel->taken;
	channel->taken = 0;
}

/* The length of the frame that begins at what was taken; false where that has not come yet. */
static bool frame_length(const struct channel *channel, size_t *ret_length)
{
	uint32_t size;

	if (channel->in.length - channel->taken < sizeof(size))
		return false;
	memcpy(&size, channel->in.bytes + channel->taken, sizeof(size));
	*ret_length = size;
	return true;
}

enum channel_state channel_read(struct channel *channel)
{
	UNSET char bytes[READ_SIZE];
	size_t length;
	ssize_t got;

	compact(channel);
	do {
		got = recv(channel->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return CHANNEL_FULL;
	if (got <= 0)
		return CHANNEL_GONE;
	if (!buffer_append(&channel->in, bytes, (size_t)got))
		return CHANNEL_SHORT;
	return frame_length(channel, &length) && length > CHANNEL_FRAME_MAX ? CHANNEL_GONE
									    : CHANNEL_OPEN;
}

bool channel_take(struct channel *channel, const char **ret_text, size_t *ret_length)
{
	size_t length;

	if (!frame_length(channel, &length) || length > CHANNEL_FRAME_MAX ||
		channel->in.length - channel->taken - sizeof(uint32_t) < length)
		return false;
	*ret_text = channel->in.bytes + channel->taken + sizeof(uint32_t);
	*ret_length = length;
	channel->taken += sizeof(uint32_t) + length;
	return true;
}
