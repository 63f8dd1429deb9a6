/*
 * A stream between two processes that carries frames: a length, then a text. Neither side trusts
 * the other for more memory than CHANNEL_FRAME_MAX.
 */
#ifndef SLIPWAY_BASE_CHANNEL_H
#define SLIPWAY_BASE_CHANNEL_H

#include "base/buffer.h"
#include "slipway/error.h"

#define CHANNEL_FRAME_MAX ((size_t)16 << 20)

struct channel {
	int fd; /* a stream socket; borrowed */
	struct buffer in, out;
	size_t taken; /* bytes of `in` that were frames */
	size_t sent;  /* bytes of `out` */
};

/* Begins one. */
void channel_init(struct channel *channel, int fd);

/* Frees what it has kept, but does not close the socket. */
void channel_release(struct channel *channel);

/* Puts a frame in line; channel_flush() sends it. False if it is too large or memory is short: then
 * the channel is as before. */
bool channel_put(struct channel *channel, const char *text, size_t length) SLIPWAY_MUST_CHECK;

enum channel_state {
	CHANNEL_OPEN,
	CHANNEL_FULL,  /* the socket takes no more now */
	CHANNEL_GONE,  /* the peer has closed it, or broken the form */
	CHANNEL_SHORT, /* memory is: what had come is lost, and the channel of no more use */
};

/* Sends what is in line, as far as the socket takes it without waiting. */
enum channel_state channel_flush(struct channel *channel) SLIPWAY_MUST_CHECK;

/* Reads what has come, without waiting. CHANNEL_FULL: nothing had. */
enum channel_state channel_read(struct channel *channel) SLIPWAY_MUST_CHECK;

/* The next whole frame that has come; false if there is none. It is borrowed until the next
 * channel_read(). A frame that is too large makes channel_read() say CHANNEL_GONE. */
bool channel_take(
	struct channel *channel, const char **ret_text, size_t *ret_length) SLIPWAY_MUST_CHECK;

#endif
