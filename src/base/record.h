/*
 * What is done with field tables: decode, encode, describe.
 */
#ifndef SLIPWAY_BASE_RECORD_H
#define SLIPWAY_BASE_RECORD_H

#include "base/faults.h"
#include "base/json.h"
#include "slipway/field.h"

enum record_mode {
	RECORD_STRICT,     /* unknown members are errors: what clients send */
	RECORD_REFERENCES, /* the same, but a string that holds ${...} may stand for any scalar: checked again later */
	RECORD_TEMPLATE,   /* the same, and it may stand for anything at all: before its value is put in */
	RECORD_LENIENT,    /* unknown members are passed over: what providers answer */
};

/*
 * Decodes a JSON object into the record's struct, which is zeroed first. All that it points to lies in the arena.
 * Values that were left to RECORD_REFERENCES are zero in the struct. The error is ERROR_INVALID_INPUT with the
 * JSON pointer below `place` ("" for the top).
 */
enum error_class record_decode(const struct record *record, const cJSON *json, enum record_mode mode, const char *place,
	struct arena *arena, void *ret_struct, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same, but it goes on after a fault and notes all that there are; where it notes one, the struct is not complete.
 * The error is of what is no fault, such as memory, or one for which the list has no room.
 */
enum error_class record_check(const struct record *record, const cJSON *json, enum record_mode mode, const char *place,
	struct arena *arena, void *ret_struct, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The struct as a JSON object: absent strings, objects and empty lists are left out unless they are required,
 * and zeros where the field says omit_zero. *ret_json is the caller's.
 */
enum error_class record_encode(
	const struct record *record, const void *data, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* The table as a JSON Schema (2020-12) of an object. *ret_json is the caller's. */
enum error_class record_schema(const struct record *record, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* A value of a record's JSON and the row that it stands under; of a list or a map with a row of their own, each item.
 */
struct record_value {
	const struct field *field; /* NULL: the record has no such row */
	cJSON *json;
	const cJSON *object; /* that the row is of: what stands beside it */
	const char *place;
};

/* Looks at one value; an error ends the walk. It may change a string, but not what it stands in. */
typedef enum error_class record_visit(void *context, const struct record_value *value, struct error *error);

/*
 * Calls the visitor for each value of the JSON, whether it has the form that the table asks for or not: where a list or
 * an object of its own is expected and something else stands, for that. JSON that is no object has no values.
 */
enum error_class record_visit_values(const struct record *record, const cJSON *json, const char *place,
	record_visit *visit, void *context, struct error *error) SLIPWAY_MUST_CHECK;

/* Of a struct of texts and integers: all texts "", all integers 0. */
void record_clear(const struct record *record, void *data);

/*
 * Sets one member of such a struct to what a text says, as the hashes of Redis hold it; the text's copy lies in the
 * arena. What is not an integer from 0 on becomes the nearest one, and a name that the record does not have, such as a
 * newer version's, is passed over. False: no memory.
 */
bool record_take(const struct record *record, void *data, const char *name, const char *text, struct arena *arena);

/* The row of this name; NULL where there is none. */
const struct field *record_field(const struct record *record, const char *name);

/* Whether the text holds a reference, that is "${" not written as "$${". */
bool text_has_reference(const char *text);

#endif
