/*
 * A status object as one or two lines for a person: what happened, to which step, and what to do
 * next.
 */
#include "cli/status_line.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "cli/show.h"

static const struct field status_fields[] = {
	{ STRING_FIELD("actionId", struct step_status, step), .required = true },
	{ STRING_FIELD("runId", struct step_status, run), .fallback = "" },
	{ STRING_FIELD("status", struct step_status, status), .required = true },
	{ STRING_FIELD("phase", struct step_status, phase), .fallback = "" },
	{ STRING_FIELD("reason", struct step_status, reason), .fallback = "" },
	{ STRING_FIELD("detail", struct step_status, detail), .fallback = "" },
	{ STRING_FIELD("resumeAt", struct step_status, resume_at), .fallback = "" },
	{ STRING_FIELD("queuedAt", struct step_status, queued_at), .fallback = "" },
	{ STRING_FIELD("startedAt", struct step_status, started_at), .fallback = "" },
	{ STRING_FIELD("finishedAt", struct step_status, finished_at), .fallback = "" },
	{ STRING_FIELD("deploymentId", struct step_status, deployment), .fallback = "" },
	{ JSON_FIELD("output", struct step_status, output), .fallback = "{}" },
	{ JSON_FIELD("error", struct step_status, error), .fallback = "{}" },
	{ INTEGER_FIELD("attempt", struct step_status, attempt) },
	{ INTEGER_FIELD("version", struct step_status, version) },
	{ INTEGER_FIELD("nextPollMs", struct step_status, next_poll_ms) },
	{ BOOLEAN_FIELD("reused", struct step_status, reused) },
	{ BOOLEAN_FIELD("removed", struct step_status, removed) },
	{ BOOLEAN_FIELD("stale", struct step_status, stale) },
};
static const struct record status_record = RECORD(struct step_status, status_fields);

enum error_class step_status_decode(
	const cJSON *json, struct arena *arena, struct step_status *ret_status, struct error *error)
{
	return record_decode(&status_record, json, RECORD_LENIENT, "", arena, ret_status, error);
}

bool step_is_live(const struct step_status *status)
{
	return strcmp(status->status, "running") == 0;
}

bool step_is_done(const struct step_status *status)
{
	return strcmp(status->status, "done") == 0;
}

/* To do what its detail says. */
static bool step_waits_for_person(const struct step_status *status)
{
	return strcmp(status->phase, "blocked") == 0 && strcmp(status->reason, "person") == 0;
}

static const char *colour_of(const struct step_status *status)
{
	if (step_is_done(status))
		return "\033[32m";
	return strcmp(status->status, "error") == 0 ? "\033[31m" : "\033[33m";
}

/* What "done" alone would hide. */
static void print_done(const struct step_status *status, FILE *stream)
{
	int64_t finished_at = clock_parse(status->finished_at);

	if (status->removed)
		fprintf(stream, "  its result has been removed since; a run creates it again");
	else if (status->stale)
		fprintf(stream,
			"  stale: made from something that has changed since; a run makes it "
			"again");
	if (!status->reused)
		return;
	fprintf(stream, "  reused");
	if (finished_at > 0) {
		fprintf(stream, ", finished ");
		show_age(stream, finished_at);
	}
}

/* Why it waits. What a person has to do stands on a line of its own, below. */
static void print_reason(const struct step_status *status, FILE *stream)
{
	if (status->detail[0] == '\0' || step_waits_for_person(status))
		return;
	fprintf(stream, "  %s: ", status->reason);
	show_text(stream, status->detail);
	if (strcmp(status->reason, "rate_limited") == 0 && status->resume_at[0] != '\0') {
		fprintf(stream, ", until ");
		show_text(stream, status->resume_at);
	}
}

static void print_duty(const struct step_status *status, FILE *stream)
{
	if (status->detail[0] == '\0' || !step_waits_for_person(status))
		return;
	fprintf(stream, "             what to do: ");
	show_text(stream, status->detail);
	fputc('\n', stream);
}

static void print_failure(const struct step_status *status, FILE *stream)
{
	CLEANUP_JSON cJSON *error = cJSON_Parse(status->error);
	const cJSON *remedy = json_member(error, "remedy");
	const char *message = json_member_string(error, "message"),
		   *class = json_member_string(error, "class");

	if (message != NULL) {
		fprintf(stream, "             %s: ", class != NULL ? class : "error");
		show_text(stream, message);
		fputc('\n', stream);
	}

	if (json_member_string(remedy, "text") != NULL) {
		fprintf(stream, "             ");
		show_remedy(stream, remedy);
	}
}

void step_status_print(const struct step_status *status, double seconds, FILE *stream)
{
	bool terminal = show_colours(stream);
	const char *word = status->phase[0] != '\0' ? status->phase : status->status;

	if (strcmp(status->reason, "skipped") == 0)
		word = "skipped";
	fprintf(stream, "%-12s %s%-10s%s", status->step, terminal ? colour_of(status) : "", word,
		terminal ? "\033[0m" : "");
	if (status->attempt > 0)
		fprintf(stream, " attempt %lld", (long long)status->attempt);
	if (seconds >= 0)
		fprintf(stream, " %6.1f s", seconds);
	print_reason(status, stream);
	if (step_is_done(status)) {
		print_done(status, stream);
		CLEANUP_JSON cJSON *output = cJSON_Parse(status->output);
		show_output(stream, output);
	}

	fputc('\n', stream);
	print_duty(status, stream);
	print_failure(status, stream);
	fflush(stream);
}
