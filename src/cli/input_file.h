/*
 * The JSON file that commands take with --input.
 */
#ifndef SLIPWAY_CLI_INPUT_FILE_H
#define SLIPWAY_CLI_INPUT_FILE_H

#include "base/buffer.h"
#include "base/json.h"

#define INPUT_FILE_MAX ((size_t)1 << 20) /* bytes */

/* Reads all of a file; - is standard input. ERROR_INVALID_INPUT if it cannot be read or does not
 * fit into the buffer. */
enum error_class input_file_text(
	const char *path, struct buffer *buffer, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the object in the file; "-" is standard input. *ret_json is the caller's.
 * ERROR_INVALID_INPUT if it cannot be read, is larger than 1 MiB, or is not a JSON object; the
 * message names the file. */
enum error_class input_file_read(
	const char *path, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

#endif
