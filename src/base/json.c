/*
 * Parsing, printing, merging and hashing of JSON over cJSON. A parse is a scan by our own grammar
 * first, because cJSON accepts too much, then cJSON's.
 */
#include "base/json.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/text.h"
#include "base/unset.h"
#include "base/wiping.h"

void json_wipe_freed(void)
{
	cJSON_Hooks hooks = { malloc, wiping_free };
	cJSON_InitHooks(&hooks);
}

static int compare_names(const void *left, const void *right)
{
	const cJSON *const *a = left, *const *b = right;
	return strcmp((*a)->string, (*b)->string);
}

/* Members of one object, sorted, show their duplicates side by side. */
static enum error_class check_duplicates(
	const cJSON *object, const char *place, struct error *error)
{
	size_t count = (size_t)cJSON_GetArraySize(object);

	if (count < 2)
		return ERROR_NONE;
	const cJSON **members = calloc(count, sizeof(const cJSON *));
	if (members == NULL)
		return error_set(
			error, ERROR_OUT_OF_MEMORY, "no memory to check %zu members", count);
	size_t next = 0;
	const cJSON *member;
	cJSON_ArrayForEach (member, object) {
		members[next++] = member;
	}

	qsort(members, count, sizeof(const cJSON *), compare_names);
	enum error_class class = ERROR_NONE;
	for (size_t i = 1; i < count && class == ERROR_NONE; i++) {
		if (strcmp(members[i - 1]->string, members[i]->string) != 0)
			continue;
		class = error_set(error, ERROR_INVALID_REQUEST, "the member '%s' is given twice",
			members[i]->string);
		error_at_member(error, place, members[i]->string);
	}

	free(members);
	return class;
}

