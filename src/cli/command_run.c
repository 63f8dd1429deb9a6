/*
 * slipway run: triggers the steps of a workflow in the order of their needs and follows them to the
 * end. The server keeps all state, so this command may be stopped and started again.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/run_input.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "cli/step_graph.h"

#define PATIENCE_MS 60000 /* how long the endpoint may fail before we give up */
#define RETRY_MS    1000
#define POLL_MIN_MS 20 /* whatever the server suggests, so as not to flood it */
#define POLL_MAX_MS 15000

struct options {
	struct settings settings; /* first: see command.h */
	const char *workflow, *app, *input;
	struct option_list config;
	bool force, json;
};

struct runner {
	const struct options *options;
	struct endpoint endpoint;
	struct step_graph graph;
	cJSON *input;           /* inputs, config, env, secrets */
	cJSON *problem;         /* the problem document of the last request; NULL: it succeeded */
	int64_t config_version; /* of what we have configured; -1: nothing */
	int64_t started_at;
	bool answered;     /* the endpoint has responded once, so its address is right */
	int64_t silent_at; /* since when it has failed, monotonic; 0: the last request succeeded */
};

/* Whether each --set has a name and a value. */
static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	for (size_t i = 0; i < options->config.count; i++)
		if (strchr(options->config.items[i], '=') == NULL)
			argp_error(state, "--set needs NAME=VALUE, not '%s'",
				options->config.items[i]);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ TEXT_OPTION("app", 'a', struct options, app, "The app to deploy"), .value = "ID",
		.required = true, .identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input,
		  "JSON with inputs, which are used for this run alone, and config, env and "
		  "secrets, which are stored for the app; - is standard input"),
		.value = "FILE" },
	{ LIST_OPTION("set", 's', struct options, config,
		  "Set a config value, which is stored for the app; may be repeated"),
		.value = "NAME=VALUE" },
	{ FLAG_OPTION("force", 'f', struct options, force, "Run steps again that are done") },
	{ FLAG_OPTION(
		"json", 'j', struct options, json, "Print each changed status as a line of JSON") },
	{ .type = OPTION_END },
};

/* ---- patience ---- */

/*
 * Whether to send a failed request again; sleeps if so. A restart of the endpoint is no reason to
 * give up, and sending a request again does nothing twice.
 */
static bool be_patient(struct runner *runner, const struct error *error)
{
	int64_t now = clock_monotonic_ms();

	if (!endpoint_may_retry(error) || (!runner->answered && error->http_status == 0))
		return false;
	if (runner->silent_at == 0)
		runner->silent_at = now;
	if (now - runner->silent_at > PATIENCE_MS)
		return false;
	clock_sleep_ms(error->retry_after_ms > RETRY_MS ? error->retry_after_ms : RETRY_MS);
	return true;
}

static enum error_class post(
	struct runner *runner, const cJSON *body, cJSON **ret_json, struct error *error)
{
	enum error_class class;

	do {
		cJSON_Delete(runner->problem);
		class = endpoint_ask(&runner->endpoint, body, ret_json, &runner->problem, error);
	} while (class != ERROR_NONE && be_patient(runner, error));
	if (class != ERROR_NONE)
		return class;
	runner->answered = true;
	runner->silent_at = 0;
	return ERROR_NONE;
}

static enum error_class get(struct runner *runner, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error)
{
	while (endpoint_get(&runner->endpoint, path, query, ret_json, error) != ERROR_NONE)
		if (!be_patient(runner, error))
			return error->class;
	runner->answered = true;
	runner->silent_at = 0;
	return ERROR_NONE;
}

/* ---- input ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
}

/* Checks all inputs before anything is stored or created. */
static enum error_class validate(struct runner *runner, struct error *error)
{
	CLEANUP_JSON cJSON *body =
		run_input_request(runner->input, "validate", runner->options->app);
	CLEANUP_JSON cJSON *response = NULL;

	if (body == NULL ||
		!json_add(body, "workflowId", cJSON_CreateString(runner->options->workflow)))
		return no_memory(error);
	return post(runner, body, &response, error);
}

static enum error_class configure(struct runner *runner, struct error *error)
{
	CLEANUP_JSON cJSON *body = NULL;
	CLEANUP_JSON cJSON *response = NULL;

	runner->config_version = -1;
	if (!run_input_configures(runner->input))
		return ERROR_NONE;
	body = run_input_request(runner->input, "configure", runner->options->app);
	if (body == NULL)
		return no_memory(error);
	if (post(runner, body, &response, error) != ERROR_NONE)
		return error->class;

