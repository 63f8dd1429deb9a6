/*
 * A status that is asked for again and again, until it is what the command waits for: the server
 * holds each such poll until something has changed. Where that is not possible, it is a poll like
 * any other, and the pauses between them are the command's.
 */
#ifndef SLIPWAY_CLI_HELD_POLL_H
#define SLIPWAY_CLI_HELD_POLL_H

#include "cli/session.h"

#define HELD_POLL_SECONDS 10 /* less than endpoint.c waits for a response */

/* What is polled. Borrowed. Begins with these, and zeroed else. */
struct held_poll {
	const char *app, *workflow, *step; /* step: NULL for all */
	char tag[ENDPOINT_TAG_SIZE];       /* of what was seen last; "": of nothing */
	bool cannot_wait;                  /* the server, or something before it, does not wait */
	bool is_next_soon; /* nothing is gained by a long pause before the next one, which waits */
};

/*
 * Gets the status: after so many seconds at the latest, as soon as it is another one than the last
 * time; at once where seconds is 0 or nothing was seen yet. Errors are those of session_get.
 */
enum error_class held_poll_get(struct session *session, struct held_poll *poll, int64_t seconds,
	cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* How long to pause before the next one, ms: many changes in a row are seen together. Where nobody
 * waits it is the pause of a plain poll. */
int64_t held_poll_pause(const struct held_poll *poll, int64_t plain_ms);

#endif
