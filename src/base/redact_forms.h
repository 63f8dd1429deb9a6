/*
 * Finds encoded secrets. Servers that echo what they were sent may encode it: as JSON, in a URL or
 * a form, as HTML, as base64, or one of these inside another or itself. The text is decoded in each
 * way in turn; if the result contains a secret, the bytes that it was decoded from are marked. Who
 * shows a text in one line turns line ends into blanks, and folds or indents it: so a row of white
 * space stands for any other.
 *
 * Each decoding takes linear time, and their number is fixed.
 */
#ifndef SLIPWAY_BASE_REDACT_FORMS_H
#define SLIPWAY_BASE_REDACT_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redact_pattern {
	char *text; /* NULL: there is none */
	size_t length;
	/* For each prefix of the text, the length of its longest proper suffix that is also a
	 * prefix: where a search resumes (Knuth, Morris, Pratt). */
	uint16_t *falls_to;
};

/* What to search for. */
struct redact_needle {
	struct redact_pattern exact;
	/* In one line, as a text for a person: where the secret has white space or control
	 * characters, and is still long enough. */
	struct redact_pattern line;
};

/* Copies the secret, of at most REDACT_LENGTH_MAX bytes. False if out of memory: then there is
 * nothing to release. */
bool redact_needle_init(struct redact_needle *needle, const char *secret);

/* Wipes what is freed. */
void redact_needle_release(struct redact_needle *needle);

/*
 * Marks each byte of the text that belongs to a needle; `marks` has one element per byte.
 * *ret_found: whether there is any. False if out of memory: then nothing is known about the text.
 */
bool redact_mark(const char *text, size_t length, const struct redact_needle *needles, size_t count,
	bool *marks, bool *ret_found);

#endif
