#include <string.h>

#include "cli/command.h"

static int run(int argc, char **argv)
{
	struct settings settings;
	int status;
	memset(&settings, 0, sizeof(settings));
	const struct argp parser = { .doc = "Prints the settings of all programs as a Markdown table." };
	if (command_parse(&parser, SETTINGS_CLI, argc, argv, &settings, &status))
		settings_print_reference(stdout);
	settings_release(&settings);
	return status;
}

const struct command command_settings = {
	.name = "settings",
	.summary = "Print the reference of all settings",
	.run = run,
};
