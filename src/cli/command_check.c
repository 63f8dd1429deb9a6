/*
 * slipway check: checks the compiled-in workflows. The build runs it, so that a workflow that could
 * never finish fails the build and not a deployment.
 */
#include "cli/command.h"
#include "core/workflow.h"
#include "provider/permissions.h"

struct options {
	struct settings settings; /* first: see command.h */
};

static const struct option_row option_rows[] = {
	{ .type = OPTION_END },
};

static enum error_class check(struct error *error)
{
	if (workflow_check_all(error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; workflows[i] != NULL; i++)
		if (permissions_check(workflows[i], error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static int execute(void *options)
{
	struct error error;

	(void)options;
	if (check(&error) == ERROR_NONE)
		return EX_OK;
	command_fail(&error);
	return EX_STEP_FAILED;
}

const struct command command_check = {
	.name = "check",
	.summary = "Check the compiled-in workflows",
	.about = "Checks the compiled-in workflows: ids, needs, references, cycles, and that "
		 "actions say which permissions the token of an app needs for them.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
