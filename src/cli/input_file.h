/*
 * The JSON file that --input names.
 */
#ifndef SLIPWAY_CLI_INPUT_FILE_H
#define SLIPWAY_CLI_INPUT_FILE_H

#include "base/json.h"

/* Reads the object in the file; "-" is standard input. *ret_json is the caller's.
 * ERROR_INVALID_INPUT if it cannot be read, is larger than 1 MiB, or is not a JSON object; the
 * message names the file. */
enum error_class input_file_read(
	const char *path, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

#endif
