/*
 * What all commands share: the way from a command line to options and settings, and from an error
 * to a message and an exit status.
 */
#include "cli/command.h"

#include <string.h>

#include "cli/show.h"
#include "provider/providers.h"
#include "store/redis.h"

/* For commands that take settings. */
static int execute_with_settings(const struct command *command, void *options)
{
	struct settings *settings = options;
	struct error error;
	int status = EX_OK;

	if (settings_load(settings, &error) != ERROR_NONE ||
		(command->asks_redis && redis_check_settings(settings, &error) != ERROR_NONE)) {
		command_fail(&error);
		status = EX_CONFIG;
	} else if (settings->print_config) {
		settings_print(settings, stdout);
	} else {
		status = command->execute(options);
	}

	settings_release(settings);
	return status;
}

int command_main(const struct command *command, int argc, char **argv)
{
	_Alignas(max_align_t) static char options[COMMAND_OPTIONS_MAX];
	const struct settings_part *const *parts = providers_introduce();
	struct settings *settings = (struct settings *)(void *)options;

	if (command->defaults != NULL)
		memcpy(options, command->defaults, command->options_size);
	if (command->programs != 0)
		settings_init(settings, command->programs, parts);
	options_parse(command->options, command->about,
		command->programs != 0 ? settings_argp(settings) : NULL, command->check, argc, argv,
		options);
	return command->programs != 0 ? execute_with_settings(command, options)
				      : command->execute(options);
}

int command_exit_status(enum error_class class)
{
	switch (class) {
	case ERROR_NONE:
		return EX_OK;
	case ERROR_INVALID_INPUT:
	case ERROR_INVALID_REQUEST:
	case ERROR_PAYLOAD_TOO_LARGE:
	case ERROR_MISDIRECTED:
		return EX_USAGE;
	case ERROR_NETWORK:
	case ERROR_TIMEOUT:
	case ERROR_RATE_LIMITED:
	case ERROR_PROVIDER_UNAVAILABLE:
	case ERROR_STORE_UNAVAILABLE:
	case ERROR_STORE_FULL:
	case ERROR_OVERLOADED:
	case ERROR_OUTCOME_UNKNOWN:
		return EX_UNAVAILABLE;
	case ERROR_UNAUTHORIZED:
	case ERROR_NOT_ALLOWED:
		return EX_NOPERM;
	case ERROR_INTERNAL:
	case ERROR_STORE_REFUSED:
	case ERROR_OUT_OF_MEMORY:
		return EX_SOFTWARE;
	default:
		return EX_STEP_FAILED;
	}
}

int command_fail(const struct error *error)
{
	fprintf(stderr, "slipway: ");
	show_text(stderr, error->message);
	fprintf(stderr, "\n");
	show_error_details(stderr, "  ", error);
	if (error->class == ERROR_STORE_UNAVAILABLE && error->remedy[0] == '\0')
		fprintf(stderr,
			"  what to do: Give the address of Redis with --redis-url. For slipway dev "
			"it is "
			"unix://DIR/redis.sock, "
			"for make run unix://$PWD/build/dev-run/redis.sock.\n");
	return command_exit_status(error->class);
}
