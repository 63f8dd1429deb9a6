/*
 * slipway key: makes the key pair for secrets. The private key is written to a new file and never
 * printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "core/secret.h"

struct options {
	struct settings settings; /* first: see command.h */
	const char *file;
};

/* Never overwrites a key: the secrets that were sealed for it could not be opened again. */
static enum error_class write_new(const char *path, const char *text, struct error *error)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0) {
		error_set(
			error, ERROR_INVALID_INPUT, "cannot create %s: %s", path, strerror(errno));
		return error_remedy(error, NULL,
			"Give a file that does not exist yet, in a folder that you can write to.");
	}

	size_t length = strlen(text);
	bool written = write(file, text, length) == (ssize_t)length && fsync(file) == 0;
	int reason = errno;
	written = close(file) == 0 && written;
	if (written)
		return ERROR_NONE;
	unlink(path);
	return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", path, strerror(reason));
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("FILE", struct options, file), .required = true },
	{ .type = OPTION_END },
};

static int execute(void *raw_options)
{
	const struct options *options = raw_options;
	struct secret_key_pair pair;
	struct error error;
	char line[SECRET_KEY_TEXT_SIZE + 1];
	int status = EX_OK;

	process_hide();
	secret_key_make(&pair);
	text_format(line, sizeof(line), "%s\n", pair.private_key);
	if (write_new(options->file, line, &error) == ERROR_NONE)
		printf("SLIPWAY_SECRETS_PUBLIC_KEY=%s\n", pair.public_key);
	else
		status = command_fail(&error);
	sodium_memzero(line, sizeof(line));
	sodium_memzero(&pair, sizeof(pair));
	return status;
}

const struct command command_key = {
	.name = "key",
	.summary = "Make a key pair for the secrets of apps",
	.about = "Makes a key pair for the secrets of apps. Writes the private key to FILE, which "
		 "must not exist yet and which only you can read: the workers' "
		 "SLIPWAY_SECRETS_KEYS_FILE. Prints the public key as the setting of slipway-api.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.programs = SETTINGS_CLI,
	.execute = execute,
};
