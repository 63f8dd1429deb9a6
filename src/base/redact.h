/*
 * Cutting secrets out of text by their value, at every way out: log lines, errors, events.
 *
 * One list for the process: a secret may turn up in any text, whoever made it. It is found as it is, and as those write
 * it that answer with what they were sent: see redact_forms.h. Tokens of GitHub are cut by their looks as well, for a
 * client may have written one where none belongs.
 *
 * A part of a secret is not found, so a text is redacted as a whole before it is cut to fit. Where a text may have been
 * cut before, its end goes, whatever it is: were it compared with the secrets, a guess that fits would show.
 */
#ifndef SLIPWAY_BASE_REDACT_H
#define SLIPWAY_BASE_REDACT_H

#include <stdarg.h>
#include <stddef.h>

#include "slipway/error.h"

#define REDACT_SECRETS_MAX 512
#define REDACT_LENGTH_MIN  6 /* shorter values would cut ordinary words; they are not remembered */
#define REDACT_LENGTH_MAX  16384

/* Remembers a copy of the value. ERROR_OUT_OF_MEMORY where the list or memory is full: then do not use the secret. */
enum error_class redact_add(const char *secret, struct error *error) SLIPWAY_MUST_CHECK;

/* How tokens begin that are to be cut out although nobody remembered them: "gh?_" and the like, where '?' is any
 * lower-case letter; 30 bytes or more follow. Ended by NULL, borrowed; replaces those that were given before. */
void redact_token_prefixes(const char *const *prefixes);

/* Forgets one: it is of no use to anybody any more. Fine where it is not remembered. */
void redact_remove(const char *secret);

struct cJSON;

/* Overwrites each remembered secret in the text, and each token with a known prefix, by asterisks, in place; its length
 * stays. Where memory is short, all of it. */
void redact_text(char *text);

/* The same for so many bytes, which may be any; a NUL follows them. */
void redact_bytes(char *bytes, size_t length);

/* Whether a remembered secret stands in the text; where memory is short, whether it stands there as it is. */
bool redact_finds(const char *text);

/* Copies the text, and formats one, without secrets where it does not fit: it ends with "..." then, and does not fill
 * its room, which tells that it was not cut by anybody else. What fits is left as it is. */
void redact_copy(char *target, size_t size, const char *text);
void redact_format_list(char *target, size_t size, const char *format, va_list arguments) SLIPWAY_FORMAT(3, 0);

/* How many bytes of a text are enough to know of each secret that begins in its first `most` bytes. */
size_t redact_window(size_t most);

/* The same as redact_text for all texts of an error. One that fills its room was cut, and loses its end. */
void redact_error(struct error *error);

/* The same for all strings of a tree. In its text, a secret of digits would be found in numbers, and break them. */
void redact_json(struct cJSON *json);

/* Forgets all secrets from number `from` on, and wipes them; 0 forgets all. For attempts that brought their own. */
void redact_forget(size_t from);

/* How many are remembered: what redact_forget takes later. */
size_t redact_count(void);

#endif
