/*
 * Grows to the double, or to what is needed, into a new block each time: realloc would leave copies
 * of credentials behind.
 */
#include "base/buffer.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	size_t capacity = buffer->capacity > 0 ? 2 * buffer->capacity : 256;
	if (capacity < needed)
		capacity = needed;
	char *bytes = malloc(capacity);
	if (bytes == NULL)
		return false;
	bytes[buffer->length] = '\0';
	if (buffer->bytes != NULL) {
		memcpy(bytes, buffer->bytes, buffer->length);
		sodium_memzero(buffer->bytes, buffer->capacity);
		free(buffer->bytes);
	}

	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

char *buffer_make_room(struct buffer *buffer, size_t length)
{
	buffer->full = length > buffer->limit - buffer->length;
	if (buffer->full || !buffer_reserve(buffer, length))
		return NULL;
	return buffer->bytes + buffer->length;
}

bool buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
	char *room = buffer_room(buffer, length);

	if (room == NULL)
		return false;
	if (length > 0)
		memcpy(room, bytes, length);
	buffer_use(buffer, length);
	return true;
}

bool buffer_append_string(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

bool buffer_write(const struct buffer *buffer, int descriptor)
{
	size_t written = 0;

	while (written < buffer->length) {
		ssize_t part = write(descriptor, buffer->bytes + written, buffer->length - written);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		written += (size_t)part;
	}

	return true;
}

const char *buffer_text(const struct buffer *buffer)
{
	return buffer->bytes != NULL ? buffer->bytes : "";
}
