/*
 * Runs an action: decodes its input and checkpoint, keeps how it ended, and encodes its output.
 * Once an allocation has failed the attempt is void.
 */
#include "action/context.h"

#include <string.h>

#include "action/dry_run_found.h"
#include "base/clock.h"
#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"
#include "core/input.h"
#include "core/input_check.h"

#define WAIT_MIN_MS 100
#define WAIT_MAX_MS 3600000

/* ---- running ---- */

static enum error_class decode(struct action_context *context, const struct record *record,
	const cJSON *json, enum record_mode mode, const char *place, void **ret_struct)
{
	*ret_struct = arena_allocate(context->arena, record->size);
	if (*ret_struct == NULL)
		return error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the action");
	return record_decode(
		record, json, mode, place, context->arena, *ret_struct, &context->error);
}

static enum error_class decode_checkpoint(struct action_context *context, const char *text)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (text[0] == '\0')
		text = "{}";
	if (json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, &context->error) != ERROR_NONE)
		return context->error.class;
	return decode(context, &context->action->checkpoint, json, RECORD_LENIENT, "/checkpoint",
		&context->checkpoint);
}

bool context_is_short_of_memory(struct action_context *context)
{
	if (!context->arena->exhausted && !context->out_of_memory)
		return false;
	error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the action");
	return true;
}

/* A checkpoint that must not be stored is dropped; the one that was stored last stays. What a call
 * was cut off for says nothing of what it was about, whatever the action has made of it. */
static enum action_result end_attempt(struct action_context *context, enum action_result result)
{
	if (context->cut_off && result != ACTION_DONE) {
		context->error.class = ERROR_LEASE_LOST;
		result = ACTION_FAILED;
	}
	struct error ended = context->error;
	bool may_be_stored =
		context_checkpoint(context) != NULL || context->error.class == ERROR_OUT_OF_MEMORY;
	if (!may_be_stored)
		context->checkpoint = NULL;
	/* The error of the action says more. */
	if (may_be_stored || result == ACTION_FAILED)
		context->error = ended;
	return may_be_stored ? result : ACTION_FAILED;
}

enum action_result context_execute(
	struct action_context *context, const cJSON *input_json, const char *checkpoint)
{
	const struct action_definition *action = context->action;
	void *input;

