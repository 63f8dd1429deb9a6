/*
 * Bytes that grow to a cap: bodies of requests and answers, whose size others decide.
 */
#ifndef SLIPWAY_BASE_BUFFER_H
#define SLIPWAY_BASE_BUFFER_H

#include <stddef.h>

#include "base/cleanup.h"
#include "slipway/error.h"

struct buffer {
	char *bytes; /* a NUL stands behind the last one once anything was appended */
	size_t length;
	size_t capacity;
	size_t limit; /* appending beyond it fails */
	bool full;    /* an append was refused by the limit; where this is false, memory was short */
};

/*
 * On a local: the buffer is released at the end of the block.
 *
 *	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(limit);
 */
#define CLEANUP_BUFFER      CLEANUP(buffer_release)
#define BUFFER_EMPTY(bytes) ((struct buffer){ .limit = (bytes) })

/* Empty, no memory taken yet. limit is the largest length that it may get. */
void buffer_init(struct buffer *buffer, size_t limit);

/* Wipes and frees. */
void buffer_release(struct buffer *buffer);

/* False where the limit or memory is short; the buffer is then as it was. */
bool buffer_append(struct buffer *buffer, const char *bytes, size_t length) SLIPWAY_MUST_CHECK;
bool buffer_append_string(struct buffer *buffer, const char *text) SLIPWAY_MUST_CHECK;

/* The text so far; "" where nothing was appended. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);

#endif
