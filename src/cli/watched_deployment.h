/*
 * A deployment object as the command line uses it.
 */
#ifndef SLIPWAY_CLI_WATCHED_DEPLOYMENT_H
#define SLIPWAY_CLI_WATCHED_DEPLOYMENT_H

#include <stdio.h>

#include "base/json.h"

/* Texts are in the arena that it was decoded with, and never NULL. */
struct watched_deployment {
	const char *id, *status, *reason, *inputs, *started_at, *retried_at, *finished_at;
	int64_t version;
};

/* Decodes a deployment object of the endpoint. Fails if it is not one. */
enum error_class watched_deployment_decode(const cJSON *json, struct arena *arena,
	struct watched_deployment *ret_deployment, struct error *error) SLIPWAY_MUST_CHECK;

/* Prints one line: its id, what has become of it, and since when. */
void watched_deployment_print(const struct watched_deployment *deployment, FILE *stream);

#endif
