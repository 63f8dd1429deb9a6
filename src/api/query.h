/*
 * The query string of a GET.
 */
#ifndef SLIPWAY_API_QUERY_H
#define SLIPWAY_API_QUERY_H

#include "base/json.h"

/*
 * Decodes name=value pairs into an object of strings, which is the caller's. Only the listed names
 * (ended by NULL) are taken, each once; a malformed escape or U+0000 is ERROR_INVALID_REQUEST with
 * the name as its place. The object borrows the names.
 */
enum error_class query_parse(const char *query, const char *const *names, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Makes the place of an error about a member of that object, /name, the parameter ?name. Returns
 * the error's class. */
enum error_class query_fault(struct error *error);

#endif
