/*
 * Grows by doubling up to the cap, into a new block each time: realloc would leave copies of
 * credentials behind.
 */
#include "base/buffer.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer, size_t limit)
{
	*buffer = (struct buffer){ .limit = limit };
}

void buffer_release(struct buffer *buffer)
{
	if (buffer->bytes != NULL)
		sodium_memzero(buffer->bytes, buffer->capacity);
	free(buffer->bytes);
	buffer_init(buffer, buffer->limit);
}

/* Room for length more bytes and a NUL. Grows into a new block and wipes the old: realloc leaves
 * copies behind. */
static bool buffer_reserve(struct buffer *buffer, size_t length)
{
	size_t needed = buffer->length + length + 1;

	if (needed <= buffer->capacity)
		return true;
	size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;
	while (capacity < needed)
		capacity *= 2;
	char *bytes = calloc(capacity, 1);
	if (bytes == NULL)
		return false;
	if (buffer->bytes != NULL) {
		memcpy(bytes, buffer->bytes, buffer->length);
		sodium_memzero(buffer->bytes, buffer->capacity);
		free(buffer->bytes);
	}

	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

bool buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
	buffer->full = length > buffer->limit - buffer->length;
	if (buffer->full || !buffer_reserve(buffer, length))
		return false;
	if (length > 0)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	buffer->bytes[buffer->length] = '\0';
	return true;
}

bool buffer_append_string(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

const char *buffer_text(const struct buffer *buffer)
{
	return buffer->bytes != NULL ? buffer->bytes : "";
}
