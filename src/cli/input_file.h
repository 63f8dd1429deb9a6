/*
 * The JSON file by which a person gives inputs to an app.
 */
#ifndef SLIPWAY_CLI_INPUT_FILE_H
#define SLIPWAY_CLI_INPUT_FILE_H

#include "base/json.h"

/* The object that the file holds; "-" is standard input. *ret_json is the caller's. ERROR_INVALID_INPUT where it cannot
 * be read, is larger than 1 MiB, or no JSON object; the message names the file. */
enum error_class input_file_read(const char *path, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

#endif
