/* Best effort: whoever is refused is refused all the same. */
#include "worker/alarm.h"

#include "core/run_log.h"
#include "store/audit.h"

static void write_line(const struct run_name *name, const char *request, const char *event,
	const struct error *refusal)
{
	struct run run;
	struct log_line line;

	run_init(&run, name);
	run.request = request;
	run_line(&line, LOG_ERROR, event, &run);
	log_failure(&line, refusal);
	log_end(&line);
}

void alarm_raise(struct redis *redis, const struct run_name *name, const char *request,
	const char *event, const struct error *refusal)
{
	const struct error_class_facts *facts = error_class_facts(refusal->class);
	struct audit_entry entry = { .tenant = name->tenant,
		.request = request,
		.what = "run",
		.app = name->app,
		.workflow = name->workflow,
		.step = name->step,
		.status = facts->http_status,
		.class = facts->name,
		.detail = refusal->message };
	struct error error;

	write_line(name, request, event, refusal);
	if (audit_append(redis, &entry, &error) != ERROR_NONE)
		log_error("it is not in the audit", &error);
}