	/* input_build gives null to an optional step that has no input. */
	if (cJSON_IsNull(input_json))
		return action_skip(context, "no input was given for it");
	memset(&context->error, 0, sizeof(context->error));
	context->output = arena_allocate(context->arena, action->output.size);
	if (context->output == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for the output");
	enum record_mode mode = context->dry_run != NULL ? RECORD_PLANNED : RECORD_STRICT;
	if (decode(context, &action->input, input_json, mode, "/input", &input) != ERROR_NONE) {
		input_name_member("/input", &context->error);
		return ACTION_FAILED;
	}

	if (decode_checkpoint(context, checkpoint) != ERROR_NONE)
		return ACTION_FAILED;
	if (input_check_run(action, input, "/input", NULL, &context->error) != ERROR_NONE)
		return ACTION_FAILED;
	enum action_result result = end_attempt(
		context, action->run(context, input, context->checkpoint, context->output));
	if (context_is_short_of_memory(context))
		return ACTION_FAILED;

	/* An output that is too long cannot be stored. */
	bool is_result = result != ACTION_DONE || context_output(context) != NULL ||
		context->error.class != ERROR_PAYLOAD_TOO_LARGE;
	return is_result ? result : ACTION_FAILED;
}

static const char *encode(struct action_context *context, const struct record *record,
	const void *data, bool for_people)
{
	CLEANUP_JSON cJSON *json = NULL;

	if (record_encode(record, data, &json, &context->error) != ERROR_NONE)
		return NULL;
	if (for_people)
		redact_json(json);
	const char *text = json_print(context->arena, json);
	if (text == NULL)
		error_set(&context->error, ERROR_OUT_OF_MEMORY,
			"no memory for the JSON of the action");
	return text;
}

const char *context_encode(
	struct action_context *context, const struct record *record, const void *data)
{
	return encode(context, record, data, false);
}

const char *action_encode(
	struct action_context *context, const struct record *record, const void *data)
{
	return context_encode(context, record, data);
}

bool action_decode(struct action_context *context, const char *text, const struct record *record,
	void *ret_struct)
{
	const struct provider_response stored = { .body = text, .body_length = strlen(text) };
	return provider_decode(context, &stored, record, ret_struct);
}

/* Redis keeps it as long as the run, so its size is bounded. */
static const char *refuse_longer(
	struct action_context *context, const char *text, size_t most, const char *what)
{
	if (text == NULL || strlen(text) <= most)
		return text;
	error_set(&context->error, ERROR_PAYLOAD_TOO_LARGE,
		"the %s of %s is %zu bytes long, and the limit is %zu", what, context->action->id,
		strlen(text), most);
	error_remedy(&context->error, NULL,
		"Give the step less to do at once: its output grows with its input.");
	return NULL;
}

static enum error_class find_secret(
	void *context, const struct record_value *value, struct error *error)
{
	const struct action_context *action = context;
	if (!cJSON_IsString(value->json) || !redact_finds(value->json->valuestring))
		return ERROR_NONE;
	error_set(error, ERROR_INTERNAL, "the action %s has a secret in its checkpoint, at %s",
		action->action->id, value->place);
	return error_remedy(error, NULL,
		"A checkpoint is stored in clear text: the author of the action has to leave the "
		"secret out.");
}

const char *context_checkpoint(struct action_context *context)
{
	const struct record *record = &context->action->checkpoint;
	const char *text = NULL;
	CLEANUP_JSON cJSON *json = NULL;

	/* There is none where the input could not be decoded. */
	if (context->checkpoint == NULL)
		return "";
	if (record_encode(record, context->checkpoint, &json, &context->error) != ERROR_NONE)
		return NULL;

	/* Refused rather than redacted: the next attempt would go on with asterisks. */
	if (record_visit_values(record, json, "/checkpoint", find_secret, context,
		    &context->error) == ERROR_NONE &&
		(text = json_print(context->arena, json)) == NULL)
		error_set(&context->error, ERROR_OUT_OF_MEMORY,
			"no memory for the JSON of the action");
	return refuse_longer(context, text, ACTION_CHECKPOINT_MAX, "checkpoint");
}

struct skipped_output {
	bool skipped;
	const char *reason;
};
static const struct field skipped_fields[] = {
	{ BOOLEAN_FIELD("skipped", struct skipped_output, skipped) },
	{ STRING_FIELD("reason", struct skipped_output, reason) },
};
static const struct record skipped_record = RECORD(struct skipped_output, skipped_fields);

const char *context_output(struct action_context *context)
{
	const struct skipped_output skipped = { true, context->text };
	const char *text = context->skipped
		? encode(context, &skipped_record, &skipped, true)
		: encode(context, &context->action->output, context->output, true);
	return refuse_longer(context, text, ACTION_OUTPUT_MAX, "output");
}

void context_release(struct action_context *context)
{
	cJSON_Delete(context->written);
	context->written = NULL;
}

/* ---- what the run is about ---- */

const char *action_app(const struct action_context *context)
{
	return context->app;
}

const char *action_run_id(const struct action_context *context)
{
	return context->run_id;
}

int action_attempt(const struct action_context *context)
{
	return context->attempt;
}

int64_t action_run_age_ms(const struct action_context *context)
{
	return context->age_ms + clock_monotonic_ms() - context->started_at;
}

int64_t action_run_elapsed_ms(const struct action_context *context)
{
	return action_run_age_ms(context) + context->paused_ms;
}

/* ---- how an attempt ends ---- */

enum action_result action_done(struct action_context *context)
{
	(void)context;
	return ACTION_DONE;
}

enum action_result action_skip(struct action_context *context, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = context_format(context, format, arguments);
	va_end(arguments);
	context->skipped = true;
	return ACTION_DONE;
}

static enum action_result wait_for(
	struct action_context *context, int64_t delay_ms, bool for_person)
{
	context->wait_ms = delay_ms < WAIT_MIN_MS ? WAIT_MIN_MS
		: delay_ms > WAIT_MAX_MS          ? WAIT_MAX_MS
						  : delay_ms;
	context->for_person = for_person;
	return ACTION_WAITING;
}

enum action_result action_wait(
	struct action_context *context, int64_t delay_ms, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = context_format(context, format, arguments);
	va_end(arguments);
	return wait_for(context, delay_ms, false);
}

enum action_result action_wait_for_person(
	struct action_context *context, int64_t delay_ms, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = context_format(context, format, arguments);
	va_end(arguments);
	return wait_for(context, delay_ms, true);
}

enum action_result action_fail(
	struct action_context *context, enum error_class class, const char *format, ...)
{
	char message[sizeof(context->error.message)];
	va_list arguments;

