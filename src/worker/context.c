#include "worker/context.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/redact.h"
#include "base/text.h"

#define WAIT_LEAST_MS 100
#define WAIT_MOST_MS  3600000

/* ---- running ---- */

static enum error_class decode_text(struct action_context *context, const struct record *record, const char *text,
	enum record_mode mode, const char *place, void **ret_struct)
{
	cJSON *json;
	*ret_struct = arena_allocate(context->arena, record->size);
	if (*ret_struct == NULL)
		return error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the action");
	if (json_parse(text, strlen(text), JSON_FROM_PROVIDER, &json, &context->error) != ERROR_NONE)
		return context->error.class;
	enum error_class class = record_decode(record, json, mode, place, context->arena, *ret_struct, &context->error);
	cJSON_Delete(json);
	return class;
}

/*
 * One place for what memory that was refused does to an attempt: a text that is not there may have looked to the action
 * like a thing that is not there. So it calls nobody and stores nothing any more, and whatever it says, it is tried
 * again.
 */
static bool is_short_of_memory(struct action_context *context)
{
	if (!context->arena->refused)
		return false;
	error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the action");
	return true;
}

enum action_result context_run(struct action_context *context, const char *input_text, const char *checkpoint_text)
{
	const struct action_definition *action = context->action;
	void *input;
	memset(&context->error, 0, sizeof(context->error));
	context->output = arena_allocate(context->arena, action->output.size);
	if (context->output == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for the output");
	if (decode_text(context, &action->input, input_text, RECORD_STRICT, "/input", &input) != ERROR_NONE ||
		decode_text(context, &action->checkpoint, checkpoint_text[0] != '\0' ? checkpoint_text : "{}",
			RECORD_LENIENT, "/checkpoint", &context->checkpoint) != ERROR_NONE)
		return ACTION_FAILED;
	enum action_result result = action->run(context, input, context->checkpoint, context->output);
	return is_short_of_memory(context) ? ACTION_FAILED : result;
}

static const char *encode_text(struct action_context *context, const struct record *record, const void *data)
{
	cJSON *json;
	if (record_encode(record, data, &json, &context->error) != ERROR_NONE)
		return NULL;
	const char *text = json_print(context->arena, json);
	cJSON_Delete(json);
	if (text == NULL)
		error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the JSON of the action");
	return text;
}

const char *context_checkpoint(struct action_context *context)
{
	/* Decoding the input may have failed before there was one. */
	if (context->checkpoint == NULL)
		return "";
	return encode_text(context, &context->action->checkpoint, context->checkpoint);
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
	if (!context->skipped)
		return encode_text(context, &context->action->output, context->output);
	const struct skipped_output output = { true, context->text };
	return encode_text(context, &skipped_record, &output);
}

void context_release(struct action_context *context)
{
	cJSON_Delete(context->owned);
	context->owned = NULL;
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
	return context->age_ms + clock_monotonic_ms() - context->started_ms;
}

/* ---- how an attempt ends ---- */

/* A text for people, with secrets cut out; "" where memory is short. */
static const char *format_redacted(struct action_context *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static const char *format_redacted(struct action_context *context, const char *format, va_list arguments)
{
	char *text = arena_format_list(context->arena, format, arguments);
	if (text == NULL)
		return "";
	redact_text(text);
	return text;
}

enum action_result action_done(struct action_context *context)
{
	(void)context;
	return ACTION_DONE;
}

enum action_result action_skip(struct action_context *context, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = format_redacted(context, format, arguments);
	va_end(arguments);
	context->skipped = true;
	return ACTION_DONE;
}

static enum action_result wait_for(struct action_context *context, int64_t delay_ms, bool for_person)
{
	context->wait_ms = delay_ms < WAIT_LEAST_MS ? WAIT_LEAST_MS : delay_ms > WAIT_MOST_MS ? WAIT_MOST_MS : delay_ms;
	context->for_person = for_person;
	return ACTION_WAITING;
}

enum action_result action_wait(struct action_context *context, int64_t delay_ms, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = format_redacted(context, format, arguments);
	va_end(arguments);
	return wait_for(context, delay_ms, false);
}

enum action_result action_wait_for_person(struct action_context *context, int64_t delay_ms, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->text = format_redacted(context, format, arguments);
	va_end(arguments);
	return wait_for(context, delay_ms, true);
}

enum action_result action_fail(struct action_context *context, enum error_class class, const char *format, ...)
{
	char message[sizeof(context->error.message)];
	va_list arguments;
	va_start(arguments, format);
	text_format_list(message, sizeof(message), format, arguments);
	va_end(arguments);
	error_set(&context->error, class, "%s", message);
	return ACTION_FAILED;
}

enum action_result action_remedy(struct action_context *context, const char *url, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_format_list(context->error.remedy, sizeof(context->error.remedy), format, arguments);
	va_end(arguments);
	text_copy(context->error.remedy_url, sizeof(context->error.remedy_url), url != NULL ? url : "");
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
	const char *checkpoint = is_short_of_memory(context) ? NULL : context_checkpoint(context);
	return checkpoint != NULL && context->host->save(context->host_data, checkpoint, &context->error) == ERROR_NONE;
}

struct ledger_entry {
	const char *id, *url, *run, *at;
	bool created;
};
static const struct field ledger_fields[] = {
	{ STRING_FIELD("id", struct ledger_entry, id) },
	{ STRING_FIELD("url", struct ledger_entry, url) },
	{ BOOLEAN_FIELD("created", struct ledger_entry, created) },
	{ STRING_FIELD("run", struct ledger_entry, run) },
	{ STRING_FIELD("at", struct ledger_entry, at) },
};
static const struct record ledger_record = RECORD(struct ledger_entry, ledger_fields);

/* False for an entry that is broken, and where memory is short, which the arena remembers. */
static bool read_entry(const struct action_context *context, const char *text, struct ledger_entry *ret_entry)
{
	struct error ignored;
	cJSON *json;
	memset(ret_entry, 0, sizeof(*ret_entry));
	enum error_class class = json_parse(text, strlen(text), JSON_FROM_PROVIDER, &json, &ignored);
	if (class == ERROR_NONE) {
		class = record_decode(&ledger_record, json, RECORD_LENIENT, "", context->arena, ret_entry, &ignored);
		cJSON_Delete(json);
	}
	if (class == ERROR_OUT_OF_MEMORY)
		context->arena->refused = true;
	return class == ERROR_NONE;
}

/* An adopted thing that we had created before stays created. */
static bool was_created(const struct action_context *context, const char *key)
{
	const char *text = json_member_string(context->ledger, key);
	struct ledger_entry entry;
	return text != NULL && read_entry(context, text, &entry) && entry.created;
}

bool action_own(struct action_context *context, const struct owned_resource *resource)
{
	char at[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms(), at);
	if (is_short_of_memory(context))
		return false;
	const char *key = action_format(context, "%s:%s:%s", resource->provider, resource->type, resource->key);
	const struct ledger_entry entry = { resource->id, resource->url, context->run_id, at,
		resource->created || (key != NULL && was_created(context, key)) };
	if (is_short_of_memory(context))
		return false;
	const char *value = key != NULL ? encode_text(context, &ledger_record, &entry) : NULL;
	if (context->owned == NULL)
		context->owned = cJSON_CreateObject();
	if (value == NULL || context->owned == NULL || resource->id == NULL) {
		error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the ledger");
		return false;
	}
	if (context->host->own(context->host_data, key, value, &context->error) != ERROR_NONE)
		return false;
	cJSON_DeleteItemFromObjectCaseSensitive(context->owned, key);
	if (json_add(context->owned, key, cJSON_CreateString(resource->id)))
		return true;
	error_set(&context->error, ERROR_OUT_OF_MEMORY, "no memory for the ledger");
	return false;
}

const char *action_owned(const struct action_context *context, const char *provider, const char *type, const char *key)
{
	const char *field = arena_format(context->arena, "%s:%s:%s", provider, type, key);
	if (field == NULL)
		return NULL;
	const char *own = json_member_string(context->owned, field);
	if (own != NULL)
		return own;
	const char *text = json_member_string(context->ledger, field);
	struct ledger_entry entry;
	return text != NULL && read_entry(context, text, &entry) ? entry.id : NULL;
}

/* ---- helpers ---- */

void action_log(struct action_context *context, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	context->host->log(context->host_data, format_redacted(context, format, arguments));
	va_end(arguments);
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

/* ---- providers ---- */

/* Names a credential without giving it away. */
static void credential_name(const char *token, char name[CREDENTIAL_SIZE])
{
	unsigned char hash[crypto_generichash_BYTES];
	text_copy(name, CREDENTIAL_SIZE, "none");
	if (token == NULL)
		return;
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)token, strlen(token), NULL, 0);
	sodium_bin2hex(name, CREDENTIAL_SIZE, hash, 8);
}

/* A closed provider is not called: whoever met the limit first has told all workers until when. */
static bool gate_enter(struct action_context *context, const char *provider, const char *credential, bool *ret_probing)
{
	int64_t closed = context->host->enter(context->host_data, provider, credential, ret_probing);
	if (closed <= 0)
		return true;
	error_set(&context->error, ERROR_RATE_LIMITED, "%s is closed to us by its rate limit", provider);
	text_copy(context->error.provider, sizeof(context->error.provider), provider);
	context->error.retry_after_ms = closed;
	return false;
}

bool provider_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, struct provider_answer *answer)
{
	if (is_short_of_memory(context))
		return false;
	const struct provider_access access = provider->access(context->settings);
	char credential[CREDENTIAL_SIZE];
	bool probing;
	credential_name(access.token, credential);
	if (!gate_enter(context, provider->id, credential, &probing))
		return false;
	const struct provider_exchange exchange = { context->client, provider, &access, context->arena,
		context->deadline_ms, context->settings->allow_loopback };
	bool answered = provider_send(&exchange, request, answer, &context->error) == ERROR_NONE;
	bool limited = !answered && context->error.class == ERROR_RATE_LIMITED;
	if (!answered)
		redact_error(&context->error);
	if (limited || probing)
		context->host->leave(
			context->host_data, provider->id, credential, limited ? context->error.retry_after_ms : 0);
	return answered;
}

