/*
 * A status object as text for a terminal.
 */
#ifndef SLIPWAY_CLI_STATUS_LINE_H
#define SLIPWAY_CLI_STATUS_LINE_H

#include <stdio.h>

#include "base/json.h"

/* The parts of a status that the command line uses. Texts are in the arena that it was decoded
 * with, and never NULL. */
struct step_status {
	const char *step, *run, *status, *phase, *reason, *detail, *output, *error, *queued_at;
	const char *started_at, *finished_at, *resume_at, *deployment;
	int64_t attempt, version, next_poll_ms;
	bool reused;  /* the result of an earlier run with the same input */
	bool removed; /* its result has been removed since */
	bool stale;   /* what it was made from has changed since */
};

/* Decodes a status object of the endpoint. Fails if it is not one. */
enum error_class step_status_decode(const cJSON *json, struct arena *arena,
	struct step_status *ret_status, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the status is `running`, or `done`. */
bool step_is_live(const struct step_status *status);
bool step_is_done(const struct step_status *status);

/*
 * Prints one line: the step, its status, attempt, seconds (negative: not shown), reason and output;
 * below it what a person has to do, or an error with its remedy. In colour if the stream is a
 * terminal.
 */
void step_status_print(const struct step_status *status, double seconds, FILE *stream);

#endif
