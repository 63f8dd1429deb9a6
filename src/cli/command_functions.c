/*
 * slipway functions: which of the scripts that change the state Redis has; loads those of this
 * build, and removes those of others.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open_redis.h"
#include "cli/show.h"
#include "slipway/field.h"
#include "store/functions.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *what;
};

static void print_function(const char *name, const char *what)
{
	show_column(stdout, name, 40);
	printf("%s\n", what);
}

static enum error_class list(struct redis *redis, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct function_list list = { .is_loaded = false };

	if (functions_read(redis, &arena, &list, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < SCRIPT_COUNT; i++)
		print_function(scripts[i].function, list.is_loaded ? "this build" : "missing");
	for (size_t i = 0; i < list.other_count; i++)
		print_function(list.others[i], "another build");
	return ERROR_NONE;
}

static enum error_class load(struct redis *redis, struct error *error)
{
	bool was_loaded;
	if (functions_load(redis, &was_loaded, error) != ERROR_NONE)
		return error->class;
	printf("%d of %d functions of this build were missing, and are loaded.\n",
		was_loaded ? 0 : (int)SCRIPT_COUNT, (int)SCRIPT_COUNT);
	return ERROR_NONE;
}

static enum error_class prune(struct redis *redis, struct error *error)
{
	size_t count;
	if (functions_prune(redis, &count, error) != ERROR_NONE)
		return error->class;
	printf("%zu libraries of other builds are removed.\n", count);
	return ERROR_NONE;
}

static const struct {
	const char *name;
	enum error_class (*execute)(struct redis *redis, struct error *error);
} actions[] = { { "list", list }, { "load", load }, { "prune", prune } };

static size_t find_action(const char *what)
{
	size_t i = 0;
	while (i < ARRAY_LEN(actions) && what != NULL && strcmp(actions[i].name, what) != 0)
		i++;
	return i;
}

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;
	if (find_action(options->what) == ARRAY_LEN(actions))
		argp_error(state, "'%s' is neither 'list' nor 'load' nor 'prune'", options->what);
}

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct error error;
	struct redis *redis;

	if (open_store(&options->settings, "functions", &redis, &error) != ERROR_NONE)
		return command_fail(&error);
	enum error_class class = actions[find_action(options->what)].execute(redis, &error);
	redis_free(redis);
	return class == ERROR_NONE ? EX_OK : command_fail(&error);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("ACTION", struct options, what) },
	{ .type = OPTION_END },
};

const struct command command_functions = {
	.name = "functions",
	.summary = "Show, load or remove the scripts that Redis keeps",
	.about = "Each change of state is a function of Redis, and each build has a library of its "
		 "own of them. 'list' shows which are there. 'load' loads those of this build "
		 "where they are missing, as each worker does. 'prune' removes the libraries of "
		 "other builds: for when none of their programs is running any more.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.asks_redis = true,
	.check = check_options,
	.execute = execute,
};
