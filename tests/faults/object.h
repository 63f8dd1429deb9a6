/* An action that makes one object at a provider and does nothing else; for the fault suite. */
#ifndef TESTS_FAULTS_OBJECT_H
#define TESTS_FAULTS_OBJECT_H

#include "slipway/action.h"

extern const struct action_definition object;
extern const struct action_definition object_once;

#endif
