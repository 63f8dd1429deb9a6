/* Who runs a command that writes to Redis itself, as records and the audit name them. */
#ifndef SLIPWAY_CLI_OPERATOR_H
#define SLIPWAY_CLI_OPERATOR_H

#define OPERATOR_SIZE 32

/* "user 1000": by the number, which needs no file and means the same after a name has changed. */
void operator_name(char ret_text[OPERATOR_SIZE]);

#endif
