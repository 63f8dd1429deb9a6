/*
 * slipway run: triggers the steps of a workflow in the order of their needs and follows them to the end. The
 * server keeps all state; this command may be stopped and started again.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/input_file.h"
#include "cli/run_plan.h"
#include "cli/show.h"
#include "cli/status_line.h"

#define PATIENCE_MS   60000 /* how long nobody may answer before we give up */
#define RETRY_MS      1000
#define POLL_LEAST_MS 20 /* whatever the server hints at, it is not flooded */
#define POLL_MOST_MS  15000

struct options {
	struct settings settings; /* first: see command.h */
	const char *workflow, *app, *input;
	struct option_list config;
	bool force, json;
};

struct runner {
	const struct options *options;
	struct endpoint endpoint;
	struct plan plan;
	int64_t started_ms;
	bool answered;           /* the endpoint has answered once: it is there */
	int64_t silent_since_ms; /* monotonic; 0: it answered last time */
};

/* Whether each --set has a name and a value. */
static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;

	for (size_t i = 0; i < options->config.count; i++)
		if (strchr(options->config.items[i], '=') == NULL)
			argp_error(state, "--set takes NAME=VALUE, not '%s'", options->config.items[i]);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ TEXT_OPTION("app", 'a', struct options, app, "The app that is provisioned"), .value = "ID", .required = true,
		.identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input,
		  "JSON with inputs, config, env and secrets of the app; - is standard input"),
		.value = "FILE" },
	{ LIST_OPTION("set", 's', struct options, config, "Set a config value of the app; may be repeated"),
		.value = "NAME=VALUE" },
	{ FLAG_OPTION("force", 'f', struct options, force, "Run steps that are done already anew") },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print each status that changes as a line of JSON") },
	{ .type = OPTION_END },
};

/* ---- patience ---- */

/*
 * Whether a request that failed may be sent again: sleeps then. A worker or the endpoint that is being restarted is no
 * reason to give up, and no request does anything twice.
 */
static bool be_patient(struct runner *runner, const struct error *error)
{
	int64_t now = clock_monotonic_ms();
	if (!endpoint_may_retry(error) || (!runner->answered && error->http_status == 0))
		return false;
	if (runner->silent_since_ms == 0)
		runner->silent_since_ms = now;
	if (now - runner->silent_since_ms > PATIENCE_MS)
		return false;
	clock_sleep_ms(error->retry_after_ms > RETRY_MS ? error->retry_after_ms : RETRY_MS);
	return true;
}

static enum error_class post(struct runner *runner, const cJSON *body, cJSON **ret_json, struct error *error)
{
	while (endpoint_post(&runner->endpoint, body, ret_json, error) != ERROR_NONE)
		if (!be_patient(runner, error))
			return error->class;
	runner->answered = true;
	runner->silent_since_ms = 0;
	return ERROR_NONE;
}

static enum error_class get(
	struct runner *runner, const char *path, const struct string_pair *query, cJSON **ret_json, struct error *error)
{
	while (endpoint_get(&runner->endpoint, path, query, ret_json, error) != ERROR_NONE)
		if (!be_patient(runner, error))
			return error->class;
	runner->answered = true;
	runner->silent_since_ms = 0;
	return ERROR_NONE;
}

/* ---- what the app is configured with ---- */

static bool add_config(cJSON *body, const struct options *options)
{
	cJSON *config = json_member(body, "config");
	if (config == NULL)
		config = cJSON_AddObjectToObject(body, "config");
	bool complete = config != NULL;
	for (size_t i = 0; complete && i < options->config.count; i++) {
		struct arena arena;
		arena_init(&arena, 0);
		const char *equals = strchr(options->config.items[i], '=');
		const char *name =
			arena_copy(&arena, options->config.items[i], (size_t)(equals - options->config.items[i]));
		if (name != NULL)
			cJSON_DeleteItemFromObjectCaseSensitive(config, name);
		complete = name != NULL && json_add(config, name, cJSON_CreateString(equals + 1));
		arena_release(&arena);
	}
	return complete;
}

static enum error_class configure(struct runner *runner, struct error *error)
{
	const struct options *options = runner->options;
	cJSON *body = NULL, *answer = NULL;
	if (options->input == NULL && options->config.count == 0)
		return ERROR_NONE;
	if (options->input != NULL && input_file_read(options->input, &body, error) != ERROR_NONE)
		return error->class;
	if (body == NULL)
		body = cJSON_CreateObject();
	enum error_class class = ERROR_NONE;
	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("configure")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		(options->config.count > 0 && !add_config(body, options)))
		class = error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the input");
	else
		class = post(runner, body, &answer, error);
	cJSON_Delete(body);
	cJSON_Delete(answer);
	return class;
}

/* ---- steps ---- */

static void show(struct runner *runner, struct plan_step *step, const cJSON *json, const struct step_status *status)
{
	if (runner->options->json) {
		show_json(stdout, json);
		return;
	}
	step_status_print(status, (double)(clock_monotonic_ms() - step->started_ms) / 1000, stdout);
}

/* Takes a status over into the plan, and shows it where it has changed. */
static enum error_class take_status(struct runner *runner, const cJSON *json, struct error *error)
{
	struct arena arena;
	struct step_status status;
	arena_init(&arena, 0);
	enum error_class class = step_status_decode(json, &arena, &status, error);
	struct plan_step *step = class == ERROR_NONE ? plan_find(&runner->plan, status.action) : NULL;
	if (step != NULL && step->state == PLAN_RUNNING && status.version != step->version) {
		step->version = status.version;
		if (!step_is_live(&status))
			step->state = step_is_done(&status) ? PLAN_DONE : PLAN_FAILED;
		show(runner, step, json, &status);
	}
	arena_release(&arena);
	return class;
}

