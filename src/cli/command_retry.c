/*
 * slipway retry: goes on with a deployment that ended in error, and watches it.
 */
#include <stdio.h>

#include "base/identifier.h"
#include "cli/command.h"
#include "cli/input_file.h"
#include "cli/watch.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *input, *deployment;
	bool detach, json;
};

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input,
		  "JSON with an object `inputs`: what changes, over the inputs that the deployment "
		  "was started with; - is standard input"),
		.value = "FILE" },
	{ TEXT_OPTION("deployment", 0, struct options, deployment,
		  "The deployment that is meant; refused if it is no longer the latest one"),
		.value = "ID", .identifier = true },
	{ FLAG_OPTION("detach", 'd', struct options, detach,
		"Print the id of the deployment, and do not watch it") },
	{ FLAG_OPTION("json", 'j', struct options, json,
		"Print each changed status of a step or of the deployment as a line of JSON") },
	{ .type = OPTION_END },
};

/* The startId makes it safe to send again when its response was lost. */
static cJSON *retry_request(const struct options *options, const cJSON *inputs)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();
	char id[RUN_ID_SIZE];

	run_id_make(id);
	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("retry")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		!json_add(body, "startId", cJSON_CreateString(id)) ||
		(options->deployment != NULL &&
			!json_add(body, "deploymentId", cJSON_CreateString(options->deployment))) ||
		(inputs != NULL && !json_add(body, "inputs", cJSON_Duplicate(inputs, true))))
		return NULL;
	return json_take(&body);
}

static int retry(struct watch *watch, const struct options *options)
{
	CLEANUP_JSON cJSON *file = NULL;
	CLEANUP_JSON cJSON *body = NULL;
	struct error error;

	if (options->input != NULL && input_file_read(options->input, &file, &error) != ERROR_NONE)
		return command_fail(&error);
	body = retry_request(options, json_member(file, "inputs"));
	if (body != NULL)
		return watch_start(watch, body, options->detach);
	error_set(&error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	return command_fail(&error);
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	static struct watch watch;
	struct error error;

	if (watch_open(&watch, &options->settings, options->app, options->workflow, options->json,
		    &error) != ERROR_NONE)
		return command_fail(&error);
	int status = retry(&watch, options);
	watch_close(&watch);
	return status;
}

const struct command command_retry = {
	.name = "retry",
	.summary = "Run the failed steps of a deployment again, and wait until it is done",
	.about =
		"Runs the failed steps of the latest deployment of an app by a workflow again, and "
		"watches it: what needs them goes on by itself. Uses config, env and secrets as "
		"they are now. Steps that are done stay done while what they were made from is "
		"the same. Exit status as that of 'slipway run'.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
