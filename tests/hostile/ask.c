/*
 * A frame is a length and a text (base/channel.h): it is put together here by hand, for a hostile
 * one would not use ours. It has a credential of GitHub in reach, as the actions there have.
 */
#include "hostile/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 256
#define REPLY_SHOWN     2000 /* characters */

struct ask_input {
	struct string_list messages;
	const char *stuff;
	int64_t times, repeats;
	bool garbles;
};
static const struct field ask_input_fields[] = {
	{ STRINGS_FIELD("messages", struct ask_input, messages), .required = true,
		.description =
			"What is sent, each in a frame; after one that begins with '-', which "
			"is left out, no reply is waited for; nothing is sent for '?' alone, but "
			"a reply is waited for" },
	{ STRING_FIELD("stuff", struct ask_input, stuff),
		.description = "What stands for each '@' in a message, so many times" },
	{ INTEGER_FIELD("times", struct ask_input, times), .maximum = INT32_MAX,
		.description = "See stuff" },
	{ INTEGER_FIELD("repeats", struct ask_input, repeats), .fallback = "1", .minimum = 1,
		.maximum = 100000, .description = "How often all messages are sent" },
	{ BOOLEAN_FIELD("garbles", struct ask_input, garbles),
		.description = "Its output has a reply more, whose bytes are no text" },
};

struct ask_output {
	struct string_list replies;
};
static const struct field ask_output_fields[] = {
	{ STRINGS_FIELD("replies", struct ask_output, replies),
		.description = "Those of the last time, each by its beginning" },
};

/* The lowest socket of this machine: it was there before any other. -1: there is none. */
static int find_channel(void)
{
	for (int descriptor = STDERR_FILENO + 1; descriptor < DESCRIPTORS_MAX; descriptor++) {
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		if (getsockname(descriptor, (struct sockaddr *)&address, &length) == 0 &&
			address.ss_family == AF_UNIX)
			return descriptor;
	}
	return -1;
}

static bool wait_for(int channel, short events)
{
	struct pollfd polled = { .fd = channel, .events = events };
	return poll(&polled, 1, -1) > 0 || errno == EINTR;
}

static bool send_all(int channel, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(channel, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno != EAGAIN || !wait_for(channel, POLLOUT)))
			return false;
		bytes += sent > 0 ? sent : 0;
		length -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

static bool receive_all(int channel, char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = recv(channel, bytes, length, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && (errno != EAGAIN || !wait_for(channel, POLLIN))))
			return false;
		bytes += got > 0 ? got : 0;
		length -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* The message with what stands for each '@'; NULL where memory is short. The caller frees it. */
static char *stuff(const struct ask_input *input, const char *message)
{
	const char *with = input->stuff != NULL ? input->stuff : "";
	const size_t one = strlen(with), all = one * (size_t)input->times;
	size_t length = strlen(message) + 1;

	for (const char *at = message; *at != '\0'; at++)
		length += *at == '@' ? all : 0;
	char *text = malloc(length), *to = text;
	for (const char *at = message; text != NULL && *at != '\0'; at++) {
		if (*at != '@')
			*to++ = *at;
		for (int64_t i = 0; *at == '@' && i < input->times; i++, to += one)
			memcpy(to, with, one);
	}
	if (text != NULL)
		*to = '\0';
	return text;
}

static bool tell(int channel, const struct ask_input *input, const char *message)
{
	char *text = stuff(input, message);
	const uint32_t size = text != NULL ? (uint32_t)strlen(text) : 0;
	const bool sent = text != NULL && send_all(channel, (const char *)&size, sizeof(size)) &&
		send_all(channel, text, size);

	free(text);
	return sent;
}

/* NULL: the supervisor says no more. */
static const char *hear(struct action_context *context, int channel)
{
	uint32_t size;

	if (!receive_all(channel, (char *)&size, sizeof(size)))
		return NULL;
	char *text = calloc(1, (size_t)size + 1);
	const bool heard = text != NULL && receive_all(channel, text, size);
	const char *shown = heard ? action_format(context, "%.*s", REPLY_SHOWN, text) : NULL;
	free(text);
	return shown;
}

static bool speak(struct action_context *context, const struct ask_input *input, int channel,
	const char **replies, size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < input->messages.count; i++) {
		const char *message = input->messages.items[i];
		const bool is_told = message[0] == '-';
		if (strcmp(message, "?") != 0 && !tell(channel, input, message + is_told))
			return false;
		if (is_told)
			continue;
		replies[*ret_count] = hear(context, channel);
		if (replies[(*ret_count)++] == NULL)
			return false;
	}
	return true;
}

static enum action_result run_ask(
	struct action_context *context, const void *raw_input, void *checkpoint, void *raw_output)
{
	const struct ask_input *input = raw_input;
	struct ask_output *output = raw_output;
	const int channel = find_channel();
	const char **replies =
		action_allocate(context, input->messages.count + 1, sizeof(*replies));
	size_t count = 0;
	(void)checkpoint;

	for (int64_t i = 0; replies != NULL && i < input->repeats; i++)
		if (!speak(context, input, channel, replies, &count))
			_exit(1);
	if (replies != NULL && input->garbles)
		replies[count++] = "\xff";
	output->replies = (struct string_list){ replies, count };
	return action_done(context);
}

static const struct string_pair permissions[] = { { "contents", "read" }, { "metadata", "read" },
	{ NULL, NULL } };

const struct action_definition hostile_ask = {
	.id = "hostile.ask",
	.summary = "Says to its supervisor whatever it likes",
	.input = RECORD(struct ask_input, ask_input_fields),
	.output = RECORD(struct ask_output, ask_output_fields),
	.run = run_ask,
	.other_provider = "github",
	.permissions = permissions,
	.one_repository = true,
	.max_attempts = 1,
};
