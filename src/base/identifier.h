/*
 * Names that become part of keys: appId, workflowId and actionId, which clients send, and the run
 * ids that we make.
 */
#ifndef SLIPWAY_BASE_IDENTIFIER_H
#define SLIPWAY_BASE_IDENTIFIER_H

#include <stdbool.h>

#define IDENTIFIER_MAX     64
#define IDENTIFIER_SIZE    (IDENTIFIER_MAX + 1)
#define IDENTIFIER_PATTERN "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
#define RUN_ID_SIZE        33

/* Whether the text matches the pattern. Identifiers have no dots, because dots separate the names
 * in a reference,
 * ${app.APP.WORKFLOW.STEP.OUTPUT}. */
bool identifier_valid(const char *text);

/* A new run id: 128 random bits as 32 hexadecimal digits. */
void run_id_make(char run_id[RUN_ID_SIZE]);

#endif
