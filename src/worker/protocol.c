/*
 * The tables of the messages; see the header for what each member is.
 */
#include "worker/protocol.h"

#include "base/json_write.h"

#define USUAL_BYTES 2000 /* of a message */

static const struct field job_fields[] = {
	{ STRING_FIELD("tenant", struct job, tenant), .required = true },
	{ STRING_FIELD("app", struct job, app), .required = true },
	{ STRING_FIELD("workflow", struct job, workflow), .required = true },
	{ STRING_FIELD("step", struct job, step), .required = true },
	{ STRING_FIELD("token", struct job, token), .required = true },
	{ STRING_FIELD("run_id", struct job, run_id), .required = true },
	{ STRING_FIELD("request", struct job, request), .required = true },
	{ STRING_FIELD("worker", struct job, worker), .required = true },
	{ STRING_FIELD("input", struct job, input), .required = true },
	{ STRING_FIELD("checkpoint", struct job, checkpoint), .required = true },
	{ STRING_FIELD("outage_seen", struct job, outage_seen), .required = true },
	{ INTEGER_FIELD("attempt", struct job, attempt) },
	{ INTEGER_FIELD("attempts", struct job, attempts) },
	{ INTEGER_FIELD("now", struct job, now) },
	{ INTEGER_FIELD("queued_at", struct job, queued_at) },
	{ INTEGER_FIELD("run_deadline", struct job, run_deadline) },
	{ INTEGER_FIELD("outage_at", struct job, outage_at) },
	{ INTEGER_FIELD("outage_ms", struct job, outage_ms) },
	{ INTEGER_FIELD("paused_ms", struct job, paused_ms) },
	{ INTEGER_FIELD("time_left_ms", struct job, time_left_ms) },
	{ INTEGER_FIELD("number", struct job, number) },
	{ STRING_FIELD("ledger", struct job, ledger), .required = true },
};
const struct record job_record = RECORD(struct job, job_fields);

static const struct field failure_fields[] = {
	{ STRING_FIELD("class", struct job_failure, class), .required = true },
	{ STRING_FIELD("message", struct job_failure, message), .required = true },
	{ STRING_FIELD("place", struct job_failure, place), .required = true },
	{ STRING_FIELD("provider", struct job_failure, provider), .required = true },
	{ STRING_FIELD("request_id", struct job_failure, request_id), .required = true },
	{ INTEGER_FIELD("http_status", struct job_failure, http_status), .omit_zero = true },
};
static const struct record failure_record = RECORD(struct job_failure, failure_fields);

static const struct field ask_fields[] = {
	{ STRING_FIELD("kind", struct ask, kind), .required = true },
	{ BOOLEAN_FIELD("leaves", struct ask, leaves), .omit_zero = true },
	{ INTEGER_FIELD("write", struct ask, write), .omit_zero = true },
	{ STRING_FIELD("checkpoint", struct ask, checkpoint) },
	{ STRING_FIELD("field", struct ask, field) },
	{ STRING_FIELD("value", struct ask, value) },
	{ STRING_FIELD("log", struct ask, log) },
	{ STRING_FIELD("phase", struct ask, phase) },
	{ STRING_FIELD("reason", struct ask, reason) },
	{ STRING_FIELD("detail", struct ask, detail) },
	{ STRING_FIELD("status", struct ask, status) },
	{ STRING_FIELD("output", struct ask, output) },
	{ STRING_FIELD("error", struct ask, error) },
	{ STRING_FIELD("gives", struct ask, gives) },
	{ STRING_FIELD("outage_seen", struct ask, outage_seen) },
	{ BOOLEAN_FIELD("replaces", struct ask, replaces), .omit_zero = true },
	{ BOOLEAN_FIELD("outage", struct ask, outage), .omit_zero = true },
	{ INTEGER_FIELD("delay_ms", struct ask, delay_ms), .omit_zero = true },
	{ INTEGER_FIELD("outage_ms", struct ask, outage_ms), .omit_zero = true },
	{ OBJECT_FIELD("failure", struct ask, failure), .record = &failure_record },
	{ STRING_FIELD("app", struct ask, app) },
	{ STRING_FIELD("workflow", struct ask, workflow) },
	{ STRING_FIELD("step", struct ask, step) },
	{ STRINGS_FIELD("needs", struct ask, needs) },
	{ STRING_FIELD("uses", struct ask, uses) },
	{ STRING_FIELD("name", struct ask, name) },
	{ STRING_FIELD("sealed", struct ask, sealed) },
	{ STRING_FIELD("key", struct ask, key) },
	{ STRING_FIELD("provider", struct ask, provider) },
	{ STRING_FIELD("credential", struct ask, credential) },
	{ STRING_FIELD("type", struct ask, type) },
	{ STRING_FIELD("id", struct ask, id) },
	{ INTEGER_FIELD("what", struct ask, what), .omit_zero = true },
	{ BOOLEAN_FIELD("shared", struct ask, shared), .omit_zero = true },
	{ BOOLEAN_FIELD("answered", struct ask, answered), .omit_zero = true },
	{ BOOLEAN_FIELD("unreachable", struct ask, unreachable), .omit_zero = true },
	{ STRING_FIELD("owner", struct ask, owner) },
	{ STRING_FIELD("repository", struct ask, repository) },
	{ MAP_FIELD("permissions", struct ask, permissions) },
	{ BOOLEAN_FIELD("refresh", struct ask, refresh), .omit_zero = true },
	{ INTEGER_FIELD("made_ago_ms", struct ask, made_ago_ms), .omit_zero = true },
	{ BOOLEAN_FIELD("wants_page", struct ask, wants_page), .omit_zero = true },
	{ BOOLEAN_FIELD("checks", struct ask, checks), .omit_zero = true },
	{ BOOLEAN_FIELD("may_be_missing", struct ask, may_be_missing), .omit_zero = true },
	{ INTEGER_FIELD("time_left_ms", struct ask, time_left_ms), .omit_zero = true },
	{ INTEGER_FIELD("spacing_ms", struct ask, spacing_ms), .omit_zero = true },
	{ INTEGER_FIELD("blocked_ms", struct ask, blocked_ms), .omit_zero = true },
	{ INTEGER_FIELD("retry_ms", struct ask, retry_ms), .omit_zero = true },
	{ INTEGER_FIELD("response_status", struct ask, response_status), .omit_zero = true },
};
const struct record ask_record = RECORD(struct ask, ask_fields);

