/*
 * References in inputs: ${step.<id>.<output>}, ${config.<name>}, ${env.<NAME>}, ${secret.<name>},
 * ${app.<appId>.<workflow>.<step>.<output>}. If an output is a map, `.<name>` after it is one of
 * its values. `$${` stands for a literal `${`.
 *
 * A string that is exactly one reference becomes the value, with its type; inside other text the
 * value is inserted as text. Inserted values are never expanded again. Functions may follow, as in
 * ${config.name|slug} (core/reference_function.h); none is applied to a secret.
 *
 * ${sealed.<id>.<base64url>} is internal: it replaces what a client wrote in clear in a secret
 * field (core/secret_input.h).
 */
#ifndef SLIPWAY_CORE_REFERENCE_H
#define SLIPWAY_CORE_REFERENCE_H

#include "base/faults.h"
#include "base/identifier.h"
#include "base/json.h"
#include "core/reference_function.h"
#include "slipway/field.h"

enum reference_kind {
	REFERENCE_STEP,
	REFERENCE_CONFIG,
	REFERENCE_ENV,
	REFERENCE_SECRET,
	REFERENCE_APP,
	REFERENCE_SEALED,
};

#define REFERENCE_PARTS_MAX 5
#define REFERENCE_NAME_MAX  128

struct reference {
	enum reference_kind kind;
	/* What follows the kind, split at its dots: {step, output}; {name}; {app, workflow, step,
	 * output}. An output may be followed by the name of a value. */
	char parts[REFERENCE_PARTS_MAX][REFERENCE_NAME_MAX + 1];
	size_t part_count;
	struct reference_calls calls;
	/* The text between ${ and }, borrowed: for REFERENCE_SEALED, which has no parts. */
	const char *text;
	size_t length;
};

/* Finds the first reference in the text: it begins at *ret_start and ends before *ret_end.
 * *ret_start is NULL if there is none. ERROR_INVALID_INPUT if it is malformed. */
enum error_class reference_find(const char *text, struct reference *ret_reference,
	const char **ret_start, const char **ret_end, struct error *error) SLIPWAY_MUST_CHECK;

/* Replaces each `$${` in the text by `${`, in place, and returns the new length. */
size_t reference_unescape(char *text);

/*
 * Returns the value of a reference, before its functions are applied; the caller owns *ret_value.
 * JSON null for what is missing, where a default may stand for it. NULL with ERROR_NONE leaves the
 * reference in the text, to be resolved later.
 */
typedef enum error_class reference_lookup(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error);

/* Where the values come from. */
struct reference_source {
	reference_lookup *lookup;
	void *context;
	/* The table of the tree, which tells which strings are JSON text: what is inserted there is
	 * escaped. NULL: none. */
	const struct record *record;
};

/* Limits of an input with all references resolved: the same as for a request body. */
#define REFERENCE_TEXT_MAX  ((size_t)256 << 10)
#define REFERENCE_NODES_MAX 4096
#define REFERENCE_DEPTH_MAX 32

/* What is left of these limits. Inputs that are kept together may share a budget. */
struct reference_budget {
	size_t text, nodes;
};
/* clang-format off */
#define REFERENCE_BUDGET { REFERENCE_TEXT_MAX, REFERENCE_NODES_MAX }
/* clang-format on */

/*
 * Resolves the references in all strings of the tree. The place in an error is the JSON pointer of
 * the string, below `place`. If the lookup returns JSON null for a whole string, the member is
 * removed: absent. With faults (may be NULL), references that cannot be resolved are recorded and
 * left as they are. Each `${` in an inserted value is escaped as `$${`, so the result can be
 * resolved again. The tree and the inserted values are charged to the budget (NULL: a separate
 * one). ERROR_PAYLOAD_TOO_LARGE names the reference that exceeded it; it is not recorded as a fault
 * but ends the walk.
 */
enum error_class references_resolve(cJSON *json, const char *place,
	const struct reference_source *source, struct reference_budget *budget,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Resolves for the last time, with a lookup that leaves no reference unresolved: each `$${` in the
 * tree becomes `${`, and inserted values are not escaped. Has a separate budget.
 */
enum error_class references_put(cJSON *json, const char *place,
	const struct reference_source *source, struct error *error) SLIPWAY_MUST_CHECK;

/* Visits one reference; an error ends the walk. */
typedef enum error_class reference_visit(
	void *context, const struct reference *reference, struct error *error);

/* Calls the visitor for each reference in the tree, until it returns an error. Malformed references
 * are errors too. With faults (may be NULL), errors are recorded and the walk continues with the
 * next string. */
enum error_class references_visit(const cJSON *json, const char *place, reference_visit *visit,
	void *context, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for one text. */
enum error_class references_visit_text(const char *text, const char *place, reference_visit *visit,
	void *context, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

#endif