/* With an id of its own, a forced trigger that is sent again because its answer was lost runs nothing twice. */
static bool add_force(cJSON *body, const struct options *options)
{
	char id[RUN_ID_SIZE];
	if (!options->force)
		return true;
	run_id_make(id);
	return json_add(body, "force", cJSON_CreateTrue()) && json_add(body, "triggerId", cJSON_CreateString(id));
}

static enum error_class trigger(struct runner *runner, struct plan_step *step, struct error *error)
{
	const struct options *options = runner->options;
	cJSON *body = cJSON_CreateObject(), *answer;
	enum error_class class = ERROR_NONE;
	step->started_ms = clock_monotonic_ms();
	step->version = -1;
	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("trigger")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		!json_add(body, "actionId", cJSON_CreateString(step->id)) || !add_force(body, options))
		class = error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	else
		class = post(runner, body, &answer, error);
	cJSON_Delete(body);
	if (class != ERROR_NONE)
		return class;
	step->state = PLAN_RUNNING;
	if (!options->json)
		printf("%-12s %s\n", step->id, step->summary);
	class = take_status(runner, answer, error);
	cJSON_Delete(answer);
	return class;
}

/* A step that is refused fails; those beside it may go on. */
static enum error_class trigger_all(struct runner *runner, struct error *error)
{
	for (struct plan_step *step = plan_next(&runner->plan); step != NULL; step = plan_next(&runner->plan)) {
		if (trigger(runner, step, error) == ERROR_NONE)
			continue;
		if (endpoint_may_retry(error))
			return error->class;
		step->state = PLAN_FAILED;
		fprintf(stderr, "%s was not started\n", step->id);
		command_fail(error);
	}
	return ERROR_NONE;
}

/* Reads how all steps stand; gives how long to wait before the next time. */
static enum error_class poll_all(struct runner *runner, int64_t *ret_wait_ms, struct error *error)
{
	const struct string_pair query[] = { { "appId", runner->options->app },
		{ "workflowId", runner->options->workflow }, { NULL, NULL } };
	cJSON *answer;
	const cJSON *json;
	*ret_wait_ms = POLL_MOST_MS;
	if (get(runner, "/api/deploy", query, &answer, error) != ERROR_NONE)
		return error->class;
	enum error_class class = ERROR_NONE;
	cJSON_ArrayForEach(json, json_member(answer, "actions"))
	{
		const cJSON *hint = json_member(json, "nextPollMs");
		if (cJSON_IsNumber(hint) && hint->valuedouble > 0 && hint->valuedouble < (double)*ret_wait_ms)
			*ret_wait_ms = (int64_t)hint->valuedouble;
		if (class == ERROR_NONE)
			class = take_status(runner, json, error);
	}
	cJSON_Delete(answer);
	if (*ret_wait_ms < POLL_LEAST_MS)
		*ret_wait_ms = POLL_LEAST_MS;
	return class;
}

static enum error_class run_steps(struct runner *runner, struct error *error)
{
	for (;;) {
		int64_t wait_ms;
		if (trigger_all(runner, error) != ERROR_NONE)
			return error->class;
		if (!plan_is_running(&runner->plan))
			return ERROR_NONE;
		if (poll_all(runner, &wait_ms, error) != ERROR_NONE)
			return error->class;
		if (plan_is_running(&runner->plan) && plan_next(&runner->plan) == NULL)
			clock_sleep_ms(wait_ms);
	}
}

static enum error_class read_plan(struct runner *runner, struct error *error)
{
	cJSON *answer;
	const cJSON *workflow;
	if (get(runner, "/api/workflows", NULL, &answer, error) != ERROR_NONE)
		return error->class;
	enum error_class class = error_set(error, ERROR_NOT_FOUND,
		"there is no workflow '%s'; `slipway workflows` lists them", runner->options->workflow);
	cJSON_ArrayForEach(workflow, json_member(answer, "workflows"))
	{
		const char *id = json_member_string(workflow, "id");
		if (id != NULL && strcmp(id, runner->options->workflow) == 0)
			class = plan_read(workflow, &runner->plan, error);
	}
	cJSON_Delete(answer);
	return class;
}

static int finish(const struct runner *runner)
{
	bool done = plan_is_done(&runner->plan);
	if (!runner->options->json)
		printf("%s: %s %s after %.1f s\n", runner->options->app, runner->options->workflow,
			done ? "is done" : "has ended in error",
			(double)(clock_monotonic_ms() - runner->started_ms) / 1000);
	return done ? EX_OK : EX_STEP_FAILED;
}

static int run_workflow(const struct options *options)
{
	static struct runner runner;
	struct error error;
	runner.options = options;
	runner.started_ms = clock_monotonic_ms();
	if (endpoint_open(&runner.endpoint, options->settings.url, &error) != ERROR_NONE)
		return command_fail(&error);
	int status;
	if (read_plan(&runner, &error) != ERROR_NONE || configure(&runner, &error) != ERROR_NONE ||
		run_steps(&runner, &error) != ERROR_NONE)
		status = command_fail(&error);
	else
		status = finish(&runner);
	endpoint_close(&runner.endpoint);
	return status;
}

static int execute(void *options)
{
	return run_workflow(options);
}

const struct command command_run = {
	.name = "run",
	.summary = "Run a workflow for an app, and wait until it is done",
	.about = "Runs a workflow for an app: triggers its steps in the order of their needs, independent ones side by "
		 "side, and waits until all are done.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.check = check_options,
	.programs = SETTINGS_CLI,
	.execute = execute,
};
