/*
 * slipway plan: shows what a workflow would do. It exits with 1 if something is in the way, so that
 * a script can stop before a deployment.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/input_file.h"
#include "cli/show.h"
#include "cli/status_line.h"
#include "core/dry_run.h"

#define POLL_MS 300

struct options {
	struct settings settings; /* first: see command.h */
	const char *workflow, *app, *input;
	bool json;
};

/* ---- requests ---- */

static enum error_class send(const struct options *options, const struct endpoint *endpoint,
	const cJSON *inputs, cJSON **ret_status, struct error *error)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString("plan")) ||
		!json_add(body, "appId", cJSON_CreateString(options->app)) ||
		!json_add(body, "workflowId", cJSON_CreateString(options->workflow)) ||
		(inputs != NULL && !json_add(body, "inputs", cJSON_Duplicate(inputs, true))))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	return endpoint_post(endpoint, body, ret_status, error);
}

static enum error_class ask(const struct options *options, const struct endpoint *endpoint,
	cJSON **ret_status, struct error *error)
{
	CLEANUP_JSON cJSON *file = NULL;

	if (options->input != NULL && input_file_read(options->input, &file, error) != ERROR_NONE)
		return error->class;
	return send(options, endpoint, json_member(file, "inputs"), ret_status, error);
}

static bool is_live(const cJSON *status)
{
	const char *word = json_member_string(status, "status");
	return word != NULL && strcmp(word, "running") == 0;
}

/* Replaces the status by newer ones until the plan has ended. */
static enum error_class follow(const struct options *options, const struct endpoint *endpoint,
	cJSON **status, struct error *error)
{
	const struct string_pair query[] = { { "appId", options->app },
		{ "workflowId", options->workflow }, { "actionId", DRY_RUN_STEP_ID },
		{ NULL, NULL } };

	while (is_live(*status)) {
		cJSON *newer;
		clock_sleep_ms(POLL_MS);
		if (endpoint_get(endpoint, "/api/deploy", query, &newer, error) != ERROR_NONE)
			return error->class;
		cJSON_Delete(*status);
		*status = newer;
	}

	return ERROR_NONE;
}

/* ---- output ---- */

/* A line below that of the step. */
static void show_below(const char *text)
{
	printf("%-12s   ", "");
	show_text(stdout, text);
	putchar('\n');
}

/* What would be made, and after what. */
static void show_made(const struct dry_run_effect *step, struct arena *arena)
{
	const struct string_list *after = &step->after;
	const char *list = "";

	if (step->kind != NULL && step->name != NULL)
		show_below(arena_format(arena, "the %s %s%s", step->kind, step->name,
			step->gone ? ", anew: the app had it, and it is gone" : ""));
	for (size_t i = 0; i < after->count && list != NULL; i++)
		list = arena_format(
			arena, "%s%s'%s'", list, i == 0 ? "after " : ", ", after->items[i]);
	if (after->count > 0)
		show_below(list);
}

static void show_step(const struct dry_run_effect *step, const cJSON *json, struct arena *arena)
{
	printf("%-12s %-9s ", step->id, step->change);
	show_text(stdout, step->text);
	putchar('\n');
	show_made(step, arena);
	for (size_t i = 0; i < step->differences.count; i++)
		show_below(step->differences.items[i]);

	const cJSON *problem = json_member(json, "error"), *remedy = json_member(problem, "remedy");
	if (json_member_string(problem, "place") != NULL) {
		printf("%-12s   ", "");
		show_text(stdout, json_member_string(problem, "place"));
		printf(": ");
		show_text(stdout, json_member_string(problem, "message"));
		putchar('\n');
	}

	if (json_member_string(remedy, "text") == NULL)
		return;
	printf("%-12s   ", "");
	show_remedy(stdout, remedy);
}

