/*
 * slipway workflows: lists the workflows of the endpoint with the inputs that a person has to give.
 * Values that a workflow binds are left out.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/show.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool json;
};

static const char *text_of(const cJSON *json, const char *name)
{
	const char *text = json_member_string(json, name);
	return text != NULL ? text : "";
}

static bool is_required(const cJSON *schema, const char *name)
{
	const cJSON *required;
	cJSON_ArrayForEach (required, json_member(schema, "required")) {
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
	cJSON_ArrayForEach (need, json_member(step, "needs")) {
		printf("%s%s", separator, cJSON_GetStringValue(need));
		separator = ", ";
	}

	printf("\n");
	const cJSON *schema = json_member(step, "input"), *bound = json_member(step, "bound");
	cJSON_ArrayForEach (property, json_member(schema, "properties")) {
		if (json_member(bound, property->string) == NULL)
			printf("    %s.%-16s %s%s\n", text_of(step, "inputKey"), property->string,
				text_of(property, "description"),
				is_required(schema, property->string) ? " (required)" : "");
	}
}

static void print_workflows(const cJSON *response)
{
	const cJSON *workflow, *step;

	cJSON_ArrayForEach (workflow, json_member(response, "workflows")) {
		printf("%s: %s\n", text_of(workflow, "id"), text_of(workflow, "summary"));
		cJSON_ArrayForEach (step, json_member(workflow, "steps")) {
			print_step(step);
		}
	}
}

static enum error_class show(const struct options *options, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *response = NULL;

	if (endpoint_open(&endpoint, &options->settings, error) != ERROR_NONE ||
		endpoint_get(&endpoint, "/api/workflows", NULL, &response, error) != ERROR_NONE)
		return error->class;
	if (options->json)
		show_json(stdout, response);
	else
		print_workflows(response);
	return ERROR_NONE;
}

static const struct option_row option_rows[] = {
	{ FLAG_OPTION(
		"json", 'j', struct options, json, "Print the response of the endpoint as JSON") },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;

	return show(options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
}

const struct command command_workflows = {
	.name = "workflows",
	.summary = "List the workflows, their steps and inputs",
	.about = "Lists the workflows of an endpoint, their steps and inputs.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
