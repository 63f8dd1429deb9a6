/*
 * http.request: sends an HTTP request and checks the response, for APIs that have no action of
 * their own.
 *
 * Idempotent requests (GET, PUT, DELETE) are sent again if no response came. The others are sent
 * once, because nobody can tell here whether the first one took effect; with retryUntil they too
 * are repeated until the response is as expected.
 *
 * A response may hold a secret that nobody has seen before, such as the password of a new database.
 * So its body is not shown unless the input asks for it: the output has only what the input names.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
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
	bool show_body;
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
			       "single values. The values are shown, so take no secrets" },
	{ BOOLEAN_FIELD("showBody", struct input, show_body), .fallback = "false",
		.description = "Whether the output has the first 1000 bytes of the response; not "
			       "if it may contain secrets" },
};

struct checkpoint {
	bool sent;
};
static const struct field checkpoint_fields[] = { { BOOLEAN_FIELD(
	"sent", struct checkpoint, sent) } };

struct output {
	int64_t status;
	struct string_map values;
	const char *body;
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("status", struct output, status), .description = "Status of the response" },
	{ MAP_FIELD("values", struct output, values), .required = true,
		.description = "What was taken out of the response, by the names in \"output\"" },
	{ STRING_FIELD("body", struct output, body),
		.description =
			"First 1000 bytes of the response, as text, if \"showBody\" asks for it" },
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

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct provider_response response;
	const struct url_request request = {
		.method = method_of(input),
		.url = input->url,
		.body = input->body,
		.content_type = input->content_type,
		.headers = input->headers,
	};

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

/* What a request has by itself, or would change how it is sent. */
static const char *const reserved[] = { "Host", "Content-Length", "Connection", "Transfer-Encoding",
	"Cookie2", "Keep-Alive", "TE", "Trailer", "Upgrade", "Expect", "Accept-Encoding",
	"Proxy-Authorization", "Proxy-Connection" };

static bool is_header_name(const char *name)
{
	size_t length = strspn(name, "!#$%&'*+-.^_`|~" DIGITS LETTERS);
	return length > 0 && name[length] == '\0';
}

static const char *header_problem(const struct string_pair *header)
{
	if (strcasecmp(header->name, "Content-Type") == 0)
		return "is given as \"contentType\"";
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strcasecmp(header->name, reserved[i]) == 0)
			return "cannot be set: it is a matter of the connection";
	if (!input_is_known(header->value))
		return NULL;
	if (header->value[strspn(header->value, " ")] == '\0')
		return "has no value";
	for (const char *byte = header->value; *byte != '\0'; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7F)
			return "has a line break or another control character in its value";
	return NULL;
}

/* A value may be a secret, and what is no name of a header may be one as well: neither is told. */
static void validate_headers(const struct string_map *headers, struct input_check *check)
{
	const struct input_fault fault = { .member = "headers" };
	for (size_t i = 0; i < headers->count; i++) {
		const struct string_pair *header = &headers->items[i];
		bool is_named = is_header_name(header->name);
		const char *problem = is_named ? header_problem(header) : NULL;
		if (!is_named)
			input_fault(check, &fault,
				"a header has a name with other characters than a header may have");
		else if (problem != NULL)
			input_fault(check, &fault, "the header %s %s", header->name, problem);
	}
}

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

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	web_address_validate(input->url, check);
	validate_headers(&input->headers, check);
	validate_output(&input->output, check);
}

const struct action_definition http_request = {
	.id = "http.request",
	.summary = "Sends an HTTP request and checks the response",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.validate = validate,
	.run = run,
};
