/*
 * Which lines are logged at the end of an attempt, and at which level; see the header.
 */
#include "worker/attempt_log.h"

#include <string.h>

static bool has_ended(const struct run *run)
{
	return run->id[0] != '\0' && !run_is_live(run);
}

void run_ended_log(const struct run *run, int64_t attempt_ms)
{
	struct log_line line;
	if (!has_ended(run))
		return;
	run_end_line(&line, run);
	if (attempt_ms >= 0)
		log_number(&line, "attempt_ms", attempt_ms);
	log_end(&line);
}

/*
 * The write may have ended the run, but its outcome is unknown. If it did, this is the only line
 * about the end; if not, another worker has the run and will log a line without `confirmed=no`.
 */
static void log_unconfirmed(const struct attempt_end *end)
{
	struct log_line line;
	struct run run = *end->run;

	run.now += end->attempt_ms;
	run.status = end->write->status;
	run.error = end->write->error != NULL ? end->write->error : "";
	run_end_line(&line, &run);
	log_number(&line, "attempt_ms", end->attempt_ms);
	log_text(&line, "confirmed", "no");
	log_end(&line);
}

/* A failure that uses up an attempt is a warning. A wait that the action asked for is only of
 * interest for debugging.
 */
static void log_not_done(const struct attempt_end *end, bool goes_on)
{
	const struct run_write *write = end->write;
	bool waits = write->kind == RUN_WAIT;
	struct log_line line;

	run_line(&line,
		!waits                           ? LOG_WARNING
			: write->failure != NULL ? LOG_INFO
						 : LOG_DEBUG,
		waits ? "run waits" : "attempt failed", end->run);
	log_number(&line, "attempt_ms", end->attempt_ms);
	if (goes_on)
		log_number(&line, "next_ms", write->delay_ms);
	if (write->failure != NULL)
		log_failure(&line, write->failure);
	else
		log_text(&line, "reason", write->reason);
	log_end(&line);
}

void attempt_log(const struct attempt_end *end)
{
	const struct run_write *write = end->write;
	bool ended = end->ended != NULL && has_ended(end->ended);
	bool cancelled = write->failure != NULL && write->failure->class == ERROR_CANCELLED;

	if (write->kind == RUN_WAIT || (write->failure != NULL && !cancelled))
		log_not_done(end, end->ended != NULL && !ended);
	if (ended)
		run_ended_log(end->ended, end->attempt_ms);
	else if (end->unknown && write->kind == RUN_FINISH)
		log_unconfirmed(end);
}

void reaped_log(void *context, const struct run *run)
{
	struct log_line line;
	(void)context;

	if (!run_is_live(run)) {
		run_ended_log(run, -1);
		return;
	}

	run_line(&line, LOG_WARNING, "run taken over", run);
	log_number(&line, "crashes", run->crashes);
	log_end(&line);
}
