/*
 * slipway skip: gives the result of a step that a person has made by hand, and what needs it goes
 * on.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/input_file.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "cli/watch.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *step, *output;
	bool json;
};

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ ARGUMENT("STEP", struct options, step), .required = true, .identifier = true },
	{ TEXT_OPTION("output", 'o', struct options, output,
		  "JSON object with the result, as `output` of the step in 'slipway workflows "
		  "--json' describes it; - is standard input"),
		.value = "FILE", .required = true },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print the status as JSON") },
	{ .type = OPTION_END },
};

static cJSON *skip_request(const struct options *options, cJSON *output)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "output", cJSON_Duplicate(output, true)) ||
		!json_add(body, "mode", cJSON_CreateString("skip")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		!json_add(body, "actionId", cJSON_CreateString(options->step)))
		return NULL;
	return json_take(&body);
}

/* It is sent once: a second one would be refused, for the step is done then. */
static enum error_class skip(const struct options *options, cJSON **ret_status, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *output = NULL;
	CLEANUP_JSON cJSON *body = NULL;

	if (input_file_read(options->output, &output, error) != ERROR_NONE ||
		endpoint_open(&endpoint, &options->settings, error) != ERROR_NONE)
		return error->class;
	body = skip_request(options, output);
	if (body == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	return endpoint_post(&endpoint, body, ret_status, error);
}

static enum error_class show(const struct options *options, const cJSON *json, struct error *error)
{
	const struct watch named = {
		.settings = &options->settings, .app = options->app, .workflow = options->workflow
	};
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;

	if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
		return error->class;
	if (options->json) {
		show_json(stdout, json);
		return ERROR_NONE;
	}

	step_status_print(&status, -1, stdout);
	if (status.deployment[0] != '\0') {
		printf("  to watch what needs it: ");
		watch_show_command(stdout, &named, "status", " --watch");
		putchar('\n');
	}
	return ERROR_NONE;
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	CLEANUP_JSON cJSON *status = NULL;
	struct error error;

	if (skip(options, &status, &error) != ERROR_NONE ||
		show(options, status, &error) != ERROR_NONE)
		return command_fail(&error);
	return EX_OK;
}

const struct command command_skip = {
	.name = "skip",
	.summary = "Give the result of a step that was done by hand",
	.about = "Gives the result of a step that a person has done by hand: the step is done with "
		 "it, and what needs it goes on. The result holds until the input of the step, or "
		 "the outputs that it uses, change. Refused while a worker executes the step, and "
		 "where it is done already.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
