/*
 * The secrets of an app as a stack file has them: the file that has the value, or how Slipway is to
 * make it.
 */
#ifndef SLIPWAY_CLI_EXPORT_SECRETS_H
#define SLIPWAY_CLI_EXPORT_SECRETS_H

#include "base/json.h"

/* Adds a member, true, for each secret that the value refers to. False: memory is short. */
bool export_secrets_note(const cJSON *value, cJSON *names) SLIPWAY_MUST_CHECK;

/*
 * The `secrets` of a stack file, sorted, for the members of names: what generated has for it (from
 * a response to configure), else "@secrets/NAME". No two files differ only by the case of letters,
 * for not every file system tells them apart. NULL: memory is short.
 */
cJSON *export_secrets(const cJSON *names, const cJSON *generated) SLIPWAY_MUST_CHECK;

#endif
