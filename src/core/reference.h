/*
 * References in inputs: ${step.<id>.<output>}, ${config.<name>}, ${env.<NAME>}, ${secret.<name>},
 * ${app.<appId>.<workflow>.<step>.<output>}. `$${` stands for a literal `${`.
 *
 * A string that is one reference takes the value's type; inside other text the value is put in as text.
 */
#ifndef SLIPWAY_CORE_REFERENCE_H
#define SLIPWAY_CORE_REFERENCE_H

#include "base/faults.h"
#include "base/identifier.h"
#include "base/json.h"

enum reference_kind {
	REFERENCE_STEP,
	REFERENCE_CONFIG,
	REFERENCE_ENV,
	REFERENCE_SECRET,
	REFERENCE_APP,
};

#define REFERENCE_PARTS_MAX 4
#define REFERENCE_NAME_MAX  128

struct reference {
	enum reference_kind kind;
	/* What stands behind the kind, at its dots: {step, output}; {name}; {app, workflow, step, output}. */
	char parts[REFERENCE_PARTS_MAX][REFERENCE_NAME_MAX + 1];
	size_t part_count;
};

/*
 * Gives the value of a reference. *ret_value is then the caller's; NULL with ERROR_NONE leaves the reference in the
 * text as it is, for somebody later to put in.
 */
typedef enum error_class reference_lookup(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error);

/*
 * Puts values into all strings of the tree, in place of their references. The place in an error is the JSON pointer
 * of the string, below `place`. A lookup that gives JSON null for a whole string removes the member: absent. Where
 * faults is not NULL, it notes what cannot be put in, leaves it, and goes on.
 */
enum error_class references_resolve(cJSON *json, const char *place, reference_lookup *lookup, void *context,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for the JSON text of a stored input, by a lookup that leaves no reference over: *ret_text, in the arena, is
 * what it stands for. Each `$${` of the input is the `${` that it stands for; a value that is put in is left as it is.
 * ERROR_INVALID_INPUT where the text is broken.
 */
enum error_class references_put(const char *text, reference_lookup *lookup, void *context, struct arena *arena,
	const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

/* Looks at one reference; an error ends the walk. */
typedef enum error_class reference_visit(void *context, const struct reference *reference, struct error *error);

/* Calls the visitor for each reference in the tree, until it gives an error. Malformed references are errors. Where
 * faults is not NULL, it notes them and goes on with the next string. */
enum error_class references_visit(const cJSON *json, const char *place, reference_visit *visit, void *context,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

#endif
