/*
 * Cutting secrets out of text by their value, at every way out: log lines, errors, events.
 *
 * One list for the process: a secret may turn up in any text, whoever made it. Tokens of GitHub are cut by their looks
 * as well, for a client may have written one where none belongs.
 */
#ifndef SLIPWAY_BASE_REDACT_H
#define SLIPWAY_BASE_REDACT_H

#include <stddef.h>

#include "slipway/error.h"

#define REDACT_SECRETS_MAX 512
#define REDACT_LENGTH_MIN  6 /* shorter values would cut ordinary words; they are not remembered */
#define REDACT_LENGTH_MAX  16384

/* Remembers a copy of the value. ERROR_OUT_OF_MEMORY where the list or memory is full: then do not use the secret. */
enum error_class redact_add(const char *secret, struct error *error) SLIPWAY_MUST_CHECK;

/* Forgets one: it is of no use to anybody any more. Fine where it is not remembered. */
void redact_remove(const char *secret);

/* Overwrites each remembered secret in the text, and each token of GitHub, by asterisks, in place; its length stays. */
void redact_text(char *text);

/* The same for all texts of an error. */
void redact_error(struct error *error);

/* Forgets all secrets from number `from` on, and wipes them; 0 forgets all. For attempts that brought their own. */
void redact_forget(size_t from);

/* How many are remembered: what redact_forget takes later. */
size_t redact_count(void);

#endif
