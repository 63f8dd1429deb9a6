/*
 * Decodes, encodes and describes structs by their field tables.
 */
#ifndef SLIPWAY_BASE_RECORD_H
#define SLIPWAY_BASE_RECORD_H

#include "base/faults.h"
#include "base/json_write.h"
#include "slipway/field.h"

enum record_mode {
	RECORD_STRICT,     /* unknown members are errors: for what clients send */
	RECORD_REFERENCES, /* the same, but a string with ${...} may stand for any scalar; it is
			      checked again later */
	RECORD_TEMPLATE, /* the same, but it may stand for any value: before references are resolved
			  */
	RECORD_LENIENT,  /* unknown members are ignored: for responses of providers */
	RECORD_PLANNED,  /* strict, but an unknown (base/unknown.h) may stand for any text or
			    integer; for another value it is ERROR_NEEDS_NOT_DONE */
};

/*
 * Decodes a JSON object into the record's struct, which is zeroed first. All that it points to is
 * in the arena. Fields that still hold references are zero in the struct. The error is
 * ERROR_INVALID_INPUT with the JSON pointer below `place` ("" for the root).
 */
enum error_class record_decode(const struct record *record, const cJSON *json,
	enum record_mode mode, const char *place, struct arena *arena, void *ret_struct,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The same, but it continues after a fault and records all of them; after a fault the struct is
 * incomplete. An error is returned only for what is not a fault of the input, such as lack of
 * memory, or if the list is full.
 */
enum error_class record_check(const struct record *record, const cJSON *json, enum record_mode mode,
	const char *place, struct arena *arena, void *ret_struct, struct faults *faults,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Encodes the struct as a JSON object. Absent strings, absent objects and empty lists are omitted
 * unless they are required, and zeros if the field says omit_zero. The caller owns *ret_json.
 */
enum error_class record_encode(const struct record *record, const void *data, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Writes the same members, in the same bytes, into the object that is open. The error is that of
 * record_encode; a buffer that is full is the writer's.
 */
enum error_class record_write(const struct record *record, const void *data,
	struct json_writer *writer, struct error *error) SLIPWAY_MUST_CHECK;

/* The table as a JSON Schema (2020-12) of an object. The caller owns *ret_json. */
enum error_class record_schema(
	const struct record *record, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* A value of a record's JSON with its row. Each item of a list or a map has a
 * row of its own. */
struct record_value {
	const struct field *field; /* NULL: the record has no such row */
	cJSON *json;
	const cJSON *object; /* the object that has the value: for its siblings */
	const char *place;
};

/* Visits one value; an error ends the walk. It may change a string, but not the object or list
 * around it. */
typedef enum error_class record_visit(
	void *context, const struct record_value *value, struct error *error);

/*
 * Calls the visitor for each value of the JSON, even if its type is not the one in the table: if a
 * list or a nested object is expected and something else is there, for that. JSON other than an
 * object has no values.
 */
enum error_class record_visit_values(const struct record *record, const cJSON *json,
	const char *place, record_visit *visit, void *context,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Clears a struct of texts and integers: all texts "", all integers 0. */
void record_clear(const struct record *record, void *data);

/*
 * Sets one member of such a struct from a text, as in a Redis hash; texts are copied into the
 * arena. A text that is not an integer of at least 0 becomes the nearest one. A name that the
 * record does not have, such as a newer version's, is ignored. False if out of memory.
 */
bool record_take(const struct record *record, void *data, const char *name, const char *text,
	struct arena *arena);
bool record_take_field(
	const struct field *field, void *data, const char *text, struct arena *arena);

/* The row of this name; NULL if there is none. */
const struct field *record_field(const struct record *record, const char *name);

/* Whether the text has a reference, that is a "${" that is not escaped as "$${". */
bool text_has_reference(const char *text);

#endif
