/*
 * Files that hold a key, a token or a password. They are opened only if nobody but the owner may
 * read them.
 */
#ifndef SLIPWAY_BASE_SECRET_FILE_H
#define SLIPWAY_BASE_SECRET_FILE_H

#include <stdio.h>

#include "slipway/error.h"

/*
 * Opens the file that `setting` names for reading; the caller closes *ret_file. ERROR_INVALID_INPUT
 * if it cannot be opened, or if its mode lets the group or others read or write it. The group may
 * if the folder keeps everybody else out, and in systemd's credentials folder, where these bits are
 * the mask of an access list.
 */
enum error_class secret_file_open(const char *path, const char *setting, FILE **ret_file,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the mode of an open file lets anybody but its owner read or write it, by the same rules;
 * path is its name. */
bool secret_file_is_exposed(FILE *file, const char *path);

#endif
