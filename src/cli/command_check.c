#include <string.h>

#include "cli/command.h"
#include "core/workflow.h"

static int run(int argc, char **argv)
{
	struct settings settings;
	struct error error;
	int status;
	memset(&settings, 0, sizeof(settings));
	const struct argp parser = {
		.doc = "Checks the workflows that are compiled in: ids, needs, references, cycles."
	};
	if (command_parse(&parser, SETTINGS_CLI, argc, argv, &settings, &status) &&
		workflow_check_all(&error) != ERROR_NONE) {
		command_fail(&error);
		status = EX_STEP_FAILED;
	}
	settings_release(&settings);
	return status;
}

const struct command command_check = {
	.name = "check",
	.summary = "Check the workflows that are compiled in",
	.run = run,
};