/* Depth is bounded by the scan that went before. */
// NOLINTNEXTLINE(misc-no-recursion)
static enum error_class check_members(const cJSON *json, const char *place, struct error *error)
{
	/* It would be printed as null, which means something else. */
	if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
		error_set(error, ERROR_INVALID_REQUEST, "the number is too large");
		return error_at(error, "%s", place);
	}
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return ERROR_NONE;
	if (cJSON_IsObject(json) && check_duplicates(json, place, error) != ERROR_NONE)
		return error->class;
	size_t index = 0;
	const cJSON *child;
	cJSON_ArrayForEach (child, json) {
		UNSET char child_place[JSON_POINTER_SIZE];
		json_pointer_child(child_place, place, child, index++);
		if (check_members(child, child_place, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

enum error_class json_parse(const char *text, size_t length, enum json_limits limits,
	cJSON **ret_json, struct error *error)
{
	*ret_json = NULL;
	if (json_scan(text, length, limits, error) != ERROR_NONE)
		return error->class;
	CLEANUP_JSON cJSON *json = cJSON_ParseWithLengthOpts(text, length, NULL, false);
	if (json == NULL)
		return error_set(
			error, ERROR_OUT_OF_MEMORY, "no memory for %zu bytes of JSON", length);
	if (check_members(json, "", error) != ERROR_NONE)
		return error->class;
	*ret_json = json_take(&json);
	return ERROR_NONE;
}

void json_clear(cJSON **json)
{
	cJSON_Delete(*json);
	*json = NULL;
}

cJSON *json_take(cJSON **json)
{
	cJSON *taken = *json;
	*json = NULL;
	return taken;
}

/* Not by cJSON, which calls strcmp for each: tables ask for many members that are not there. */
const cJSON *json_member(const cJSON *json, const char *name)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json) {
		if (member->string != NULL && member->string[0] == name[0] &&
			strcmp(member->string, name) == 0)
			return member;
	}

	return NULL;
}

cJSON *json_member_mutable(cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

const char *json_member_string(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(json_member(json, name));
}

char *json_print(struct arena *arena, const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	char *copy = arena_string(arena, text);
	cJSON_free(text);
	return copy;
}

/* A copy with the members of every object in byte order; NULL where memory is short. Debian's cJSON
 * comes without cJSON_Utils, which would do it. */
// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *sorted_copy(const cJSON *json)
{
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return cJSON_Duplicate(json, false);
	size_t count = (size_t)cJSON_GetArraySize(json), next = 0;
	const cJSON **children = calloc(count + 1, sizeof(const cJSON *));
	cJSON *copy = cJSON_IsObject(json) ? cJSON_CreateObject() : cJSON_CreateArray();
	bool complete = children != NULL && copy != NULL;
	if (complete) {
		const cJSON *child;
		cJSON_ArrayForEach (child, json) {
			children[next++] = child;
		}
		if (cJSON_IsObject(json))
			qsort(children, count, sizeof(const cJSON *), compare_names);
	}

	for (size_t i = 0; complete && i < count; i++)
		complete = cJSON_IsObject(json)
			? json_add(copy, children[i]->string, sorted_copy(children[i]))
			: json_append(copy, sorted_copy(children[i]));
	free(children);
	if (complete)
		return copy;
	cJSON_Delete(copy);
	return NULL;
}

char *json_print_canonical(struct arena *arena, const cJSON *json)
{
	CLEANUP_JSON cJSON *sorted = sorted_copy(json);
	return sorted != NULL ? json_print(arena, sorted) : NULL;
}

enum error_class json_digest(const cJSON *json, char digest[DIGEST_SIZE], struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	unsigned char hash[crypto_generichash_BYTES];

	const char *text = json_print_canonical(&arena, json);
	if (text == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a digest");
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(digest, DIGEST_SIZE, hash, sizeof(hash));
	return ERROR_NONE;
}

/* RFC 7396's MergePatch: takes target over, returns what becomes of it; NULL
 * where memory is short. */
// NOLINTNEXTLINE(misc-no-recursion)
static cJSON *merge_patch(cJSON *target, const cJSON *patch)
{
	if (!cJSON_IsObject(patch)) {
		cJSON_Delete(target);
		return cJSON_Duplicate(patch, true);
	}

	if (!cJSON_IsObject(target)) {
		cJSON_Delete(target);
		target = cJSON_CreateObject();
	}

	bool complete = target != NULL;
	const cJSON *change;
	cJSON_ArrayForEach (change, patch) {
		if (!complete)
			break;
		cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(target, change->string);
		if (cJSON_IsNull(change))
			cJSON_Delete(old);
		else
			complete = json_add(target, change->string, merge_patch(old, change));
	}

	if (complete)
		return target;
	cJSON_Delete(target);
	return NULL;
}

enum error_class json_merge(cJSON **target, const cJSON *patch, struct error *error)
{
	*target = merge_patch(*target, patch);
	if (*target == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to merge JSON");
	return ERROR_NONE;
}

/* What was not added is nobody's. */
static bool added_or_freed(bool added, cJSON *value)
{
	if (!added)
		cJSON_Delete(value);
	return added;
}

bool json_add(cJSON *object, const char *name, cJSON *value)
{
	return value != NULL && added_or_freed(cJSON_AddItemToObject(object, name, value), value);
}

bool json_add_constant(cJSON *object, const char *name, cJSON *value)
{
	return value != NULL && added_or_freed(cJSON_AddItemToObjectCS(object, name, value), value);
}

bool json_append(cJSON *array, cJSON *value)
{
	return value != NULL && added_or_freed(cJSON_AddItemToArray(array, value), value);
}

cJSON *json_integer(int64_t value)
{
	return cJSON_CreateNumber((double)value);
}

/* With its quotes, and what is escaped in it. */
static size_t string_size(const char *text)
{
	size_t size = 2;
	for (; *text != '\0'; text++) {
		bool short_escape = *text == '"' || *text == '\\' ||
			(*text >= '\b' && *text <= '\r' && *text != '\v');
		bool long_escape = (unsigned char)*text < ' ' && !short_escape;
		size += short_escape ? 2 : long_escape ? 6 : 1;
	}
	return size;
}

#define NUMBER_TEXT_MAX 24

static size_t own_size(const cJSON *json)
{
	if (cJSON_IsString(json))
		return string_size(json->valuestring);
	if (cJSON_IsNumber(json))
		return NUMBER_TEXT_MAX;
	return cJSON_IsObject(json) || cJSON_IsArray(json) ? strlen("{}") : strlen("false");
}

// NOLINTNEXTLINE(misc-no-recursion)
struct json_size json_measure(const cJSON *json)
{
	struct json_size whole = { own_size(json), 1, 1 };
	const cJSON *child;

	cJSON_ArrayForEach (child, json) {
		struct json_size part = json_measure(child);
		whole.text += part.text + strlen(",") +
			(child->string != NULL ? string_size(child->string) + 1 : 0);
		whole.nodes += part.nodes;
		if (part.depth + 1 > whole.depth)
			whole.depth = part.depth + 1;
	}

	return whole;
}
