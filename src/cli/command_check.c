/*
 * slipway check: what the build runs to refuse a workflow that no deployment could finish.
 */
#include "cli/command.h"
#include "core/workflow.h"

struct options {
	struct settings settings; /* first: see command.h */
};

static const struct option_row option_rows[] = {
	{ .type = OPTION_END },
};

static int execute(void *options)
{
	struct error error;

	(void)options;
	if (workflow_check_all(&error) == ERROR_NONE)
		return EX_OK;
	command_fail(&error);
	return EX_STEP_FAILED;
}

const struct command command_check = {
	.name = "check",
	.summary = "Check the workflows that are compiled in",
	.about = "Checks the workflows that are compiled in: ids, needs, references, cycles.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
