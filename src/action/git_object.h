/*
 * Names of git objects: an action compares a file's blob name with what GitHub lists, and need not
 * read the file.
 */
#ifndef SLIPWAY_ACTION_GIT_OBJECT_H
#define SLIPWAY_ACTION_GIT_OBJECT_H

#include <stddef.h>

#include "slipway/error.h"

#define GIT_NAME_SIZE 41 /* 40 hexadecimal digits and the NUL */

/* The name of the blob of these bytes. ERROR_OUT_OF_MEMORY where libcrypto makes no hash. */
enum error_class git_blob(const void *bytes, size_t length, char name[GIT_NAME_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
