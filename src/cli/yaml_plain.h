/*
 * How a YAML text without quotation marks is read: YAML 1.1 and 1.2, and their readers, differ.
 */
#ifndef SLIPWAY_CLI_YAML_PLAIN_H
#define SLIPWAY_CLI_YAML_PLAIN_H

#include <stdbool.h>

/* Whether it is a number of JSON. */
bool yaml_plain_is_number(const char *text);

/* Whether some version of YAML, or some reader of it, takes it for something else than a text. True
 * also of what all of them take so. */
bool yaml_plain_is_typed(const char *text);

/* Whether all take it for the same number: a decimal one without exponent. */
bool yaml_plain_is_decimal(const char *text);

#endif
