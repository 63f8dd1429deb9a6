/*
 * What the audit says of a request. It goes to Redis when the outcome is known and before the
 * caller knows it: a change costs a round trip more for that, a poll nothing.
 */
#include "api/request.h"
#include "base/log.h"
#include "base/text.h"
#include "store/audit.h"

void request_audit(const struct service *service, const struct request *request,
	const struct response *response)
{
	const struct request_subject *subject = &response->subject;
	struct error error;

	/* What goes beyond the budget of requests, which may be 0, is not even read: it stands in
	 * the log alone, so that nobody can fill Redis with it. */
	bool is_unread =
		(response->class == ERROR_OVER_BUDGET || response->class == ERROR_BUDGET_FULL) &&
		subject->mode[0] == '\0';
	if (subject->reads || subject->token[0] == '\0' || is_unread)
		return;
	struct audit_entry entry = {
		.tenant = subject->tenant,
		.token = subject->token,
		.request = request->id,
		.what = subject->mode[0] != '\0' ? subject->mode : subject->path,
		.app = text_or_null(subject->app),
		.workflow = text_or_null(subject->workflow),
		.step = text_or_null(subject->step),
		.status = response->status,
		.class = response->class != ERROR_NONE ? error_class_facts(response->class)->name
						       : NULL,
	};
	if (audit_append(service->redis, &entry, &error) == ERROR_NONE)
		return;
	struct log_line line;
	log_begin(&line, LOG_ERROR, "the audit lacks a request");
	log_text(&line, "request", request->id);
	log_failure(&line, &error);
	log_end(&line);
}
