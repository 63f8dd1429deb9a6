/*
 * The workflows: one line a file in definitions/, and one in workflows.c.
 */
#ifndef WORKFLOWS_DEFINITIONS_H
#define WORKFLOWS_DEFINITIONS_H

#include "slipway/workflow.h"

extern const struct workflow_definition fork_and_deploy;
extern const struct workflow_definition hello;
extern const struct workflow_definition site;
extern const struct workflow_definition teardown;

#endif
