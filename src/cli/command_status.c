/*
 * slipway status: one poll of a workflow or a step, printed for people or as the JSON of the
 * endpoint; or all that changes, until the deployment has ended.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "cli/watch.h"
#include "cli/watched_deployment.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *step;
	bool watch, json;
};

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	if (options->watch && options->step != NULL)
		argp_error(state, "--watch follows a whole deployment: leave out the step");
}

static enum error_class print_step(const cJSON *json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;

	if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
		return error->class;
	step_status_print(&status, -1, stdout);
	return ERROR_NONE;
}

static enum error_class print_deployment(const cJSON *json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct watched_deployment deployment;

	if (json == NULL || cJSON_IsNull(json))
		return ERROR_NONE;
	if (watched_deployment_decode(json, &arena, &deployment, error) != ERROR_NONE)
		return error->class;
	watched_deployment_print(&deployment, stdout);
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

	return print_deployment(json_member(response, "deployment"), error);
}

static enum error_class show(const struct options *options, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *response = NULL;
	const struct string_pair query[] = { { "appId", options->app },
		{ "workflowId", options->workflow }, { "actionId", options->step },
		{ NULL, NULL } };

	if (endpoint_open(&endpoint, &options->settings, error) != ERROR_NONE ||
		endpoint_get(&endpoint, "/api/deploy", query, &response, error) != ERROR_NONE)
		return error->class;
	return print_response(response, options->json, error);
}

static int watch(const struct options *options)
{
	static struct watch watch;
	struct error error;

	if (watch_open(&watch, &options->settings, options->app, options->workflow, options->json,
		    &error) != ERROR_NONE)
		return command_fail(&error);
	int status = watch_latest(&watch);
	watch_close(&watch);
	return status;
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ ARGUMENT("STEP", struct options, step), .identifier = true },
	{ FLAG_OPTION("watch", 'w', struct options, watch,
		"Show each change until the deployment has ended") },
	{ FLAG_OPTION(
		"json", 'j', struct options, json, "Print the response of the endpoint as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;

	if (options->watch)
		return watch(options);
	return show(options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_status = {
	.name = "status",
	.summary = "Show the status of a workflow's steps for an app",
	.about = "Prints the status of all steps of a workflow, or of one, for an app, "
		 "and the latest deployment. With --watch it follows that to its end, and exits "
		 "as 'slipway run' does.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
