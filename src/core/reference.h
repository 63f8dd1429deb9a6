/*
 * References in inputs: ${step.<id>.<output>}, ${config.<name>}, ${env.<NAME>}, ${secret.<name>},
 * ${app.<appId>.<workflow>.<step>.<output>}. Behind an output that is a map, `.<name>` is one of its values. `$${`
 * stands for a literal `${`.
 *
 * A string that is one reference takes the value's type; inside other text the value is put in as text. What is put in
 * is never expanded again.
 *
 * ${sealed.<id>.<base64url>} is ours alone: what a client wrote in clear where a secret may stand
 * (core/secret_input.h).
 */
#ifndef SLIPWAY_CORE_REFERENCE_H
#define SLIPWAY_CORE_REFERENCE_H

#include "base/faults.h"
#include "base/identifier.h"
#include "base/json.h"
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
	/* What stands behind the kind, at its dots: {step, output}; {name}; {app, workflow, step, output}. Behind an
	 * output there may be the name of a value. */
	char parts[REFERENCE_PARTS_MAX][REFERENCE_NAME_MAX + 1];
	size_t part_count;
	/* What stands between ${ and }, borrowed: for REFERENCE_SEALED, which has no parts. */
	const char *text;
	size_t length;
};

/* Finds the first reference of the text, which begins at *ret_start and ends before *ret_end; *ret_start is NULL where
 * there is none. ERROR_INVALID_INPUT where it is malformed. */
enum error_class reference_find(const char *text, struct reference *ret_reference, const char **ret_start,
	const char **ret_end, struct error *error) SLIPWAY_MUST_CHECK;

/* Makes each `$${` of the text the `${` that it stands for, in place, and returns its length then. */
size_t reference_unescape(char *text);

/*
 * Gives the value of a reference. *ret_value is then the caller's; NULL with ERROR_NONE leaves the reference in the
 * text as it is, for somebody later to put in.
 */
typedef enum error_class reference_lookup(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error);

/* What is put into a tree. */
struct reference_source {
	reference_lookup *lookup;
	void *context;
	/* The table of the tree, which says where it holds JSON as text: a text that is put in there is escaped. NULL:
	 * nowhere. */
	const struct record *record;
};

/* What an input, with all its references put in, may be at the most: the bounds of a body. */
#define REFERENCE_TEXT_MAX  ((size_t)256 << 10)
#define REFERENCE_NODES_MAX 4096
#define REFERENCE_DEPTH_MAX 32

/* What is left of that. Several inputs that are kept together may share one. */
struct reference_budget {
	size_t text, nodes;
};
/* clang-format off */
#define REFERENCE_BUDGET { REFERENCE_TEXT_MAX, REFERENCE_NODES_MAX }
/* clang-format on */

/*
 * Puts values into all strings of the tree, in place of their references. The place in an error is the JSON pointer
 * of the string, below `place`. A lookup that gives JSON null for a whole string removes the member: absent. Where
 * faults is not NULL, it notes what cannot be put in, leaves it, and goes on. The tree stays one of texts with
 * references: in a value that is put in, each `${` becomes the `$${` that stands for it.
 * The tree itself and what is put in are taken from the budget (NULL: one of its own); ERROR_PAYLOAD_TOO_LARGE, with
 * the reference at which it was used up, is noted nowhere and ends it.
 */
enum error_class references_resolve(cJSON *json, const char *place, const struct reference_source *source,
	struct reference_budget *budget, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same for who reads the tree then, by a lookup that leaves no reference over: each `$${` that is written becomes
 * the `${` that it stands for; a value that is put in is left as it is. It has a budget of its own.
 */
enum error_class references_put(
	cJSON *json, const char *place, const struct reference_source *source, struct error *error) SLIPWAY_MUST_CHECK;

/* Looks at one reference; an error ends the walk. */
typedef enum error_class reference_visit(void *context, const struct reference *reference, struct error *error);

/* Calls the visitor for each reference in the tree, until it gives an error. Malformed references are errors. Where
 * faults is not NULL, it notes them and goes on with the next string. */
enum error_class references_visit(const cJSON *json, const char *place, reference_visit *visit, void *context,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/* The same of one text. */
enum error_class references_visit_text(const char *text, const char *place, reference_visit *visit, void *context,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

#endif
