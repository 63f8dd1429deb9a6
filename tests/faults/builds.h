/* Workflows that differ between two builds. */
#ifndef TESTS_FAULTS_BUILDS_H
#define TESTS_FAULTS_BUILDS_H

#include "slipway/workflow.h"

extern const struct workflow_definition builds, builds_renamed;

#endif
