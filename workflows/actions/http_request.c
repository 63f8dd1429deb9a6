/*
 * http.request: sends an HTTP request and checks the response, for APIs that have no action of
 * their own.
 *
 * Idempotent requests (GET, PUT, DELETE) are sent again if no response came. The others are sent
 * once, because nobody can tell here whether the first one took effect; with retryUntil they too
 * are repeated until the response is as expected. A request that creates something may have "look":
 * what it creates is looked for before, and after a lost response. It is then in the app's ledger,
 * and with "undo" a teardown removes it.
 *
 * A response may hold a secret that nobody has seen before, such as the password of a new database.
 * So its body is not shown unless the input asks for it: the output has only what the input names.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "actions/http_claim.h"
#include "actions/http_headers.h"
#include "actions/http_resource.h"
#include "slipway/provider.h"
#include "web_address.h"

#define TRY_MS      3000
#define EXCERPT_MAX 1000

#define NAME_MAX_LENGTH 64
#define DIGITS          "0123456789"
#define LETTERS         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };
static const enum http_method method_numbers[] = { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH,
	HTTP_DELETE };

struct input {
	const char *method, *url, *body, *content_type, *expect_text;
	struct string_map headers, output;
	struct string_list expect_status;
	int64_t retry_until;
	bool show_body, adopt;
	const void *look, *undo; /* struct http_look, struct http_undo */
};
static const struct field input_fields[] = {
	{ STRING_FIELD("method", struct input, method), .values = methods, .fallback = "GET",
		.description = "HTTP method" },
	{ STRING_FIELD("url", struct input, url), .required = true, .maximum = 2000,
		.description = "URL to send it to; https only" },
	{ MAP_FIELD("headers", struct input, headers), .secret = true, .maximum = URL_HEADERS_MAX,
		.description = "Headers of the request, such as Authorization. They may contain "
			       "secrets, so they are never shown" },
	{ STRING_FIELD("body", struct input, body), .secret = true,
		.json_where = { "contentType", "application/json" },
		.description =
			"Request body; not with GET. It may contain secrets, so it is never shown. "
			"In JSON, write references between quotation marks: their texts are "
			"escaped" },
	{ STRING_FIELD("contentType", struct input, content_type), .fallback = "application/json",
		.maximum = 200, .pattern = "^[!-~][ -~]*$",
		.form = "a media type, such as application/json",
		.description = "Content type of the body" },
	{ STRINGS_FIELD("expectStatus", struct input, expect_status), .minimum = 1, .maximum = 20,
		.pattern = "^[1-5]([0-9][0-9]|xx)$",
		.form = "a status such as 204, or a class of them such as 2xx",
		.fallback = "[\"2xx\"]", .description = "Expected statuses, such as 200 or 2xx" },
	{ STRING_FIELD("expectText", struct input, expect_text), .minimum = 1, .maximum = 1000,
		.description = "Text that the response must contain" },
	{ INTEGER_FIELD("retryUntil", struct input, retry_until), .minimum = 0, .maximum = 3000,
		.fallback = "0",
		.description = "Seconds for which to repeat the request until the response is as "
			       "expected; 0 sends it once" },
	{ MAP_FIELD("output", struct input, output), .maximum = 16,
		.pattern = "^(/([^~/]|~[01])*)+$", .form = "a JSON pointer, such as /data/id",
		.description = "What to take out of a JSON response: names, and JSON pointers to "
			       "single values; with \"look\", pointers within the thing that it "
			       "finds. The values are shown, so take no secrets" },
	{ OBJECT_FIELD("look", struct input, look), .record = &http_look_record,
		.description = "For a POST or PUT that creates something: how to look for it. It "
			       "is created only if it does not exist, and is the app's from then "
			       "on. The headers are those of the request" },
	{ BOOLEAN_FIELD("adopt", struct input, adopt), .fallback = "false",
		.description = "Whether to use what \"look\" finds if the app did not create it" },
	{ OBJECT_FIELD("undo", struct input, undo), .record = &http_undo_record,
		.description = "With \"look\": how a teardown removes what was created. Without "
			       "it, a teardown leaves it" },
	{ BOOLEAN_FIELD("showBody", struct input, show_body), .fallback = "false",
		.description = "Whether the output has the first 1000 bytes of the response; not "
			       "if it may contain secrets" },
};

struct checkpoint {
	bool sent;
	int64_t sent_at; /* with look: the age of the run when the last request was sent */
};
static const struct field checkpoint_fields[] = {
	{ BOOLEAN_FIELD("sent", struct checkpoint, sent) },
	{ INTEGER_FIELD("sentAt", struct checkpoint, sent_at), .omit_zero = true },
};

