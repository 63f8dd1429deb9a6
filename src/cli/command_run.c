/*
 * slipway run: starts the deployment of a workflow, and watches it. The server drives it, so this
 * command may be stopped at any time.
 */
#include <stdio.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/run_input.h"
#include "cli/watch.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *workflow, *app, *input, *plan;
	struct option_list config, after;
	bool force, replace, detach, json;
};

static bool is_deployment_name(const char *text)
{
	char app[IDENTIFIER_SIZE];
	const char *slash = strchr(text, '/');
	size_t length = slash != NULL ? (size_t)(slash - text) : sizeof(app);

	if (length >= sizeof(app))
		return false;
	text_format(app, sizeof(app), "%.*s", (int)length, text);
	return identifier_valid(app) && identifier_valid(slash + 1);
}

/* Whether each --set has a name and a value, and each --after an app and a workflow. A plan with
 * --force is refused here, before anything is configured. */
static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	for (size_t i = 0; i < options->config.count; i++)
		if (strchr(options->config.items[i], '=') == NULL)
			argp_error(state, "--set needs NAME=VALUE, not '%s'",
				options->config.items[i]);
	for (size_t i = 0; i < options->after.count; i++)
		if (!is_deployment_name(options->after.items[i]))
			argp_error(state, "--after needs APP/WORKFLOW, not '%s'",
				options->after.items[i]);
	if (options->plan != NULL && options->force)
		argp_error(state,
			"--force would run steps again of which the plan does not say so: leave "
			"out --force or --plan");
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ TEXT_OPTION("app", 'a', struct options, app, "The app to deploy"), .value = "ID",
		.required = true, .identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input,
		  "JSON with inputs, which are used for this deployment alone, and config, env and "
		  "secrets, which are stored for the app; - is standard input"),
		.value = "FILE" },
	{ LIST_OPTION("set", 's', struct options, config,
		  "Set a config value, which is stored for the app; may be repeated"),
		.value = "NAME=VALUE" },
	{ LIST_OPTION("after", 0, struct options, after,
		  "Begin when the deployment of another app is done; may be repeated"),
		.value = "APP/WORKFLOW" },
	{ TEXT_OPTION("plan", 'p', struct options, plan,
		  "The hash that 'slipway plan' printed: where the world is another now than that "
		  "plan saw, nothing is done"),
		.value = "HASH" },
	{ FLAG_OPTION("force", 'f', struct options, force,
		"Run all steps again, also those that keep their result") },
	{ FLAG_OPTION("replace", 'r', struct options, replace,
		"Cancel a deployment that is running with other inputs first") },
	{ FLAG_OPTION("detach", 'd', struct options, detach,
		"Print the id of the deployment, and do not watch it") },
	{ FLAG_OPTION("json", 'j', struct options, json,
		"Print each changed status of a step or of the deployment as a line of JSON") },
	{ .type = OPTION_END },
};

/* ---- requests ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

static cJSON *request(const struct options *options, const cJSON *input, const char *mode)
{
	CLEANUP_JSON cJSON *body = run_input_request(input, mode, options->app);

	if (body == NULL ||
		(strcmp(mode, "configure") != 0 &&
			!json_add(body, "workflowId", cJSON_CreateString(options->workflow))))
		return NULL;
	return json_take(&body);
}

/* Checks all inputs before anything is stored, and stores what belongs to the app. *ret_version is
 * of what is stored then; -1: nothing was stored. */
static enum error_class configure(const struct options *options, struct session *session,
	const cJSON *input, int64_t *ret_version, struct error *error)
{
	CLEANUP_JSON cJSON *validation = NULL;
	CLEANUP_JSON cJSON *valid = NULL;
	CLEANUP_JSON cJSON *configuration = NULL;
	CLEANUP_JSON cJSON *configured = NULL;

	*ret_version = -1;
	if (!run_input_configures(input))
		return ERROR_NONE;
	validation = request(options, input, "validate");
	configuration = request(options, input, "configure");
	if (validation == NULL || configuration == NULL)
		return no_memory(error);
	if (session_post(session, validation, &valid, error) != ERROR_NONE ||
		session_post(session, configuration, &configured, error) != ERROR_NONE)
		return error->class;

	const cJSON *version = json_member(configured, "version");
	if (cJSON_IsNumber(version))
		*ret_version = (int64_t)version->valuedouble;
	return ERROR_NONE;
}

static bool add_after(cJSON *body, const struct option_list *names)
{
	cJSON *list = names->count > 0 ? cJSON_AddArrayToObject(body, "after") : NULL;

	for (size_t i = 0; i < names->count; i++) {
		char app[IDENTIFIER_SIZE];
		const char *slash = strchr(names->items[i], '/');
		cJSON *item = cJSON_CreateObject();
		text_format(
			app, sizeof(app), "%.*s", (int)(slash - names->items[i]), names->items[i]);
		if (list == NULL || !json_append(list, item) ||
			!json_add(item, "appId", cJSON_CreateString(app)) ||
			!json_add(item, "workflowId", cJSON_CreateString(slash + 1)))
			return false;
	}

	return true;
}

/* The startId makes it safe to send again when its response was lost. */
static cJSON *start_request(const struct options *options, const cJSON *input, int64_t version)
{
	CLEANUP_JSON cJSON *body = request(options, input, "start");
	char id[RUN_ID_SIZE];

	run_id_make(id);
	if (body == NULL || !json_add(body, "startId", cJSON_CreateString(id)) ||
		!add_after(body, &options->after) ||
		(options->plan != NULL &&
			!json_add(body, "plan", cJSON_CreateString(options->plan))) ||
		(options->force && !json_add(body, "force", cJSON_CreateTrue())) ||
		(options->replace && !json_add(body, "replace", cJSON_CreateTrue())) ||
		(version >= 0 && !json_add(body, "configVersion", json_integer(version))))
		return NULL;
	return json_take(&body);
}

/* Returns the exit status; errors have been printed. */
static int start(struct watch *watch, const struct options *options)
{
	CLEANUP_JSON cJSON *input = NULL;
	CLEANUP_JSON cJSON *body = NULL;
	int64_t version;
	struct error error;

	if (run_input_read(options->input, options->config.items, options->config.count, &input,
		    &error) != ERROR_NONE ||
		configure(options, &watch->session, input, &version, &error) != ERROR_NONE)
		return session_fail(&watch->session, &error);
	body = start_request(options, input, version);
	if (body != NULL)
		return watch_start(watch, body, options->detach);
	no_memory(&error);
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
	int status = start(&watch, options);
	watch_close(&watch);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "Deploy an app by a workflow, and wait until it is done",
	.about =
		"Starts the deployment of an app by a workflow, and watches it until it has ended. "
		"The server checks the inputs of all steps first, then runs them by itself: this "
		"command may be stopped, and 'slipway status APP WORKFLOW --watch' watches again. "
		"Exit status 64 if an input is invalid: then nothing was started. Exit status 1 if "
		"a step ended in error, or another client deploys the app with other inputs.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
