/* An action that does to its process what no action should; for the fault suite. */
#ifndef TESTS_FAULTS_MISBEHAVE_H
#define TESTS_FAULTS_MISBEHAVE_H

#include "slipway/action.h"

extern const struct action_definition misbehave;

#endif
