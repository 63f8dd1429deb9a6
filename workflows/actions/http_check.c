/*
 * http.check: checks that a URL returns the expected status and, if asked, a text. It retries until
 * the time is up, because a new deployment may not be reachable at once.
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"
#include "web_address.h"

#define TRY_MS     3000
#define TIMEOUT_MS 10000 /* of one request: anything slower counts as down */
#define BODY_MAX   ((size_t)1 << 20)

struct input {
	const char *url, *path, *contains, *bypass;
	int64_t status, within;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("url", struct input, url), .required = true, .maximum = 2000,
		.description = "URL to request" },
	{ STRING_FIELD("path", struct input, path), .maximum = 1000, .pattern = "^/[!-~]*$",
		.form = "a path that begins with /, without spaces",
		.description = "Path to append to the URL, such as /health" },
	{ INTEGER_FIELD("status", struct input, status), .minimum = 100, .maximum = 599,
		.fallback = "200", .description = "Expected status" },
	{ STRING_FIELD("contains", struct input, contains), .maximum = 1000,
		.description = "Text that the response must contain" },
	{ STRING_FIELD("protectionBypass", struct input, bypass), .pattern = "^[!-~]{1,200}$",
		.form = "at most 200 characters of ASCII without spaces", .secret = true,
		.description = "Secret that bypasses Vercel's deployment protection (Protection "
			       "Bypass for Automation); appears in no output, event or log" },
	{ INTEGER_FIELD("within", struct input, within), .minimum = 1, .maximum = 3000,
		.fallback = "120", .description = "Seconds after which the check fails" },
};

struct output {
	const char *url;
	int64_t status;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("url", struct output, url), .description = "URL that was checked" },
	{ INTEGER_FIELD("status", struct output, status), .description = "Status of the response" },
};

/* The path begins with a slash, so it cannot change the host. */
static const char *address(struct action_context *context, const struct input *input)
{
	size_t length = strlen(input->url);

	if (input->path == NULL)
		return input->url;
	if (length > 0 && input->url[length - 1] == '/')
		length--;
	return action_format(context, "%.*s%s", (int)length, input->url, input->path);
}

static enum action_result again_or_fail(struct action_context *context, const struct input *input,
	const char *url, const char *what)
{
	if (action_run_age_ms(context) < input->within * 1000)
		return action_wait(context, TRY_MS,
			"the expected response from %s; last result: %s", url, what);
	action_fail(context, ERROR_CHECK_FAILED,
		"%s did not return the expected response within %lld seconds: %s", url,
		(long long)input->within, what);
	return action_remedy(context, url,
		"Open the address. A login page means that Vercel's deployment protection is on: "
		"check another address, or give \"protectionBypass\".");
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	const char *url = address(context, input);
	struct provider_response response;
	const struct string_pair bypass = { "x-vercel-protection-bypass", input->bypass };
	const struct url_request request = { .url = url,
		.timeout_ms = TIMEOUT_MS,
		.body_max = BODY_MAX,
		.headers = { &bypass, input->bypass != NULL } };
	(void)checkpoint; /* it changes nothing */

	if (url == NULL)
		return action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the URL");
	((struct output *)raw_output)->url = url;
	if (!url_call(context, &request, &response)) {
		if (action_error(context)->class == ERROR_INVALID_INPUT)
			return action_failed(context);
		return again_or_fail(context, input, url, action_error(context)->message);
	}

	if (response.status != input->status)
		return again_or_fail(context, input, url,
			action_format(context, "status %d, expected %lld", response.status,
				(long long)input->status));
	if (input->contains != NULL && strstr(response.body, input->contains) == NULL)
		return again_or_fail(
			context, input, url, "the response does not contain the expected text");
	*(struct output *)raw_output = (struct output){ url, response.status };
	return action_done(context);
}

static void validate(const void *raw_input, struct input_check *check)
{
	web_address_validate(((const struct input *)raw_input)->url, check);
}

const struct action_definition http_check = {
	.id = "http.check",
	.summary = "Checks that a URL returns the expected response",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.validate = validate,
	.run = run,
	.reuse = ACTION_ALWAYS, /* an earlier success says nothing about now */
};
