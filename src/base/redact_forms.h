/*
 * A secret may stand in a text as others write it who answer with what they were sent: in JSON, in a URL or a form, in
 * HTML, in base64, or in one of these within another. The text is read as each of them in turn, and where the secret
 * stands in what was read, the bytes that it came of are marked.
 *
 * Each reading takes time by the length of the text, and there is a fixed number of them.
 */
#ifndef SLIPWAY_BASE_REDACT_FORMS_H
#define SLIPWAY_BASE_REDACT_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is looked for. */
struct redact_needle {
	char *text;
	size_t length;
	/* For each beginning of the text, how long the longest beginning is that it ends with: how far a search goes
	 * back. */
	uint16_t *falls_to;
};

/* Fills falls_to, which has room for length numbers. */
void redact_needle_prepare(struct redact_needle *needle);

/*
 * Marks in `marks`, of as many bytes as the text has, each byte that a needle comes of. *ret_found: whether there is
 * any. False where memory is short: then nothing is known of the text.
 */
bool redact_mark(const char *text, size_t length, const struct redact_needle *needles, size_t count, bool *marks,
	bool *ret_found);

#endif
