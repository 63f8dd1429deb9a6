/*
 * slipway login: keeps a token for an endpoint, so that no command line and no environment has it.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/process.h"
#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/token_file.h"

struct options {
	struct settings settings; /* first: see command.h */
	bool forget;
};

/* One line of standard input; a terminal does not show what is typed. */
static bool read_line(char *line, size_t size, const char *prompt)
{
	struct termios before, hidden;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;

	if (is_terminal) {
		/* Before it asks: what is typed in answer would be shown until then, and lost. */
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fputs(prompt, stderr);
	}
	bool was_read = fgets(line, (int)size, stdin) != NULL;
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	line[was_read ? strcspn(line, "\r\n") : 0] = '\0';
	return was_read;
}

/* Whether the endpoint takes it: one that was copied only in part is kept nowhere. */
static enum error_class try_token(struct options *options, const char *text, struct error *error)
{
	CLEANUP_ENDPOINT struct endpoint endpoint = ENDPOINT_EMPTY;
	CLEANUP_JSON cJSON *json = NULL;

	options->settings.token = text;
	if (endpoint_open(&endpoint, &options->settings, error) != ERROR_NONE)
		return error->class;
	return endpoint_get(&endpoint, "/api/workflows", NULL, &json, error);
}

static enum error_class log_in(struct options *options, struct error *error)
{
	char text[TOKEN_TEXT_SIZE + 8], id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];
	const char *url = options->settings.url;

	bool has_form = read_line(text, sizeof(text), "Token: ") && token_parse(text, id, hash);
	enum error_class class = has_form
		? try_token(options, text, error)
		: error_set(error, ERROR_INVALID_INPUT,
			  "this is no token: it looks like sw_<16 digits>_<43 characters>");
	if (class == ERROR_NONE)
		class = token_file_keep(url, text, error);
	if (class == ERROR_NONE)
		printf("The token %s is kept for %s.\n", id, url);
	sodium_memzero(text, sizeof(text));
	return class;
}

static int execute(void *raw_options)
{
	struct options *options = raw_options;
	struct error error;

	process_hide();
	if (!options->forget)
		return log_in(options, &error) == ERROR_NONE ? EX_OK : command_fail(&error);
	if (token_file_keep(options->settings.url, NULL, &error) != ERROR_NONE)
		return command_fail(&error);
	printf("No token is kept for %s.\n", options->settings.url);
	return EX_OK;
}

static const struct option_row option_rows[] = {
	{ FLAG_OPTION("forget", 'f', struct options, forget, "Keep none for it any more") },
	{ .type = OPTION_END },
};

const struct command command_login = {
	.name = "login",
	.summary = "Keep a token for an endpoint",
	.about = "Reads a token from standard input, without showing it, and keeps it for the "
		 "endpoint that --url names, in a file that you alone may read. Commands use it "
		 "where neither --token-file nor SLIPWAY_TOKEN_FILE gives another.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