	const cJSON *version = json_member(response, "version");
	if (cJSON_IsNumber(version))
		runner->config_version = (int64_t)version->valuedouble;
	return ERROR_NONE;
}

/* Prints what validate found, each fault with its place. */
static int fail_input(const struct runner *runner, struct error *error)
{
	const cJSON *places = json_member(runner->problem, "errors"), *place;

	if (error->class != ERROR_INVALID_INPUT || places == NULL)
		return command_fail(error);
	error->place[0] = '\0'; /* it is the first of the list below */
	int status = command_fail(error);
	cJSON_ArrayForEach (place, places) {
		show_fault(stderr, "  ", place);
	}

	fprintf(stderr, "Nothing was started.\n");
	return status;
}

/* ---- steps ---- */

static void show(struct runner *runner, struct graph_step *step, const cJSON *json,
	const struct step_status *status)
{
	if (runner->options->json) {
		show_json(stdout, json);
		return;
	}
	step_status_print(status, (double)(clock_monotonic_ms() - step->started_at) / 1000, stdout);
}

/* Whether the step's run is still the one that we triggered. Another client's run has another
 * input: to continue with its result would be to claim that ours was done. */
static bool is_ours(
	const struct runner *runner, struct graph_step *step, const struct step_status *status)
{
	struct error error;

	if (strcmp(step->run, status->run) == 0)
		return true;
	step->state = GRAPH_FAILED;
	error_set(&error, ERROR_RUN_CONFLICT,
		"'%s' of '%s' was run again by another client (run %s, ours was %s)", step->id,
		runner->options->app, status->run[0] != '\0' ? status->run : "unknown", step->run);
	error_remedy(&error, NULL,
		"Wait until the other client has finished, check what it deployed, and run this "
		"command again.");
	command_fail(&error);
	return false;
}

/* Takes a status over into the graph, and shows it where it has changed. */
static enum error_class read_status(struct runner *runner, const cJSON *json, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct step_status status;

	if (step_status_decode(json, &arena, &status, error) != ERROR_NONE)
		return error->class;
	struct graph_step *step = step_graph_find(&runner->graph, status.step);
	bool watched = step != NULL && (step->state == GRAPH_RUNNING || step->state == GRAPH_DONE);
	if (!watched || !is_ours(runner, step, &status) || step->state != GRAPH_RUNNING ||
		status.version == step->version)
		return ERROR_NONE;

	step->version = status.version;
	if (!step_is_live(&status))
		step->state = step_is_done(&status) ? GRAPH_DONE : GRAPH_FAILED;
	show(runner, step, json, &status);
	return ERROR_NONE;
}

/* The id makes a forced trigger safe to send again when its response was lost. */
static bool add_force(cJSON *body, const struct options *options)
{
	char id[RUN_ID_SIZE];
	if (!options->force)
		return true;
	run_id_make(id);
	return json_add(body, "force", cJSON_CreateTrue()) &&
		json_add(body, "triggerId", cJSON_CreateString(id));
}

/* The body of the step's trigger; NULL: memory is short. */
static cJSON *trigger_body(const struct runner *runner, const struct graph_step *step)
{
	const struct options *options = runner->options;
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("trigger")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		!json_add(body, "actionId", cJSON_CreateString(step->id)) ||
		!run_input_add(runner->input, step->input_key, body) || !add_force(body, options) ||
		(runner->config_version >= 0 &&
			!json_add(body, "configVersion", json_integer(runner->config_version))))
		return NULL;
	return json_take(&body);
}

static enum error_class trigger(struct runner *runner, struct graph_step *step, struct error *error)
{
	CLEANUP_JSON cJSON *body = trigger_body(runner, step);
	CLEANUP_JSON cJSON *response = NULL;

	step->started_at = clock_monotonic_ms();
	step->version = -1;
	if (body == NULL)
		return no_memory(error);
	if (post(runner, body, &response, error) != ERROR_NONE)
		return error->class;

	const char *run = json_member_string(response, "runId");
	text_copy(step->run, sizeof(step->run), run != NULL ? run : "");
	step->state = GRAPH_RUNNING;
	if (!runner->options->json)
		printf("%-12s %s\n", step->id, step->summary);
	return read_status(runner, response, error);
}

/* A step whose trigger is refused has failed; independent steps go on. */
static enum error_class trigger_all(struct runner *runner, struct error *error)
{
	for (struct graph_step *step = step_graph_next(&runner->graph); step != NULL;
		step = step_graph_next(&runner->graph)) {
		if (trigger(runner, step, error) == ERROR_NONE)
			continue;
		if (endpoint_may_retry(error))
			return error->class;
		step->state = GRAPH_FAILED;
		fprintf(stderr, "%s was not started\n", step->id);
		command_fail(error);
	}

