/*
 * Strict parsing on top of cJSON. cJSON itself accepts trailing bytes, duplicate members, numbers
 * such as 01, control characters and ill-formed UTF-8, and truncates strings at U+0000. json_parse
 * refuses all of these.
 *
 * The caller owns a tree that is returned in ret_json: free it with cJSON_Delete, or declare it
 * with CLEANUP_JSON.
 */
#ifndef SLIPWAY_BASE_JSON_H
#define SLIPWAY_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/json_pointer.h"
#include "base/json_scan.h"
#include "slipway/error.h"

#define JSON_INTEGER_MAX ((int64_t)1 << 53) /* a double cannot hold every integer beyond it */

/* Makes cJSON wipe all memory before it frees it, because trees hold secrets. Call it once, at the
 * start. */
void json_wipe_freed(void);

/*
 * Parses all of the length bytes. ERROR_INVALID_REQUEST says what is wrong, with the JSON pointer
 * of the value as its place; ERROR_OUT_OF_MEMORY.
 */
enum error_class json_parse(const char *text, size_t length, enum json_limits limits,
	cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* On a local: frees the tree at the end of the block, unless json_take has taken it. */
#define CLEANUP_JSON CLEANUP(json_clear)

/* Frees the tree and makes it NULL. */
void json_clear(cJSON **json);

/* Hands the tree over: returns it and makes it NULL. */
cJSON *json_take(cJSON **json) SLIPWAY_MUST_CHECK;

/* The member of exactly this name; NULL if there is none or json is not an object. Borrowed from
 * json. */
const cJSON *json_member(const cJSON *json, const char *name);
cJSON *json_member_mutable(cJSON *json, const char *name);

/* The member's string; NULL if there is none or it is not a string. Borrowed from json. */
const char *json_member_string(const cJSON *json, const char *name);

/* Compact text in the arena; NULL if out of memory. */
char *json_print(struct arena *arena, const cJSON *json) SLIPWAY_MUST_CHECK;

/* The same, with the members of every object sorted by bytes, so that equal
 * values give equal text. */
char *json_print_canonical(struct arena *arena, const cJSON *json) SLIPWAY_MUST_CHECK;

#define DIGEST_SIZE 65

/* A digest of the value in hexadecimal; the order of members does not matter. */
enum error_class json_digest(
	const cJSON *json, char digest[DIGEST_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Merges patch into *target as RFC 7396 says; null deletes. *target may be NULL (nothing yet). If
 * out of memory, *target is freed and set to NULL.
 */
enum error_class json_merge(
	cJSON **target, const cJSON *patch, struct error *error) SLIPWAY_MUST_CHECK;

/* Adds value under the name and takes ownership of it in any case. False if value is NULL (it could
 * not be allocated) or cannot be added. */
bool json_add(cJSON *object, const char *name, cJSON *value) SLIPWAY_MUST_CHECK;

/* The same, with a name that outlives the object: it is not copied. */
bool json_add_constant(cJSON *object, const char *name, cJSON *value) SLIPWAY_MUST_CHECK;

/* Appends value to an array; otherwise as json_add. */
bool json_append(cJSON *array, cJSON *value) SLIPWAY_MUST_CHECK;

/* The size of a value; text is its length when printed, with each number at its longest. */
struct json_size {
	size_t text, nodes, depth;
};

/* Measures a value; NULL counts as one node. */
struct json_size json_measure(const cJSON *json);

/* An integer as a JSON number. Beyond +-2^53 digits are lost; use a string there. */
cJSON *json_integer(int64_t value) SLIPWAY_MUST_CHECK;

#endif
