#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"
#include "cli/status_line.h"

struct options {
	struct settings settings; /* first: command_parse */
	const char *app, *workflow, *step;
	bool json;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	const char **places[] = { &options->app, &options->workflow, &options->step };
	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= 3)
			argp_usage(state);
		*places[state->arg_num] = argument;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_usage(state);
		command_check_identifier(state, "APP", options->app);
		command_check_identifier(state, "WORKFLOW", options->workflow);
		if (options->step != NULL)
			command_check_identifier(state, "STEP", options->step);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "Print what the endpoint answers, as JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};
static const struct argp parser = { option_list, parse_option, "APP WORKFLOW [STEP]",
	"Prints how the steps of a workflow stand for an app.", NULL, NULL, NULL };

static enum error_class print_step(const cJSON *json, struct error *error)
{
	struct arena arena;
	struct step_status status;
	arena_init(&arena, 0);
	enum error_class class = step_status_decode(json, &arena, &status, error);
	if (class == ERROR_NONE)
		step_status_print(&status, -1, stdout);
	arena_release(&arena);
	return class;
}

static enum error_class print_answer(const cJSON *answer, bool json, struct error *error)
{
	if (json) {
		show_json(stdout, answer);
		return ERROR_NONE;
	}
	const cJSON *actions = json_member(answer, "actions"), *step;
	if (actions == NULL)
		return print_step(answer, error);
	cJSON_ArrayForEach(step, actions)
	{
		if (print_step(step, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

static enum error_class show(const struct options *options, struct error *error)
{
	struct endpoint endpoint;
	cJSON *answer;
	const struct string_pair query[] = { { "appId", options->app }, { "workflowId", options->workflow },
		{ "actionId", options->step }, { NULL, NULL } };
	if (endpoint_open(&endpoint, options->settings.url, error) != ERROR_NONE)
		return error->class;
	enum error_class class = endpoint_get(&endpoint, "/api/deploy", query, &answer, error);
	if (class == ERROR_NONE) {
		class = print_answer(answer, options->json, error);
		cJSON_Delete(answer);
	}
	endpoint_close(&endpoint);
	return class;
}

static int run(int argc, char **argv)
{
	struct options options = { .json = false };
	struct error error;
	int status;
	if (command_parse(&parser, SETTINGS_CLI, argc, argv, &options, &status))
		status = show(&options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
	settings_release(&options.settings);
	return status;
}

const struct command command_status = { "status", "Show how the steps of a workflow stand for an app", run };