	return ERROR_NONE;
}

/* Reads the status of all steps; gives how long to wait before the next poll. */
static enum error_class poll_all(struct runner *runner, int64_t *ret_wait_ms, struct error *error)
{
	const struct string_pair query[] = { { "appId", runner->options->app },
		{ "workflowId", runner->options->workflow }, { NULL, NULL } };
	CLEANUP_JSON cJSON *response = NULL;
	const cJSON *json;

	*ret_wait_ms = POLL_MAX_MS;
	if (get(runner, "/api/deploy", query, &response, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (json, json_member(response, "actions")) {
		const cJSON *hint = json_member(json, "nextPollMs");
		if (cJSON_IsNumber(hint) && hint->valuedouble > 0 &&
			hint->valuedouble < (double)*ret_wait_ms)
			*ret_wait_ms = (int64_t)hint->valuedouble;
		if (read_status(runner, json, error) != ERROR_NONE)
			return error->class;
	}

	if (*ret_wait_ms < POLL_MIN_MS)
		*ret_wait_ms = POLL_MIN_MS;
	return ERROR_NONE;
}

/* Polls once more at the end: a reused step may have been run again meanwhile. */
static enum error_class execute_steps(struct runner *runner, struct error *error)
{
	for (;;) {
		int64_t wait_ms;
		if (trigger_all(runner, error) != ERROR_NONE ||
			poll_all(runner, &wait_ms, error) != ERROR_NONE)
			return error->class;
		bool running = step_graph_is_running(&runner->graph);
		if (step_graph_next(&runner->graph) != NULL)
			continue;
		if (!running)
			return ERROR_NONE;
		clock_sleep_ms(wait_ms);
	}
}

static enum error_class read_graph(struct runner *runner, struct error *error)
{
	CLEANUP_JSON cJSON *response = NULL;
	const cJSON *workflow;

	if (get(runner, "/api/workflows", NULL, &response, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (workflow, json_member(response, "workflows")) {
		const char *id = json_member_string(workflow, "id");
		if (id != NULL && strcmp(id, runner->options->workflow) == 0)
			return step_graph_read(workflow, &runner->graph, error);
	}

	error_set(error, ERROR_NOT_FOUND, "the workflow '%s' does not exist",
		runner->options->workflow);
	return error_remedy(error, NULL, "'slipway workflows' lists the workflows.");
}

static int finish(const struct runner *runner)
{
	bool done = step_graph_is_done(&runner->graph);
	if (!runner->options->json)
		printf("%s: %s %s after %.1f s\n", runner->options->app, runner->options->workflow,
			done ? "is done" : "has ended in error",
			(double)(clock_monotonic_ms() - runner->started_at) / 1000);
	return done ? EX_OK : EX_STEP_FAILED;
}

/* Returns the exit status; errors have been printed. */
static int execute_checked(struct runner *runner)
{
	const struct options *options = runner->options;
	struct error error;

	if (run_input_read(options->input, options->config.items, options->config.count,
		    &runner->input, &error) != ERROR_NONE ||
		read_graph(runner, &error) != ERROR_NONE)
		return command_fail(&error);
	if (validate(runner, &error) != ERROR_NONE)
		return fail_input(runner, &error);
	if (configure(runner, &error) != ERROR_NONE || execute_steps(runner, &error) != ERROR_NONE)
		return command_fail(&error);
	return finish(runner);
}

static int execute_workflow(const struct options *options)
{
	static struct runner runner;
	struct error error;

	runner.options = options;
	runner.started_at = clock_monotonic_ms();
	if (endpoint_open(&runner.endpoint, options->settings.url, &error) != ERROR_NONE)
		return command_fail(&error);
	int status = execute_checked(&runner);
	cJSON_Delete(runner.input);
	cJSON_Delete(runner.problem);
	endpoint_close(&runner.endpoint);
	return status;
}

static int execute(void *options)
{
	return execute_workflow(options);
}

const struct command command_run = {
	.name = "run",
	.summary = "Run a workflow for an app, and wait until it is done",
	.about = "Runs a workflow for an app: checks the inputs of all its steps, triggers them in "
		 "the order of their needs, independent ones in parallel, and waits until all are "
		 "done. Exit status 64 if an input is invalid: then nothing was started. Exit "
		 "status 1 if a step ended in error, or another client ran one of the steps "
		 "meanwhile.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
