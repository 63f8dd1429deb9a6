/*
 * What the output of a step gives to others: by its digest they know whether a result that was made
 * from it is still what it would be.
 */
#ifndef SLIPWAY_CORE_OUTPUT_H
#define SLIPWAY_CORE_OUTPUT_H

#include "base/json.h"
#include "slipway/field.h"

#define OUTPUT_DIGEST_LENGTH 32 /* digits: each run keeps one for as long as it is kept itself */

/* The digest of an output's JSON text without its incidental members. ERROR_INTERNAL if the text is
 * no JSON. */
enum error_class output_digest(const struct record *record, const char *output,
	char ret_digest[DIGEST_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

#endif
