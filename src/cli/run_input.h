/*
 * The input of `slipway run`: the file of --input with the values of --set in its config. Its
 * inputs are used by this deployment alone; config, env and secrets belong to the app and are
 * configured.
 */
#ifndef SLIPWAY_CLI_RUN_INPUT_H
#define SLIPWAY_CLI_RUN_INPUT_H

#include "base/json.h"

/*
 * Reads the file (NULL: none) and puts the count settings NAME=VALUE into its config. *ret_json is
 * an object, which is the caller's. Errors as input_file_read.
 */
enum error_class run_input_read(const char *path, const char *const *settings, size_t count,
	cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* The body of a request with the parts that its mode takes: for `validate` and `plan` all
 * of it, for `configure` what belongs to the app, else the inputs. The caller's. NULL: memory is
 * short. */
cJSON *run_input_request(const cJSON *input, const char *mode, const char *app);

/* Whether it has anything to configure. */
bool run_input_configures(const cJSON *input);

#endif