/* What the provider sent, as JSON; the error says whose answer it was. */
static enum error_class parse_answer(
	struct action_context *context, const struct provider_answer *answer, cJSON **ret_json)
{
	struct error *error = &context->error;
	if (json_parse(answer->body, answer->body_length, JSON_FROM_PROVIDER, ret_json, error) == ERROR_NONE)
		return ERROR_NONE;
	return error_set(error, error->class == ERROR_OUT_OF_MEMORY ? error->class : ERROR_PROVIDER_UNAVAILABLE,
		"the provider's answer (status %d) is not the JSON that it should be: %s", answer->status,
		error->message);
}

static bool decode_answer(struct action_context *context, const struct provider_answer *answer,
	const struct record *record, const cJSON *json, void *target)
{
	struct error *error = &context->error;
	if (record_decode(record, json, RECORD_LENIENT, "", context->arena, target, error) == ERROR_NONE)
		return true;
	if (error->class == ERROR_OUT_OF_MEMORY)
		return false;
	char place[sizeof(error->place)];
	text_copy(place, sizeof(place), error->place);
	error_set(error, ERROR_INTERNAL, "the provider's answer (status %d) has at %s not what it should have: %s",
		answer->status, place, error->message);
	return false;
}

bool provider_decode(struct action_context *context, const struct provider_answer *answer, const struct record *record,
	void *ret_struct)
{
	cJSON *json;
	if (parse_answer(context, answer, &json) != ERROR_NONE)
		return false;
	bool decoded = decode_answer(context, answer, record, json, ret_struct);
	cJSON_Delete(json);
	return decoded;
}

