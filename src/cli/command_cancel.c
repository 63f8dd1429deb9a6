/*
 * slipway cancel: ends a deployment, or the run of one step. Waits until what is under way has
 * ended, and shows what is then. Undoes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "cli/watch.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *app, *workflow, *step, *run, *deployment;
	bool json;
};

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	if (options->step != NULL && options->deployment != NULL)
		argp_error(state, "give a step or a deployment, not both");
	if (options->step == NULL && options->run != NULL)
		argp_error(state, "--run names a run of one step: give the STEP as well");
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("APP", struct options, app), .required = true, .identifier = true },
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ ARGUMENT("STEP", struct options, step), .identifier = true },
	{ TEXT_OPTION("run", 0, struct options, run,
		  "The run of the step that is meant; refused if the step has another one by now"),
		.value = "ID", .identifier = true },
	{ TEXT_OPTION("deployment", 0, struct options, deployment,
		  "The deployment that is meant; refused if it is no longer the latest one"),
		.value = "ID", .identifier = true },
	{ FLAG_OPTION("json", 'j', struct options, json,
		"Print each changed status of a step or of the deployment as a line of JSON") },
	{ .type = OPTION_END },
};

static cJSON *cancel_request(const struct options *options)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("cancel")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		(options->step != NULL &&
			!json_add(body, "actionId", cJSON_CreateString(options->step))) ||
		(options->run != NULL &&
			!json_add(body, "runId", cJSON_CreateString(options->run))) ||
		(options->deployment != NULL &&
			!json_add(body, "deploymentId", cJSON_CreateString(options->deployment))))
		return NULL;
	return json_take(&body);
}

/* Shows how a step stands. */
static int show_step(const struct options *options, const cJSON *json)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;
	struct error error = { .class = ERROR_NONE };

	if (options->json) {
		show_json(stdout, json);
		return EX_OK;
	}
	if (step_status_decode(json, &arena, &status, &error) != ERROR_NONE)
		return command_fail(&error);
	step_status_print(&status, -1, stdout);
	if (step_is_live(&status))
		printf("  A worker executes it, and stops it within three seconds, or when"
		       " its call to a provider has ended.\n");
	return EX_OK;
}

static bool is_live(const cJSON *deployment)
{
	const char *status = json_member_string(deployment, "status");
	return status != NULL && strcmp(status, "running") == 0;
}

/* What the app has at providers: a cancel undoes nothing. */
static void show_resources(const cJSON *deployment)
{
	const cJSON *resource;

	cJSON_ArrayForEach (resource, json_member(deployment, "resources")) {
		const char *url = json_member_string(resource, "url");
		printf("  stays: ");
		show_text(stdout, json_member_string(resource, "provider"));
		putchar(' ');
		show_text(stdout, json_member_string(resource, "type"));
		putchar(' ');
		show_text(stdout, json_member_string(resource, "key"));
		printf("%s", url != NULL ? "  " : "");
		show_text(stdout, url);
		putchar('\n');
	}
}

/* The deployment has been asked to end. That it then ends in error is what was wanted. */
static int show_deployment(struct watch *watch, const cJSON *deployment)
{
	if (json_member_string(deployment, "deploymentId") == NULL) {
		printf("'%s' has no deployment by '%s' that could be cancelled.\n", watch->app,
			watch->workflow);
		return EX_OK;
	}
	if (!is_live(deployment) && !watch->json)
		printf("Nothing of it is under way any more.\n");
	int status = watch_latest(watch);
	if (!watch->json)
		show_resources(deployment);
	return status == EX_STEP_FAILED ? EX_OK : status;
}

static int cancel(struct watch *watch, const struct options *options)
{
	CLEANUP_JSON cJSON *body = cancel_request(options);
	CLEANUP_JSON cJSON *response = NULL;
	struct error error;

	if (body == NULL) {
		error_set(&error, ERROR_OUT_OF_MEMORY, "no memory for a request");
		return command_fail(&error);
	}
	if (session_post(&watch->session, body, &response, &error) != ERROR_NONE)
		return session_fail(&watch->session, &error);
	return options->step != NULL ? show_step(options, response)
				     : show_deployment(watch, response);
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	static struct watch watch;
	struct error error;

	if (watch_open(&watch, &options->settings, options->app, options->workflow, options->json,
		    &error) != ERROR_NONE)
		return command_fail(&error);
	int status = cancel(&watch, options);
	watch_close(&watch);
	return status;
}

const struct command command_cancel = {
	.name = "cancel",
	.summary = "Cancel a deployment, or the run of one step",
	.about = "Cancels the latest deployment of an app by a workflow, or the run of one step. "
		 "What has not begun ends at once, what is under way within three seconds, or when "
		 "a call that changes something at a provider has ended. Undoes nothing: 'slipway "
		 "retry' goes on with it. Exit status 0 also where nothing was under way.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
