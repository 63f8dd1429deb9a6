/*
 * A byte buffer that grows up to a limit: for bodies of requests and responses, whose size somebody
 * else decides.
 */
#ifndef SLIPWAY_BASE_BUFFER_H
#define SLIPWAY_BASE_BUFFER_H

#include <stddef.h>

#include "base/cleanup.h"
#include "slipway/error.h"

struct buffer {
	char *bytes; /* NUL-terminated once anything was appended */
	size_t length;
	size_t capacity;
	size_t limit; /* appending beyond it fails */
	bool full;    /* an append failed because of the limit; if false, because memory ran out */
};

/*
 * On a local: the buffer is released at the end of the block.
 *
 *	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(limit);
 */
#define CLEANUP_BUFFER      CLEANUP(buffer_release)
#define BUFFER_EMPTY(bytes) ((struct buffer){ .limit = (bytes) })

/* Empty; allocates nothing yet. limit is the maximum length. */
void buffer_init(struct buffer *buffer, size_t limit);

/* Wipes and frees. */
void buffer_release(struct buffer *buffer);

/* False if over the limit or out of memory; the buffer is then unchanged. */
bool buffer_append(struct buffer *buffer, const char *bytes, size_t length) SLIPWAY_MUST_CHECK;
bool buffer_append_string(struct buffer *buffer, const char *text) SLIPWAY_MUST_CHECK;

/* For buffer_room, where it is not there yet. */
char *buffer_make_room(struct buffer *buffer, size_t length) SLIPWAY_MUST_CHECK;

/* Room for length more bytes behind the text, or NULL where buffer_append is false. Called for
 * each few bytes of a response: nearly always the room is there. */
SLIPWAY_MUST_CHECK static inline char *buffer_room(struct buffer *buffer, size_t length)
{
	return length < buffer->capacity - buffer->length &&
			length <= buffer->limit - buffer->length
		? buffer->bytes + buffer->length
		: buffer_make_room(buffer, length);
}

/* Adds what was written into that room, at most as many bytes. */
static inline void buffer_use(struct buffer *buffer, size_t length)
{
	buffer->length += length;
	buffer->bytes[buffer->length] = '\0';
}

/* Writes all of it to a descriptor that blocks. False: the descriptor is of no more use. */
bool buffer_write(const struct buffer *buffer, int descriptor) SLIPWAY_MUST_CHECK;

/* The text so far; "" if nothing was appended. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);

#endif
