/*
 * Looks at the mode of the file that was opened, not of the path, so that none can be put in its
 * place in between.
 */
#include "base/secret_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* Cuts the last part off a path. */
static void cut_to_folder(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		slash[slash == path ? 1 : 0] = '\0';
}

static bool folder_is_private(const char *path)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char folder[PATH_MAX];
	struct stat facts;

	if (realpath(path, folder) == NULL)
		return false;
	cut_to_folder(folder);
	return (credentials != NULL && strcmp(folder, credentials) == 0) ||
		(stat(folder, &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0);
}

bool secret_file_is_exposed(FILE *file, const char *path)
{
	struct stat facts;

	if (fstat(fileno(file), &facts) != 0)
		return true;
	/* A pipe or a device is not a file that others come upon: <(...) of a shell, say. */
	if (!S_ISREG(facts.st_mode) || (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return false;
	return (facts.st_mode & (S_IWGRP | S_IRWXO)) != 0 || !folder_is_private(path);
}

enum error_class secret_file_open(
	const char *path, const char *setting, FILE **ret_file, struct error *error)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "%s: cannot read %s: %s", setting,
			path, strerror(errno));
	if (secret_file_is_exposed(file, path)) {
		fclose(file);
		error_set(error, ERROR_INVALID_INPUT,
			"%s: others than its owner may read or write %s", setting, path);
		return error_remedy(error, NULL,
			"chmod 600 %s, for the user of this program to own; replace the secret "
			"where somebody may have read it.",
			path);
	}

	*ret_file = file;
	return ERROR_NONE;
}