struct output {
	int64_t status;
	struct string_map values;
	const char *body;
	bool created;
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("status", struct output, status), .description = "Status of the response" },
	{ MAP_FIELD("values", struct output, values), .required = true,
		.description = "What was taken out of the response, by the names in \"output\"" },
	{ STRING_FIELD("body", struct output, body),
		.description =
			"First 1000 bytes of the response, as text, if \"showBody\" asks for it" },
	{ BOOLEAN_FIELD("created", struct output, created), .omit_zero = true,
		.description = "true, with \"look\": the app created it" },
};

static enum http_method method_of(const struct input *input)
{
	size_t i = 0;
	while (methods[i + 1] != NULL && strcmp(methods[i], input->method) != 0)
		i++;
	return method_numbers[i];
}

static bool may_be_repeated(const struct input *input)
{
	enum http_method method = method_of(input);
	return input->retry_until > 0 || (method != HTTP_POST && method != HTTP_PATCH);
}

/* "2xx" matches every status from 200 to 299. */
static bool is_expected(const struct input *input, int status)
{
	for (size_t i = 0; i < input->expect_status.count; i++) {
		const char *expected = input->expect_status.items[i];
		bool fits = expected[1] == 'x' ? status / 100 == expected[0] - '0'
					       : status == (int)strtol(expected, NULL, 10);
		if (fits)
			return true;
	}
	return false;
}

/* NULL if the response is as expected, else what is wrong with it. */
static const char *judge(struct action_context *context, const struct input *input,
	const struct provider_response *response)
{
	if (!is_expected(input, response->status)) {
		const char *wrong = action_format(context, "status %d", response->status);
		return wrong != NULL ? wrong : "unexpected status";
	}
	if (input->expect_text != NULL &&
		memmem(response->body, response->body_length, input->expect_text,
			strlen(input->expect_text)) == NULL)
		return "the response does not contain the expected text";
	return NULL;
}

static enum action_result again_or_fail(
	struct action_context *context, const struct input *input, const char *what)
{
	if (action_run_age_ms(context) < input->retry_until * 1000)
		return action_wait(context, TRY_MS,
			"the expected response to %s %s; last result: %s", input->method,
			input->url, what);
	action_fail(context, ERROR_CHECK_FAILED, "unexpected response to %s %s: %s", input->method,
		input->url, what);
	return action_remedy(
		context, NULL, "Check the service at that address, then trigger the step again.");
}

static enum action_result fail_unknown(
	struct action_context *context, const struct input *input, const char *why)
{
	action_fail(context, ERROR_CHECK_FAILED,
		"%s %s may have taken effect, but its response was lost: %s", input->method,
		input->url, why);
	return action_remedy(context, NULL,
		"Check whether the request took effect. If not, trigger the step again. Set "
		"\"retryUntil\" if it is safe to send it twice.");
}

/* No response came. A request that was refused before it was sent fails as it is, and is not
 * repeated. */
static enum action_result unanswered(struct action_context *context, const struct input *input)
{
	const struct error error = *action_error(context);
	if (error.class == ERROR_INVALID_INPUT || error.class == ERROR_LEASE_LOST ||
		error.class == ERROR_OUT_OF_MEMORY)
		return action_failed(context);
	if (input->retry_until > 0)
		return again_or_fail(context, input, error.message);
	return may_be_repeated(input) ? action_failed(context)
				      : fail_unknown(context, input, error.message);
}

/* What was sent once has taken effect: sent again for the value, it would make a second thing. */
static enum action_result fail_value(
	struct action_context *context, const struct input *input, const char *why)
{
	action_fail(context, ERROR_CHECK_FAILED, "%s %s took effect, but %s", input->method,
		input->url, why);
	action_remedy(context, NULL,
		"Correct \"output\". Triggering the step again sends the request again.");
	return action_remedy_input(context, "output");
}

