/*
 * Files that hold a key, a token or a password: opened only where nobody but their owner may read them.
 */
#ifndef SLIPWAY_BASE_SECRET_FILE_H
#define SLIPWAY_BASE_SECRET_FILE_H

#include <stdio.h>

#include "slipway/error.h"

/*
 * Opens for reading the file that `setting` names; *ret_file is the caller's to close. ERROR_INVALID_INPUT where it
 * cannot be opened, or where its mode lets its group or others read or write it. The group may where the folder keeps
 * everybody else out, and in systemd's folder of credentials, where those bits are the mask of an access list.
 */
enum error_class secret_file_open(
	const char *path, const char *setting, FILE **ret_file, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the mode of a file that is open lets anybody but its owner read or write it, as above; path is its name. */
bool secret_file_is_exposed(FILE *file, const char *path);

#endif
