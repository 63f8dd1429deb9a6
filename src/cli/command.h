/*
 * One subcommand of `slipway`: one file command_*.c with one const struct, and a line in main.c.
 *
 * The parser's input is a struct of the command's own whose first member is its `struct settings`.
 */
#ifndef SLIPWAY_CLI_COMMAND_H
#define SLIPWAY_CLI_COMMAND_H

#include <argp.h>
#include <sysexits.h>

#include "base/settings.h"

/* Beside those of sysexits.h: what was asked for was done, but a step ended in error. */
#define EX_STEP_FAILED 1

struct command {
	const char *name;
	const char *summary; /* for the list of commands */
	/* argv[0] is "slipway NAME"; returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_plan;
extern const struct command command_status;
extern const struct command command_resources;
extern const struct command command_workflows;
extern const struct command command_check;
extern const struct command command_settings;
extern const struct command command_verify;
extern const struct command command_doctor;
extern const struct command command_dev;
extern const struct command command_new;
extern const struct command command_key;

/*
 * Parses the flags and loads the settings of `programs` (a mask of settings_program), which are the first member of
 * input (zeroed by the caller). `own` has no children yet. Returns whether to go on; else *ret_status is the exit
 * status, and what was wrong has been said. A wrong flag, --help and --version end the program, as argp does it.
 * settings_release in any case.
 */
bool command_parse(const struct argp *own, unsigned programs, int argc, char **argv, void *input, int *ret_status);

/* Says the error on standard error, with place and remedy, and returns the exit status that suits its class. */
int command_fail(const struct error *error);

/* The exit status alone. */
int command_exit_status(enum error_class class);

/* Ends the program with a usage error where the argument, called `what`, is no identifier. */
void command_check_identifier(const struct argp_state *state, const char *what, const char *text);

#endif
