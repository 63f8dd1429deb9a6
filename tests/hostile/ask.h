/*
 * An action that speaks to its supervisor past everything that an honest executor would see to: it
 * sends whatever a test gives it over the channel, and says what came back.
 */
#ifndef TESTS_HOSTILE_ASK_H
#define TESTS_HOSTILE_ASK_H

#include "slipway/action.h"

extern const struct action_definition hostile_ask;

#endif
