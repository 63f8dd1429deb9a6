/*
 * Feeds bytes to the channel between a supervisor and an executor that nobody trusts. A frame is as
 * long as it says and within what has come; a message that is read is the same when it is sent and
 * read again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/claims.h"
#include "worker/protocol.h"

union message {
	struct job job;
	struct ask ask;
	struct reply reply;
};

static const struct record *const records[] = { &job_record, &ask_record, &reply_record };

static char *print(const struct record *record, const void *message, struct arena *arena)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error error;

	CLAIM(record_encode(record, message, &json, &error) == ERROR_NONE, "not written: %s",
		error.message);
	char *text = json_print(arena, json);
	CLAIM(text != NULL, "not printed");
	return text;
}

static void try_message(const struct record *record, const char *text, size_t length)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	union message message, again;
	struct error error;

	if (message_read(record, text, length, &arena, &message, &error) != ERROR_NONE) {
		claim_error(&error);
		return;
	}
	const char *printed = print(record, &message, &arena);
	CLAIM(message_read(record, printed, strlen(printed), &arena, &again, &error) == ERROR_NONE,
		"written, and refused: %s: %s", error.message, printed);
	CLAIM(strcmp(printed, print(record, &again, &arena)) == 0, "written otherwise: %s",
		printed);
}

/* Takes all that has come so far. */
static size_t take_frames(struct channel *channel)
{
	const char *text;
	size_t length, taken = 0;

	while (channel_take(channel, &text, &length)) {
		CLAIM(text + length <= channel->in.bytes + channel->in.length,
			"a frame is longer than what has come");
		for (size_t i = 0; i < 3; i++)
			try_message(records[i], text, length);
		taken += length + sizeof(uint32_t);
	}
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];
	struct channel channel;
	size_t taken = 0;

	CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no socket");
	channel_init(&channel, ends[0]);
	/* In two parts, the first of which may end within a frame. */
	size_t first = size > 0 ? data[0] % size : 0;
	enum channel_state state = CHANNEL_OPEN;
	for (size_t part = 0; part < 2 && state != CHANNEL_GONE; part++) {
		const uint8_t *from = data + (part == 0 ? 0 : first);
		size_t length = part == 0 ? first : size - first;
		CLAIM(send(ends[1], from, length, MSG_DONTWAIT) == (ssize_t)length || size > 65536,
			"not sent");
		do {
			state = channel_read(&channel);
			taken += take_frames(&channel);
		} while (state == CHANNEL_OPEN);
	}
	CLAIM(taken <= size, "more was taken than came");
	channel_release(&channel);
	close(ends[0]);
	close(ends[1]);
	for (size_t i = 0; i < 3; i++)
		try_message(records[i], (const char *)data, size);
	return 0;
}
