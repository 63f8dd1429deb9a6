/*
 * slipway settings: the reference of all settings, made of the same table that reads them.
 */
#include "cli/command.h"

struct options {
	struct settings settings; /* first: see command.h */
};

static const struct option_row option_rows[] = {
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	settings_print_reference(&options->settings, stdout);
	return EX_OK;
}

const struct command command_settings = {
	.name = "settings",
	.summary = "Print the reference of all settings",
	.about = "Prints the settings of all programs as a Markdown table.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