static bool decode_items(struct action_context *context, const struct provider_answer *answer,
	const struct record *record, const cJSON *json, struct object_list *ret_list)
{
	if (!cJSON_IsArray(json)) {
		error_set(&context->error, ERROR_INTERNAL, "the provider's answer (status %d) is no list",
			answer->status);
		return false;
	}
	size_t count = (size_t)cJSON_GetArraySize(json), next = 0;
	char *items = arena_allocate_array(context->arena, count, record->size);
	if (items == NULL)
		return !is_short_of_memory(context);
	const cJSON *item;
	cJSON_ArrayForEach(item, json)
	{
		if (!decode_answer(context, answer, record, item, items + next++ * record->size))
			return false;
	}
	*ret_list = (struct object_list){ items, count };
	return true;
}

bool provider_decode_list(struct action_context *context, const struct provider_answer *answer,
	const struct record *record, struct object_list *ret_list)
{
	cJSON *json;
	if (parse_answer(context, answer, &json) != ERROR_NONE)
		return false;
	bool decoded = decode_items(context, answer, record, json, ret_list);
	cJSON_Delete(json);
	return decoded;
}

bool url_get(struct action_context *context, const char *url, struct provider_answer *answer)
{
	if (is_short_of_memory(context))
		return false;
	if (url == NULL) {
		error_set(&context->error, ERROR_INVALID_INPUT, "there is no URL to get");
		return false;
	}
	const struct provider_exchange exchange = { context->client, NULL, NULL, context->arena, context->deadline_ms,
		context->settings->allow_loopback };
	if (url_send(&exchange, url, answer, &context->error) == ERROR_NONE)
		return true;
	redact_error(&context->error);
	return false;
}
