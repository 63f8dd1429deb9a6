/*
 * A status object in words, for a terminal.
 */
#ifndef SLIPWAY_CLI_STATUS_LINE_H
#define SLIPWAY_CLI_STATUS_LINE_H

#include <stdio.h>

#include "base/json.h"

/* A status, as far as the command line looks at it. Texts lie in the arena that it was decoded with; never NULL. */
struct step_status {
	const char *step, *run, *status, *phase, *reason, *detail, *output, *error, *queued_at;
	const char *finished_at;
	int64_t attempt, version, next_poll_ms;
	bool reused;  /* done before with the same input, so nothing was run */
	bool removed; /* what it made has been removed since */
};

/* From a status object of the endpoint. Errors: it is none. */
enum error_class step_status_decode(
	const cJSON *json, struct arena *arena, struct step_status *ret_status, struct error *error) SLIPWAY_MUST_CHECK;

/* running; done. */
bool step_is_live(const struct step_status *status);
bool step_is_done(const struct step_status *status);

/*
 * Prints one line: the step, what happens, why, attempt, seconds (negative: not shown), what it made; and below it
 * an error with its remedy. Coloured where the stream is a terminal.
 */
void step_status_print(const struct step_status *status, double seconds, FILE *stream);

#endif
