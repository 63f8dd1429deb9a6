/*
 * What fuzz targets share: the entry that libFuzzer calls, and how a target says what has to hold
 * for every input beyond that nothing crashes.
 */
#ifndef TESTS_FUZZ_CLAIMS_H
#define TESTS_FUZZ_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "slipway/error.h"

/* Tries one input; returns 0, or -1 for one that is not worth keeping. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a target prepares once; a target without it has nothing to prepare. */
int LLVMFuzzerInitialize(int *count, char ***words) __attribute__((weak));

/* Ends the process with what is wrong, so that the input is kept. */
_Noreturn void claim_failed(const char *file, int line, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

#define CLAIM(holds, ...)                                                                          \
	do {                                                                                       \
		if (!(holds))                                                                      \
			claim_failed(__FILE__, __LINE__, __VA_ARGS__);                             \
	} while (0)

/* A copy of exactly that size and a NUL, so that each read behind it is found; the caller's. */
char *input_copy(const uint8_t *data, size_t size);

/* The input as texts that are apart by a NUL or, as seeds are easier to write so, by a line of ---.
 * Texts that it does not have are "". Free the first. */
void input_split(const uint8_t *data, size_t size, char **ret_texts, size_t count);

/* Whether the text may be shown: well-formed UTF-8 without control characters. */
bool text_is_shown(const char *text);

/* An error has a class and a message, and all its texts may be shown. */
void claim_error(const struct error *error);

/* The text is the JSON of an object. */
void claim_object(const char *text, size_t length);

#endif
