/*
 * Cutting secrets out of text by their value, at every way out: log lines, errors, events.
 *
 * One list for the process: a secret may turn up in any text, whoever made it. It is found as it is, and as those write
 * it that answer with what they were sent: in JSON, in a URL or a form, in HTML. What is encoded as a whole, such as in
 * base64, is not. Tokens of GitHub are cut by their looks as well, for a client may have written one where none
 * belongs.
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

struct cJSON;

/* Overwrites each remembered secret in the text, and each token of GitHub, by asterisks, in place; its length stays. */
void redact_text(char *text);

/* The same for all texts of an error. In one that was cut to fit, also the beginning of a secret that it ends with. */
void redact_error(struct error *error);

/* The same for all strings of a tree. In its text, a secret of digits would be found in numbers, and break them. */
void redact_json(struct cJSON *json);

/* Forgets all secrets from number `from` on, and wipes them; 0 forgets all. For attempts that brought their own. */
void redact_forget(size_t from);

/* How many are remembered: what redact_forget takes later. */
size_t redact_count(void);

#endif