static bool is_in_the_way(const struct dry_run_effect *step)
{
	/* A step that only waits for another one is blocked without an error. */
	return strcmp(step->change, "conflict") == 0 ||
		(strcmp(step->change, "blocked") == 0 && step->error != NULL);
}

static void show_calls(const struct dry_run_calls *calls)
{
	printf("%s: %lld calls made; to carry it out takes at least %lld, of which %lld change "
	       "something",
		calls->provider, (long long)calls->reads, (long long)calls->needed,
		(long long)calls->writes);
	if (calls->remaining >= 0)
		printf("; %lld left of its rate limit", (long long)calls->remaining);
	if (calls->warning != NULL)
		printf("; %s", calls->warning);
	putchar('\n');
}

static enum error_class show_plan(const struct options *options, const cJSON *status,
	struct arena *arena, bool *ret_clear, struct error *error)
{
	const cJSON *output = json_member(status, "output");
	struct dry_run_output plan;

	if (record_decode(&dry_run_output_record, output, RECORD_LENIENT, "/output", arena, &plan,
		    error) != ERROR_NONE)
		return error->class;
	const struct dry_run_effect *steps = plan.steps.items;
	const struct dry_run_calls *calls = plan.calls.items;
	*ret_clear = true;
	for (size_t i = 0; i < plan.steps.count; i++) {
		*ret_clear = *ret_clear && !is_in_the_way(&steps[i]);
		if (!options->json)
			show_step(&steps[i],
				cJSON_GetArrayItem(json_member(output, "steps"), (int)i), arena);
	}

	for (size_t i = 0; i < plan.calls.count && !options->json; i++)
		show_calls(&calls[i]);
	if (plan.hash != NULL && !options->json)
		printf("plan %s\n", plan.hash);
	if (options->json)
		show_json(stdout, output);
	return ERROR_NONE;
}

/* A plan is a run of a step; where that ended in error, it is shown as one. */
static enum error_class show_failure(const cJSON *status, struct arena *arena, struct error *error)
{
	struct step_status step;
	if (step_status_decode(status, arena, &step, error) != ERROR_NONE)
		return error->class;
	step_status_print(&step, -1, stderr);
	return ERROR_NONE;
}

static enum error_class plan(const struct options *options, bool *ret_clear, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *status = NULL;

	*ret_clear = false;
	if (endpoint_open(&endpoint, options->settings.url, error) != ERROR_NONE ||
		ask(options, &endpoint, &status, error) != ERROR_NONE ||
		follow(options, &endpoint, &status, error) != ERROR_NONE)
		return error->class;

	const char *word = json_member_string(status, "status");
	if (word != NULL && strcmp(word, "done") == 0)
		return show_plan(options, status, &arena, ret_clear, error);
	return show_failure(status, &arena, error);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WORKFLOW", struct options, workflow), .required = true, .identifier = true },
	{ TEXT_OPTION("app", 'a', struct options, app, "The app to plan for"), .value = "ID",
		.required = true, .identifier = true },
	{ TEXT_OPTION("input", 'i', struct options, input,
		  "JSON with an object `inputs`, which is used but not stored; - is standard "
		  "input"),
		.value = "FILE" },
	{ FLAG_OPTION("json", 'j', struct options, json, "Print the plan as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;
	bool clear;

	if (plan(options, &clear, &error) != ERROR_NONE)
		return command_fail(&error);
	return clear ? EX_OK : EX_STEP_FAILED;
}

const struct command command_plan = {
	.name = "plan",
	.summary = "Show what a workflow would do for an app, without changing anything",
	.about = "Shows what each step of a workflow would do for an app: create, update, remove, "
		 "adopt, nothing, undecided, blocked or conflict. Undecided is what only the step "
		 "that is named can show, once it has run. Reads from the providers and changes "
		 "nothing. The hash at the end names what the plan saw: it is the same as long as "
		 "inputs and world are, and 'slipway run --plan HASH' does it only then. Exit "
		 "status 1 if a step is blocked or in conflict.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
