/*
 * The input of `slipway run`: the file of --input with the values of --set in its config. Its
 * inputs are used by the triggers of this run alone; config, env and secrets belong to the app and
 * are configured.
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

/* The body of a request with all of it, or for `configure` with what belongs to the app. The
 * caller's. NULL: memory is short. */
cJSON *run_input_request(const cJSON *input, const char *mode, const char *app);

/* Whether it has anything to configure. */
bool run_input_configures(const cJSON *input);

/* Adds the input of one step, where there is one, to the body of its trigger. key may be NULL. */
bool run_input_add(const cJSON *input, const char *key, cJSON *body) SLIPWAY_MUST_CHECK;

#endif
