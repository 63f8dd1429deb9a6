#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"

struct options {
	struct settings settings; /* first: command_parse */
	bool json;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	(void)argument;
	if (key == 'j') {
		options->json = true;
		return 0;
	}
	if (key == ARGP_KEY_ARG)
		argp_usage(state);
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "Print what the endpoint answers, as JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};
static const struct argp parser = { option_list, parse_option, "",
	"Lists the workflows of an endpoint, their steps and inputs.", NULL, NULL, NULL };

static const char *text_of(const cJSON *json, const char *name)
{
	const char *text = json_member_string(json, name);
	return text != NULL ? text : "";
}

static bool is_required(const cJSON *schema, const char *name)
{
	const cJSON *required;
	cJSON_ArrayForEach(required, json_member(schema, "required"))
	{
		if (cJSON_IsString(required) && strcmp(required->valuestring, name) == 0)
			return true;
	}
	return false;
}

static void print_step(const cJSON *step)
{
	const cJSON *need, *property;
	printf("  %-12s %s", text_of(step, "id"), text_of(step, "summary"));
	const char *separator = "  needs ";
	cJSON_ArrayForEach(need, json_member(step, "needs"))
	{
		printf("%s%s", separator, cJSON_GetStringValue(need));
		separator = ", ";
	}
	printf("\n");
	const cJSON *schema = json_member(step, "input"), *bound = json_member(step, "bound");
	cJSON_ArrayForEach(property, json_member(schema, "properties"))
	{
		if (json_member(bound, property->string) == NULL)
			printf("    %s.%-16s %s%s\n", text_of(step, "inputKey"), property->string,
				text_of(property, "description"),
				is_required(schema, property->string) ? " (required)" : "");
	}
}

static void print_workflows(const cJSON *answer)
{
	const cJSON *workflow, *step;
	cJSON_ArrayForEach(workflow, json_member(answer, "workflows"))
	{
		printf("%s: %s\n", text_of(workflow, "id"), text_of(workflow, "summary"));
		cJSON_ArrayForEach(step, json_member(workflow, "steps"))
		{
			print_step(step);
		}
	}
}

static enum error_class show(const struct options *options, struct error *error)
{
	struct endpoint endpoint;
	cJSON *answer;
	if (endpoint_open(&endpoint, options->settings.url, error) != ERROR_NONE)
		return error->class;
	enum error_class class = endpoint_get(&endpoint, "/api/workflows", NULL, &answer, error);
	if (class == ERROR_NONE && options->json) {
		show_json(stdout, answer);
	} else if (class == ERROR_NONE) {
		print_workflows(answer);
	}
	if (class == ERROR_NONE)
		cJSON_Delete(answer);
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

const struct command command_workflows = { "workflows", "List the workflows, their steps and inputs", run };
