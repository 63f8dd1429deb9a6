#include "cli/command.h"

#include "base/identifier.h"
#include "cli/show.h"

/* Both parsers get the input: it begins with the settings. */
static error_t give_input(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	state->child_inputs[1] = state->input;
	return 0;
}

bool command_parse(const struct argp *own, unsigned programs, int argc, char **argv, void *input, int *ret_status)
{
	struct settings *settings = input;
	struct error error;
	settings_init(settings, programs);
	/* Help and arguments are shown once, for the whole; of two flags with the same name the first one counts. */
	const struct argp flags = { .options = own->options, .parser = own->parser };
	const struct argp_child children[] = {
		{ &flags, 0, NULL, 0 },
		{ settings_argp(programs), 0, "Settings:", 10 },
		{ NULL, 0, NULL, 0 },
	};
	const struct argp whole = {
		.parser = give_input, .args_doc = own->args_doc, .doc = own->doc, .children = children
	};
	argp_parse(&whole, argc, argv, 0, NULL, input);
	*ret_status = EX_OK;
	if (settings_load(settings, &error) != ERROR_NONE) {
		*ret_status = command_fail(&error);
		return false;
	}
	if (settings->print_config)
		settings_print(settings, stdout);
	return !settings->print_config;
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
	case ERROR_OUTCOME_UNKNOWN:
		return EX_UNAVAILABLE;
	case ERROR_INTERNAL:
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
	return command_exit_status(error->class);
}

void command_check_identifier(const struct argp_state *state, const char *what, const char *text)
{
	if (!identifier_valid(text))
		argp_error(state,
			"%s '%s' is not valid: letters, digits, '.', '_' and '-', at most %d, the first a letter "
			"or digit",
			what, text, IDENTIFIER_MAX);
}
