/*
 * One subcommand of `slipway`: one file command_*.c with one const struct, and a line in main.c.
 */
#ifndef SLIPWAY_CLI_COMMAND_H
#define SLIPWAY_CLI_COMMAND_H

#include <sysexits.h>

#include "base/settings.h"
#include "cli/options.h"

/* In addition to sysexits.h: the command did its work, but a step ended in error or a fault was
 * found. */
#define EX_STEP_FAILED 1

struct command {
	const char *name;
	const char *summary; /* for the list of commands */
	const char *about;   /* for its --help */

	/* Its command line: rows ended by OPTION_END over a struct of its own, at most
	 * COMMAND_OPTIONS_MAX bytes. The struct begins as a copy of `defaults`, or zeroed where
	 * that is NULL. */
	const struct option_row *options;
	size_t options_size;
	const void *defaults;
	void (*check)(void *options,
		struct argp_state
			*state); /* checks what rows cannot express; NULL: nothing to check */

	/* A mask of settings_program: whose settings it takes. Then the first member of its options
	 * is a struct settings, loaded before execute and released after it. 0: none. */
	unsigned programs;

	bool asks_redis; /* it connects to Redis, so its settings must allow that */

	/* Returns the exit status. */
	int (*execute)(void *options);
};

#define COMMAND_OPTIONS_MAX 4096

/*
 * Runs the command with its command line, of which argv[0] is "slipway NAME". Returns the exit
 * status. A wrong command line, --help and --version end the program, as argp does it.
 */
int command_main(const struct command *command, int argc, char **argv);

/* Prints the error to standard error, with its place and remedy, and returns the exit status of its
 * class. */
int command_fail(const struct error *error);

/* The exit status alone. */
int command_exit_status(enum error_class class);

#endif