/* What is to be taken may come only later, as the expected text may. */
static enum action_result show(struct action_context *context, const struct input *input,
	const struct provider_response *response, struct output *output)
{
	if (!response_values(context, response, &input->output, &output->values)) {
		const struct error error = *action_error(context);
		enum http_method method = method_of(input);
		if (error.class != ERROR_CHECK_FAILED)
			return action_failed(context);
		return method == HTTP_POST || method == HTTP_PATCH
			? fail_value(context, input, error.message)
			: again_or_fail(context, input, error.message);
	}

	output->status = response->status;
	output->body = input->show_body ? response_excerpt(context, response, EXCERPT_MAX) : NULL;
	if (input->show_body && output->body == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the response");
	return action_done(context);
}

static struct url_request request_of(const struct input *input)
{
	return (struct url_request){
		.method = method_of(input),
		.url = input->url,
		.body = input->body,
		.content_type = input->content_type,
		.headers = input->headers,
	};
}

/* ---- with look: created once, and the app's ---- */

static struct http_resource resource_of(const struct input *input)
{
	return (struct http_resource){
		.look = input->look, .undo = input->undo, .headers = input->headers
	};
}

/* Enters what was found into the ledger, and gives its values. */
static enum action_result own(struct action_context *context, const struct input *input,
	const struct http_claim *claim, const struct provider_response *thing,
	struct output *output)
{
	if (!claim_put(context, claim, thing, input->adopt, &output->created))
		return action_failed(context);
	return show(context, input, thing, output);
}

/* A refusal created nothing; after 408 nobody can tell. */
static enum action_result refused(struct action_context *context, const struct input *input,
	const struct provider_response *response, const char *wrong)
{
	int status = response->status;
	bool nothing = status >= 400 && status < 500 && status != 408,
	     passes = status >= 500 || status == 408 || status == 429;

	if (nothing && !ledger_take_back(context))
		return action_failed(context);
	action_fail(context, passes ? ERROR_PROVIDER_UNAVAILABLE : ERROR_CHECK_FAILED,
		"unexpected response to %s %s: %s", input->method, input->url, wrong);
	return action_remedy(context, NULL,
		"Check the request and the service at that address, then trigger the step again: "
		"it is looked for first.");
}

/* The ledger has it as pending before the call, and until a look has found it. */
static enum action_result create(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const char *key)
{
	const struct http_resource resource = resource_of(input);
	struct ledger_resource row = { .provider = HTTP_PROVIDER,
		.type = HTTP_RESOURCE,
		.key = key,
		.removal = http_removal_encode(context, &resource) };
	struct provider_response response;
	const struct url_request request = request_of(input);

	checkpoint->sent_at = action_run_age_ms(context);
	if (row.removal == NULL || !ledger_intend(context, &row) ||
		!url_call(context, &request, &response))
		return action_failed(context);
	const char *wrong = judge(context, input, &response);
	if (wrong != NULL)
		return refused(context, input, &response, wrong);
	action_log(context, "created %s", key);
	row.source = CLAIM_ACCEPTED;
	return ledger_intend(context, &row) ? action_done(context) : action_failed(context);
}

static enum action_result run_once(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct output *output)
{
	const struct http_resource resource = resource_of(input);
	struct http_claim claim;
	enum action_result result = ACTION_DONE;

	for (int looks = 0; looks < 2 && result == ACTION_DONE; looks++) {
		const struct provider_response *thing;
		result = claim_look(context, &resource, &claim, &thing);
		if (result != ACTION_DONE)
			return result;
		if (thing != NULL)
			return own(context, input, &claim, thing, output);
		result = claim_may_create(context, &claim, checkpoint->sent_at);
		if (result == ACTION_DONE)
			result = create(context, input, checkpoint, claim.key);
	}

	return result;
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct provider_response response;
	const struct url_request request = request_of(input);

	if (input->look != NULL)
		return run_once(context, input, checkpoint, raw_output);
	if (checkpoint->sent && !may_be_repeated(input))
		return fail_unknown(context, input, "the worker stopped");
	checkpoint->sent = true;
	if (!may_be_repeated(input) && !action_save(context))
		return action_failed(context);
	if (!url_call(context, &request, &response))
		return unanswered(context, input);
	const char *wrong = judge(context, input, &response);
	if (wrong != NULL)
		return again_or_fail(context, input, wrong);
	return show(context, input, &response, raw_output);
}

/* ---- what is wrong with an input ---- */

/* A reference has the name behind a dot. */
static void validate_output(const struct string_map *output, struct input_check *check)
{
	const struct input_fault fault = { .member = "output" };
	for (size_t i = 0; i < output->count; i++) {
		const char *name = output->items[i].name;
		size_t length = strspn(name, "-_" DIGITS LETTERS);
		if (length == 0 || length > NAME_MAX_LENGTH || name[length] != '\0')
			input_fault(check, &fault,
				"a name in it must be 1 to %d letters, digits, dashes and "
				"underscores",
				NAME_MAX_LENGTH);
	}
}

static void validate_look(const struct input *input, struct input_check *check)
{
	const struct input_fault fault = { .member = "look" };
	bool creates = strcmp(input->method, "POST") == 0 || strcmp(input->method, "PUT") == 0;

	if (input->look != NULL && input_is_known(input->method) && !creates)
		input_fault(check, &fault, "it goes with a POST or PUT that creates something");
	if (input->look != NULL && input->retry_until > 0)
		input_fault(check, &(struct input_fault){ .member = "retryUntil" },
			"it does not go with \"look\", which finds what a lost request created");
	if (input->look == NULL && input->adopt)
		input_fault(check, &(struct input_fault){ .member = "adopt" },
			"it needs \"look\", which finds what to adopt");
	http_resource_validate(input->url, input->look, input->undo, check);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	web_address_validate(input->url, check);
	headers_validate(&input->headers, &(struct input_fault){ .member = "headers" }, check);
	validate_output(&input->output, check);
	validate_look(input, check);
}

const struct action_definition http_request = {
	.id = "http.request",
	.summary = "Sends an HTTP request and checks the response",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.validate = validate,
	.run = run,
	.undo = &http_remove,
};
