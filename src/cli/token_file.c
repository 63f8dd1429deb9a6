/*
 * The file has a line for each endpoint, `URL TOKEN`. It is written anew beside the old one and put
 * in its place, so that it is never half there.
 */
#include "cli/token_file.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret_file.h"
#include "base/text.h"

#define LINE_SIZE 2048
#define NAME      "tokens"
#define FOLDER    "slipway"

static void close_file(FILE **file)
{
	if (*file != NULL)
		fclose(*file);
}

/* $XDG_CONFIG_HOME/slipway, or ~/.config/slipway. False where there is no such place. */
static bool find_folder(char parent[PATH_MAX], char folder[PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool known = config != NULL && config[0] == '/' ? text_copy(parent, PATH_MAX, config)
							: home != NULL && home[0] == '/' &&
			text_format(parent, PATH_MAX, "%s/.config", home);

	return known && text_format(folder, PATH_MAX, "%s/" FOLDER, parent);
}

/* A slash at the end says nothing. */
static int url_length(const char *url)
{
	size_t length = strlen(url);

	while (length > 0 && url[length - 1] == '/')
		length--;
	return (int)length;
}

static bool is_of(const char *line, const char *url)
{
	size_t length = (size_t)url_length(url);
	return strncmp(line, url, length) == 0 && line[length] == ' ';
}

/* *ret_file is NULL where there is none yet. */
static enum error_class open_file(const char *path, FILE **ret_file, struct error *error)
{
	*ret_file = NULL;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return ERROR_NONE;
	return secret_file_open(path, "slipway login", ret_file, error);
}

enum error_class token_file_find(
	const char *url, char ret_text[TOKEN_TEXT_SIZE], struct error *error)
{
	char parent[PATH_MAX], folder[PATH_MAX], path[PATH_MAX], line[LINE_SIZE];
	CLEANUP(close_file) FILE *file = NULL;

	ret_text[0] = '\0';
	if (!find_folder(parent, folder) || !text_format(path, PATH_MAX, "%s/" NAME, folder))
		return ERROR_NONE;
	if (open_file(path, &file, error) != ERROR_NONE)
		return error->class;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (is_of(line, url) &&
			!text_copy(ret_text, TOKEN_TEXT_SIZE, line + url_length(url) + 1))
			ret_text[0] = '\0';
	}
	sodium_memzero(line, sizeof(line));
	return ERROR_NONE;
}

static enum error_class fail_to_write(const char *path, struct error *error)
{
	return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", path, strerror(errno));
}

/* The lines of the other endpoints, and the new one. */
static bool write_lines(FILE *from, FILE *to, const char *url, const char *text)
{
	char line[LINE_SIZE];

	while (from != NULL && fgets(line, sizeof(line), from) != NULL)
		if (!is_of(line, url))
			fputs(line, to);
	sodium_memzero(line, sizeof(line));
	if (text != NULL)
		fprintf(to, "%.*s %s\n", url_length(url), url, text);
	return fflush(to) == 0 && ferror(to) == 0 && fsync(fileno(to)) == 0;
}

static enum error_class replace(
	const char *path, const char *url, const char *text, struct error *error)
{
	char next[PATH_MAX];
	CLEANUP(close_file) FILE *from = NULL;
	CLEANUP(close_file) FILE *to = NULL;

	if (open_file(path, &from, error) != ERROR_NONE)
		return error->class;
	int file = text_format(next, PATH_MAX, "%s.XXXXXX", path) ? mkstemp(next) : -1;
	to = file >= 0 ? fdopen(file, "w") : NULL;
	if (to == NULL) {
		if (file >= 0)
			close(file);
		return fail_to_write(path, error);
	}
	if (write_lines(from, to, url, text) && rename(next, path) == 0)
		return ERROR_NONE;
	fail_to_write(path, error);
	unlink(next);
	return error->class;
}

enum error_class token_file_keep(const char *url, const char *text, struct error *error)
{
	char parent[PATH_MAX], folder[PATH_MAX], path[PATH_MAX];

	if (!find_folder(parent, folder) || !text_format(path, PATH_MAX, "%s/" NAME, folder))
		return error_set(error, ERROR_INVALID_INPUT,
			"there is no folder to keep a token in: neither XDG_CONFIG_HOME nor HOME "
			"names one");
	if ((mkdir(parent, 0700) != 0 && errno != EEXIST) ||
		(mkdir(folder, 0700) != 0 && errno != EEXIST))
		return fail_to_write(folder, error);
	return replace(path, url, text, error);
}
