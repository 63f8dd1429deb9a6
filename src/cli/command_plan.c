/*
 * slipway plan: shows what a workflow would do. It exits with 1 if something is in the way, so that
 * a script can stop before a deployment.
 */
#include <stdio.h>
#include <string.h>

#include "base/record.h"
#include "cli/command.h"
#include "cli/run_input.h"
#include "cli/show.h"
#include "cli/stack_run.h"
#include "cli/status_line.h"
#include "core/dry_run.h"

#define INDENT "               " /* below what a step would do */

struct options {
	struct settings settings; /* first: see command.h */
	const char *workflow, *app, *input;
	bool json;
};

static enum error_class ask(const struct options *options, struct session *session,
	cJSON **ret_status, struct error *error)
{
	CLEANUP_JSON cJSON *file = NULL, *body = NULL;

	if (run_input_read(options->input, NULL, 0, &file, error) != ERROR_NONE)
		return error->class;
	body = run_input_request(file, "plan", options->app);
	if (body == NULL || !json_add(body, "workflowId", cJSON_CreateString(options->workflow)))
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a request");
	return stack_plan_ask(session, body, ret_status, error);
}

/* ---- output ---- */

/* A line below that of the step. */
static void show_below(const char *text)
{
	printf("%s", INDENT);
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
	show_differences(stdout, INDENT, json);

	const cJSON *problem = json_member(json, "error"), *remedy = json_member(problem, "remedy");
	if (json_member_string(problem, "place") != NULL) {
		printf("%s", INDENT);
		show_text(stdout, json_member_string(problem, "place"));
		printf(": ");
		show_text(stdout, json_member_string(problem, "message"));
		putchar('\n');
	}

	if (json_member_string(remedy, "text") == NULL)
		return;
	printf("%s", INDENT);
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
	CLEANUP_SESSION struct session session = SESSION_EMPTY;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *status = NULL;

	*ret_clear = false;
	if (session_open(&session, &options->settings, error) != ERROR_NONE ||
		ask(options, &session, &status, error) != ERROR_NONE)
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
		  "JSON with inputs, config, env and secrets, as 'slipway run' takes it, of which "
		  "nothing is stored; - is standard input"),
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
