/*
 * The pairs of a log line about a run, and those of its error; see the header.
 */
#include "core/run_log.h"

#include <string.h>

void run_line(struct log_line *line, enum log_level level, const char *event, const struct run *run)
{
	log_begin(line, level, event);
	log_text(line, "tenant", run->name.tenant);
	log_text(line, "app", run->name.app);
	log_text(line, "workflow", run->name.workflow);
	log_text(line, "step", run->name.step);
	log_text(line, "run", run->id);
	if (run->attempt > 0)
		log_number(line, "attempt", run->attempt);
	log_text(line, "request", run->request);
}

/* Of the error's JSON, as error_print makes it. NULL: there is none. */
static void add_error(struct log_line *line, const cJSON *json)
{
	const cJSON *status = json_member(json, "httpStatus");
	log_text(line, "class", json_member_string(json, "class"));
	log_text(line, "provider", json_member_string(json, "provider"));
	if (cJSON_IsNumber(status))
		log_number(line, "provider_status", (int64_t)status->valuedouble);
	log_text(line, "provider_request", json_member_string(json, "requestId"));
}

void run_end_line(struct log_line *line, const struct run *run)
{
	struct error broken;
	CLEANUP_JSON cJSON *json = NULL;

	if (run->error[0] == '\0' ||
		json_parse(run->error, strlen(run->error), JSON_LIMITS_WIDE, &json, &broken) !=
			ERROR_NONE)
		json = NULL;
	const char *class = json_member_string(json, "class");
	bool failed = strcmp(run->status, "error") == 0 &&
		(class == NULL || strcmp(class, error_class_facts(ERROR_CANCELLED)->name) != 0);
	run_line(line, failed ? LOG_WARNING : LOG_INFO, "run ended", run);
	log_text(line, "status", run->status);

	/* Where the run failed, the reason only repeats the class. */
	if (json == NULL)
		log_text(line, "reason", run->reason);
	add_error(line, json);
	log_number(line, "crashes", run->crashes);
	log_number(line, "total_ms", run->now - run->queued_at);
}
