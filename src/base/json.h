/*
 * The strict door to cJSON. cJSON itself takes trailing bytes, duplicate members, numbers such as 01, control
 * characters and ill-formed UTF-8, and cuts strings at U+0000; nothing of that gets past json_parse.
 *
 * A tree that is given as ret_json is the caller's, who frees it with cJSON_Delete or declares it as CLEANUP_JSON.
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

#define JSON_INTEGER_MAX ((int64_t)1 << 53) /* beyond it a double skips integers */

/* From now on all memory of trees is wiped before it is freed: secrets pass through them. Call it once, at the start.
 */
void json_wipe_freed(void);

/*
 * Parses length bytes, all of them. The error is ERROR_INVALID_REQUEST with what is wrong, and as its place the
 * JSON pointer of the value where it stands; ERROR_OUT_OF_MEMORY where memory is short.
 */
enum error_class json_parse(const char *text, size_t length, enum json_limits limits, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* On a local: frees the tree at the end of the block, unless somebody has taken it. */
#define CLEANUP_JSON CLEANUP(json_clear)

/* Frees the tree and makes it NULL. */
void json_clear(cJSON **json);

/* Hands the tree over: returns it and makes it NULL. */
cJSON *json_take(cJSON **json) SLIPWAY_MUST_CHECK;

/* The member of exactly this name; NULL where there is none or json is no object. Borrowed from json. */
const cJSON *json_member(const cJSON *json, const char *name);
cJSON *json_member_mutable(cJSON *json, const char *name);

/* The member's string; NULL where there is none or it is no string. Borrowed from json. */
const char *json_member_string(const cJSON *json, const char *name);

/* Compact text in the arena; NULL where memory is short. */
char *json_print(struct arena *arena, const cJSON *json) SLIPWAY_MUST_CHECK;

/* The same with the members of every object in byte order, so that equal values give equal text. */
char *json_print_canonical(struct arena *arena, const cJSON *json) SLIPWAY_MUST_CHECK;

#define DIGEST_SIZE 65

/* Digest of a value that does not depend on the order of members, as hexadecimal digits. */
enum error_class json_digest(const cJSON *json, char digest[DIGEST_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/*
 * RFC 7396: merges patch into *target, null deletes. *target may be NULL (nothing yet). On failure (memory)
 * *target is released and NULL.
 */
enum error_class json_merge(cJSON **target, const cJSON *patch, struct error *error) SLIPWAY_MUST_CHECK;

/* Adds value under the name; takes value over in any case. A NULL value (memory was short when it was made) and
 * a failure to add both give false. */
bool json_add(cJSON *object, const char *name, cJSON *value) SLIPWAY_MUST_CHECK;

/* Appends value to an array, as json_add. */
bool json_append(cJSON *array, cJSON *value) SLIPWAY_MUST_CHECK;

/* How large a value is, its text by what it would be printed as: numbers at their longest. */
struct json_size {
	size_t text, nodes, depth;
};

/* Measures it; what is none, NULL, has one node. */
struct json_size json_measure(const cJSON *json);

/* A number as cJSON holds it. Values beyond +-2^53 lose digits: give those as strings. */
cJSON *json_integer(int64_t value) SLIPWAY_MUST_CHECK;

#endif
