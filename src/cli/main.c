/*
 * slipway: the command line. Finds the command by its name; each command is a file of its own.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "slipway/field.h"

const char *argp_program_version = "slipway " SLIPWAY_VERSION;

/* All commands, in the order in which `slipway help` lists them. A new one is a file command_*.c
 * and a line here. */
/* clang-format off */
#define COMMANDS(COMMAND)    \
	COMMAND(run)         \
	COMMAND(plan)        \
	COMMAND(apply)       \
	COMMAND(destroy)     \
	COMMAND(status)      \
	COMMAND(retry)       \
	COMMAND(skip)        \
	COMMAND(cancel)      \
	COMMAND(apps)        \
	COMMAND(deployments) \
	COMMAND(history)     \
	COMMAND(events)      \
	COMMAND(export)      \
	COMMAND(resources)   \
	COMMAND(queue)       \
	COMMAND(functions)   \
	COMMAND(token)       \
	COMMAND(connection)  \
	COMMAND(tenant)      \
	COMMAND(login)       \
	COMMAND(audit)       \
	COMMAND(workers)     \
	COMMAND(workflows)   \
	COMMAND(dev)         \
	COMMAND(verify)      \
	COMMAND(doctor)      \
	COMMAND(check)       \
	COMMAND(settings)    \
	COMMAND(new)         \
	COMMAND(key)

#define DECLARED(name) extern const struct command command_##name;
#define LISTED(name)   &command_##name,
/* clang-format on */

COMMANDS(DECLARED)

static const struct command *const commands[] = { COMMANDS(LISTED) };

static void print_help(FILE *stream)
{
	fprintf(stream,
		"Usage: slipway COMMAND [options]\n\nDeployment workflows: run them, follow them, "
		"develop them.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(stream, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(stream,
		"\n'slipway COMMAND --help' describes a command.\n"
		"Exit status: 0 done, 1 a step ended in error, 64 usage, 69 unreachable, 70 "
		"internal, 74 the output could not be written, 77 not allowed, 78 settings.\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The command that was probably meant: the one that shares the longest prefix with the name. */
static const struct command *nearest_command(const char *name)
{
	const struct command *nearest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		size_t common = 0;
		while (name[common] != '\0' && name[common] == commands[i]->name[common])
			common++;
		if (common > most) {
			most = common;
			nearest = commands[i];
		}
	}

	return nearest;
}

static int unknown_command(const char *name)
{
	const struct command *nearest = nearest_command(name);
	fprintf(stderr, "slipway: unknown command '%s'", name);
	if (nearest != NULL)
		fprintf(stderr, "; did you mean '%s'?", nearest->name);
	fprintf(stderr, "\n'slipway help' lists the commands.\n");
	return EX_USAGE;
}

static int execute_command(const struct command *command, int argc, char **argv)
{
	static char name[64];
	text_format(name, sizeof(name), "slipway %s", command->name);
	argv[0] = name;
	return command_main(command, argc, argv);
}

/* Called at the end of the program, also where argp ends it: what was printed and cannot be written
 * is lost, and who reads the file must not take it for the whole. */
static void close_output(int status, void *unused)
{
	(void)unused;
	const bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return;
	/* The reason may have passed with a write before this one. */
	fprintf(stderr,
		"slipway: the standard output could not be written (%s): it is not complete\n",
		errno != 0 ? strerror(errno) : "is the disk full?");
	_exit(status != EX_OK ? status : EX_IOERR);
}

int main(int argc, char **argv)
{
	/* Inputs may contain secrets, which a core dump would reveal. */
	process_without_core();
	if (on_exit(close_output, NULL) != 0)
		return EX_SOFTWARE;
	if (sodium_init() < 0)
		return EX_SOFTWARE;
	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}

	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
		strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EX_OK;
	}

	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts(argp_program_version);
		return EX_OK;
	}

	const struct command *command = find_command(argv[1]);
	return command != NULL ? execute_command(command, argc - 1, argv + 1)
			       : unknown_command(argv[1]);
}
