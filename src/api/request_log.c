/*
 * The log line of a request: what was asked for and how it ended, under the request id that the web
 * server and the workers log too. Of a body or query it has only valid ids, because the rest may be
 * secret.
 */
#include <string.h>

#include "api/request.h"
#include "base/log.h"
#include "base/text.h"
#include "core/run_log.h"

bool request_id_valid(const char *text)
{
	return strlen(text) == REQUEST_ID_SIZE - 1 &&
		text[strspn(text, "0123456789abcdef")] == '\0';
}

static void keep_identifier(char target[IDENTIFIER_SIZE], const cJSON *body, const char *name)
{
	const char *text = json_member_string(body, name);
	if (text != NULL && identifier_valid(text))
		text_copy(target, IDENTIFIER_SIZE, text);
}

void response_subject(struct response *response, const cJSON *body)
{
	struct request_subject *subject = &response->subject;
	keep_identifier(subject->app, body, "appId");
	keep_identifier(subject->workflow, body, "workflowId");
	keep_identifier(subject->step, body, "actionId");
}

/* Polls and health checks are frequent and uninteresting: debug only. */
static enum log_level level_of(const struct response *response)
{
	if (response->status >= 500)
		return LOG_WARNING;
	return response->status < 400 && response->subject.reads ? LOG_DEBUG : LOG_INFO;
}

void request_log(const struct request *request, const struct response *response, int64_t took_ms)
{
	const struct request_subject *subject = &response->subject;
	struct log_line line;

	log_begin(&line, level_of(response), "request");
	log_text(&line, "request", request->id);
	log_text(&line, "token", subject->token);
	log_text(&line, "method", request->method);
	log_text(&line, "path", subject->path);
	log_text(&line, "mode", subject->mode);
	log_text(&line, "tenant", subject->tenant);
	log_text(&line, "app", subject->app);
	log_text(&line, "workflow", subject->workflow);
	log_text(&line, "step", subject->step);
	log_number(&line, "status", response->status);
	if (response->class != ERROR_NONE)
		log_text(&line, "class", error_class_facts(response->class)->name);
	log_number(&line, "ms", took_ms);
	log_end(&line);
	if (response->ended == NULL)
		return;
	run_end_line(&line, response->ended);
	log_end(&line);
}