static const struct field reply_fields[] = {
	{ STRING_FIELD("class", struct reply, class) },
	{ STRING_FIELD("message", struct reply, message) },
	{ STRING_FIELD("remedy", struct reply, remedy) },
	{ INTEGER_FIELD("retry_after_ms", struct reply, retry_after_ms), .omit_zero = true },
	{ STRING_FIELD("page", struct reply, page) },
	{ STRING_FIELD("provider", struct reply, provider) },
	{ STRING_FIELD("code", struct reply, code) },
	{ STRING_FIELD("request_id", struct reply, request_id) },
	{ STRING_FIELD("text", struct reply, text) },
	{ STRING_FIELD("name", struct reply, name) },
	{ STRING_FIELD("record", struct reply, record) },
	{ STRING_FIELD("status", struct reply, status) },
	{ STRINGS_FIELD("outputs", struct reply, outputs) },
	{ INTEGER_FIELD("missing", struct reply, missing), .omit_zero = true },
	{ INTEGER_FIELD("wait_ms", struct reply, wait_ms), .omit_zero = true },
	{ INTEGER_FIELD("down_ms", struct reply, down_ms), .omit_zero = true },
	{ INTEGER_FIELD("response_status", struct reply, response_status), .omit_zero = true },
	{ INTEGER_FIELD("ahead", struct reply, ahead), .omit_zero = true },
	{ BOOLEAN_FIELD("worker_only", struct reply, worker_only), .omit_zero = true },
	{ BOOLEAN_FIELD("probing", struct reply, probing), .omit_zero = true },
	{ BOOLEAN_FIELD("watched", struct reply, watched), .omit_zero = true },
	{ BOOLEAN_FIELD("granted", struct reply, granted), .omit_zero = true },
	{ BOOLEAN_FIELD("wants_signature", struct reply, wants_signature), .omit_zero = true },
	{ INTEGER_FIELD("skew", struct reply, skew_seconds), .omit_zero = true },
};
const struct record reply_record = RECORD(struct reply, reply_fields);

static const char *text_in(struct arena *arena, const char *text)
{
	return text[0] != '\0' ? arena_string(arena, text) : NULL;
}

void reply_refuse(struct reply *reply, const struct error *failure, struct arena *arena)
{
	*reply = (struct reply){ .class = error_class_facts(failure->class)->name,
		.message = text_in(arena, failure->message),
		.remedy = text_in(arena, failure->remedy),
		.retry_after_ms = failure->retry_after_ms,
		.page = text_in(arena, failure->remedy_url),
		.provider = text_in(arena, failure->provider),
		.code = text_in(arena, failure->provider_code),
		.request_id = text_in(arena, failure->request_id),
		.response_status = failure->http_status };
}

static const char *text_of(const char *text)
{
	return text != NULL ? text : "";
}

enum error_class reply_failure(const struct reply *reply, struct error *ret_failure)
{
	if (reply->class == NULL)
		return ERROR_NONE;
	error_set(ret_failure, error_class_by_name(reply->class), "%s", text_of(reply->message));
	ret_failure->retry_after_ms = reply->retry_after_ms;
	if (reply->provider != NULL)
		error_exchange(ret_failure, reply->provider, (int)reply->response_status,
			text_of(reply->code), text_of(reply->request_id));
	return reply->remedy != NULL ? error_remedy(ret_failure, reply->page, "%s", reply->remedy)
				     : ret_failure->class;
}

enum error_class message_put(struct channel *channel, const struct record *record,
	const void *message, struct error *error)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY(CHANNEL_FRAME_MAX);
	struct json_writer writer = json_writer_to(&text, USUAL_BYTES);

	json_open(&writer, '{');
	if (record_write(record, message, &writer, error) != ERROR_NONE)
		return error->class;
	json_close(&writer, '}');
	return writer.complete && channel_put(channel, text.bytes, text.length)
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a message");
}

enum error_class message_read(const struct record *record, const char *text, size_t length,
	struct arena *arena, void *ret_message, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (json_parse(text, length, JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
		return error->class;
	return record_decode(record, json, RECORD_LENIENT, "", arena, ret_message, error);
}
