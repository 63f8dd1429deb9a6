/*
 * Errors as JSON: the table of members, and its two printed forms.
 */
#include "core/error_json.h"

#include "base/record.h"
#include "base/text.h"

struct remedy_json {
	const char *text, *url, *input_key;
};
static const struct field remedy_fields[] = {
	{ STRING_FIELD("text", struct remedy_json, text) },
	{ STRING_FIELD("url", struct remedy_json, url) },
	{ STRING_FIELD("inputKey", struct remedy_json, input_key) },
};
static const struct record remedy_record = RECORD(struct remedy_json, remedy_fields);

struct error_json {
	const char *class, *message, *place, *provider, *provider_code, *request_id;
	const void *remedy;
	bool retryable;
	int64_t http_status;
};
static const struct field error_fields[] = {
	{ STRING_FIELD("class", struct error_json, class) },
	{ STRING_FIELD("message", struct error_json, message) },
	{ BOOLEAN_FIELD("retryable", struct error_json, retryable) },
	{ STRING_FIELD("place", struct error_json, place) },
	{ STRING_FIELD("provider", struct error_json, provider) },
	{ INTEGER_FIELD("httpStatus", struct error_json, http_status), .omit_zero = true },
	{ STRING_FIELD("providerCode", struct error_json, provider_code) },
	{ STRING_FIELD("requestId", struct error_json, request_id) },
	{ OBJECT_FIELD("remedy", struct error_json, remedy), .record = &remedy_record },
};
static const struct record error_record = RECORD(struct error_json, error_fields);

static enum error_class to_json(const struct error *source, cJSON **ret_json, struct error *error)
{
	const struct error_class_facts *facts = error_class_facts(source->class);
	struct remedy_json remedy = {
		.text = source->remedy[0] != '\0' ? source->remedy : facts->remedy,
		.url = text_or_null(source->remedy_url),
		.input_key = text_or_null(source->remedy_input),
	};
	struct error_json json = {
		.class = facts->name,
		.message = source->message,
		.retryable = facts->retryable,
		.place = text_or_null(source->place),
		.provider = text_or_null(source->provider),
		.http_status = source->http_status,
		.provider_code = text_or_null(source->provider_code),
		.request_id = text_or_null(source->request_id),
		.remedy = remedy.text != NULL ? &remedy : NULL,
	};
	return record_encode(&error_record, &json, ret_json, error);
}

enum error_class error_print(
	const struct error *source, struct arena *arena, const char **ret_text, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	if (to_json(source, &json, error) != ERROR_NONE)
		return error->class;
	*ret_text = json_print(arena, json);
	return *ret_text != NULL ? ERROR_NONE
				 : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an error");
}

const char *error_text(struct arena *arena, enum error_class class, const char *message)
{
	struct error source, ignored;
	const char *text = NULL;
	error_set(&source, class, "%s", message);
	return error_print(&source, arena, &text, &ignored) == ERROR_NONE ? text : NULL;
}
