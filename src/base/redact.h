/*
 * Removes secrets from text by their value, on every way out of the process: log lines, errors,
 * events.
 *
 * The process has one list, because a secret may turn up in any text, whoever wrote it. It is found
 * verbatim and in the encodings of those who echo what they were sent: see redact_forms.h. Tokens
 * are also recognised by their prefix, because a client may have put one where none belongs.
 *
 * Part of a secret is not found, so redact a text as a whole before truncating it. If a text may
 * have been truncated before, its end is removed whatever it is: comparing it with the secrets
 * would confirm a correct guess.
 */
#ifndef SLIPWAY_BASE_REDACT_H
#define SLIPWAY_BASE_REDACT_H

#include <stdarg.h>
#include <stddef.h>

#include "slipway/error.h"

#define REDACT_SECRETS_MAX 512
/* Shorter values would match ordinary words; they are not remembered */
#define REDACT_LENGTH_MIN 6
#define REDACT_LENGTH_MAX 16384

/* Remembers a copy of the value. ERROR_OUT_OF_MEMORY if the list is full or memory runs out: then
 * do not use the secret. */
enum error_class redact_add(const char *secret, struct error *error) SLIPWAY_MUST_CHECK;

/* Prefixes of tokens to redact even if nobody has remembered them, such as "gh?_", where '?' is any
 * lower-case letter and '#' any hexadecimal digit; at least 30 bytes must follow. NULL-terminated,
 * borrowed; replaces the previous list. */
void redact_token_prefixes(const char *const *prefixes);

/* Removes one secret. It need not be remembered. */
void redact_remove(const char *secret);

struct cJSON;

/* Overwrites each remembered secret in the text, and each token with a known prefix, with
 * asterisks, in place; the length is unchanged. If out of memory, overwrites the whole text. */
void redact_text(char *text);

/* The same for length arbitrary bytes, followed by a NUL. */
void redact_bytes(char *bytes, size_t length);

/* Whether the text contains a remembered secret; if out of memory, whether it does verbatim. */
bool redact_finds(const char *text);

/* Copies or formats a text. If it does not fit, it is redacted, truncated, and ends with "..."; it
 * does not fill the target, which shows that nobody else truncated it. A text that fits is
 * unchanged. */
void redact_copy(char *target, size_t size, const char *text);
void redact_format_list(char *target, size_t size, const char *format, va_list arguments)
	SLIPWAY_FORMAT(3, 0);

/* How many bytes of a text must be examined to find every secret that begins in its first `most`
 * bytes. */
size_t redact_window(size_t most);

/* As redact_text, for all texts of an error. A text that fills its array was truncated, so its end
 * is removed. */
void redact_error(struct error *error);

/* As redact_text, for all strings of a tree. In printed JSON, a secret of digits would match in
 * numbers and break them.
 */
void redact_json(struct cJSON *json);

/* Wipes and forgets all secrets from index `from` on; 0 forgets all. For the secrets of one
 * attempt. */
void redact_forget(size_t from);

/* The number of remembered secrets, for redact_forget. */
size_t redact_count(void);

#endif
