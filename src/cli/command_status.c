/*
 * slipway status: one poll of a workflow or a step, printed for people or as the JSON of the
 * endpoint.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"
#include "cli/status_line.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *step;
	bool json;
};

static enum error_class print_step(const cJSON *json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;

	if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
		return error->class;
	step_status_print(&status, -1, stdout);
	return ERROR_NONE;
}

static enum error_class print_response(const cJSON *response, bool json, struct error *error)
{
	if (json) {
		show_json(stdout, response);
		return ERROR_NONE;
	}

	const cJSON *steps = json_member(response, "actions"), *step;
	if (steps == NULL)
		return print_step(response, error);
	cJSON_ArrayForEach (step, steps) {
		if (print_step(step, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

static enum error_class show(const struct options *options, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *response = NULL;
	const struct string_pair query[] = { { "appId", options->app },
		{ "workflowId", options->workflow }, { "actionId", options->step },
		{ NULL, NULL } };

	if (endpoint_open(&endpoint, options->settings.url, error) != ERROR_NONE ||
		endpoint_get(&endpoint, "/api/deploy", query, &response, error) != ERROR_NONE)
		return error->class;
	return print_response(response, options->json, error);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ ARGUMENT("STEP", struct options, step), .identifier = true },
	{ FLAG_OPTION(
		"json", 'j', struct options, json, "Print the response of the endpoint as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;

	return show(options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_status = {
	.name = "status",
	.summary = "Show the status of a workflow's steps for an app",
	.about = "Prints the status of all steps of a workflow, or of one, for an app.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