	va_start(arguments, format);
	dry_run_fold_failure(context, format, arguments);
	redact_format_list(message, sizeof(message), format, arguments);
	va_end(arguments);
	error_set(&context->error, class, "%s", message);
	context->hung = false;
	const struct error *refusal = &context->refusal;
	error_exchange(&context->error, refusal->provider, refusal->http_status,
		refusal->provider_code, refusal->request_id);
	return ACTION_FAILED;
}

enum action_result action_fail_again(
	struct action_context *context, const struct error *earlier, const char *format, ...)
{
	struct error error = *earlier;
	va_list arguments;
	va_start(arguments, format);
	redact_format_list(error.message, sizeof(error.message), format, arguments);
	va_end(arguments);
	context->error = error;
	return ACTION_FAILED;
}

enum action_result action_remedy(
	struct action_context *context, const char *url, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	redact_format_list(context->error.remedy, sizeof(context->error.remedy), format, arguments);
	va_end(arguments);
	/* A truncated address would lead elsewhere. */
	if (url == NULL ||
		!text_copy(context->error.remedy_url, sizeof(context->error.remedy_url), url))
		context->error.remedy_url[0] = '\0';
	return ACTION_FAILED;
}

enum action_result action_remedy_input(struct action_context *context, const char *name)
{
	text_copy(context->error.remedy_input, sizeof(context->error.remedy_input), name);
	return ACTION_FAILED;
}

enum action_result action_failed(struct action_context *context)
{
	if (context->error.class == ERROR_NONE)
		return action_fail(context, ERROR_INTERNAL, "the action failed without saying why");
	return ACTION_FAILED;
}

const struct error *action_error(const struct action_context *context)
{
	return &context->error;
}

/* ---- what survives a crash ---- */

bool action_save(struct action_context *context)
{
	if (context->dry_run != NULL)
		return true;
	const char *checkpoint =
		context_is_short_of_memory(context) ? NULL : context_checkpoint(context);
	return checkpoint != NULL &&
		context->backend->save(context->backend_data, checkpoint, &context->error) ==
		ERROR_NONE;
}

/* ---- helpers ---- */

void action_log(struct action_context *context, const char *format, ...)
{
	va_list arguments;
	if (context->dry_run != NULL)
		return;
	va_start(arguments, format);
	context->backend->log(context->backend_data, context_format(context, format, arguments));
	va_end(arguments);
}

bool action_is_planned(const struct action_context *context)
{
	return context->dry_run != NULL;
}

const char *action_format(struct action_context *context, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_format_list(context->arena, format, arguments);
	va_end(arguments);
	return text;
}

void *action_allocate(struct action_context *context, size_t count, size_t size)
{
	return arena_allocate_array(context->arena, count, size);
}
