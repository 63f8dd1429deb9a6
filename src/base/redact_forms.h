/*
 * Finds encoded secrets. Servers that echo what they were sent may encode it: as JSON, in a URL or
 * a form, as HTML, as base64, or one of these inside another. The text is decoded in each way in
 * turn; if the result contains a secret, the bytes that it was decoded from are marked.
 *
 * Each decoding takes linear time, and their number is fixed.
 */
#ifndef SLIPWAY_BASE_REDACT_FORMS_H
#define SLIPWAY_BASE_REDACT_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to search for. */
struct redact_needle {
	char *text;
	size_t length;
	/* For each prefix of the text, the length of its longest proper suffix that is also a
	 * prefix: where a search resumes (Knuth, Morris, Pratt). */
	uint16_t *falls_to;
};

/* Fills falls_to, which must have length elements. */
void redact_needle_prepare(struct redact_needle *needle);

/*
 * Marks each byte of the text that belongs to a needle; `marks` has one element per byte.
 * *ret_found: whether there is any. False if out of memory: then nothing is known about the text.
 */
bool redact_mark(const char *text, size_t length, const struct redact_needle *needles, size_t count,
	bool *marks, bool *ret_found);

#endif
