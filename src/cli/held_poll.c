/*
 * Whether a poll was held shows in its response: it comes with something new, or late.
 */
#include "cli/held_poll.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define PATH               "/api/deploy"
#define SHORTEST_WAIT_MS   1000 /* a response without a change that comes earlier was not held */
#define BETWEEN_CHANGES_MS 10

/* Sends one that waits, once. False: it failed. */
static bool get_held(struct session *session, struct held_poll *poll,
	const struct string_pair *query, char tag[ENDPOINT_TAG_SIZE], cJSON **ret_json)
{
	struct error error;
	int64_t sent_at = clock_monotonic_ms();
	enum error_class class =
		endpoint_get_tagged(&session->endpoint, PATH, query, tag, ret_json, &error);
	bool is_late = clock_monotonic_ms() - sent_at >= SHORTEST_WAIT_MS;

	if (class != ERROR_NONE)
		poll->cannot_wait = error.http_status == 400 || is_late;
	else
		poll->is_next_soon = is_late || strcmp(tag, poll->tag) != 0;
	return class == ERROR_NONE;
}

enum error_class held_poll_get(struct session *session, struct held_poll *poll, int64_t seconds,
	cJSON **ret_json, struct error *error)
{
	char wait[24], tag[ENDPOINT_TAG_SIZE];
	struct string_pair query[6] = { { "appId", poll->app }, { "workflowId", poll->workflow } };
	size_t count = 2;
	bool wants = seconds > 0 && !poll->cannot_wait, is_first = poll->tag[0] == '\0';

	text_format(wait, sizeof(wait), "%lld", (long long)seconds);
	if (poll->step != NULL)
		query[count++] = (struct string_pair){ "actionId", poll->step };
	query[count] = (struct string_pair){ "since", poll->tag };
	query[count + 1] = (struct string_pair){ "wait", wait };
	poll->is_next_soon = false;
	if (!wants || is_first || !get_held(session, poll, query, tag, ret_json)) {
		query[count] = (struct string_pair){ NULL, NULL };
		if (session_get_tagged(session, PATH, query, tag, ret_json, error) != ERROR_NONE)
			return error->class;
		poll->is_next_soon = wants && is_first && tag[0] != '\0';
	}
	text_copy(poll->tag, sizeof(poll->tag), tag);
	return ERROR_NONE;
}

int64_t held_poll_pause(const struct held_poll *poll, int64_t plain_ms)
{
	return poll->is_next_soon ? BETWEEN_CHANGES_MS : plain_ms;
}
