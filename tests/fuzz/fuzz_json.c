/*
 * Feeds any bytes to the strict door to JSON, as the bodies of requests and of providers come. What
 * is accepted is printed in all ways that there are, and is the same when it is read again; each of
 * its values is found by the place that an error about it would name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "fuzz/claims.h"

#define PRINTED_MAX ((size_t)64 << 20)

/* Text that json_print made is JSON, and means the same. */
static cJSON *read_again(const char *text, const cJSON *before)
{
	cJSON *json = NULL;
	struct error error;

	CLAIM(json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, &error) == ERROR_NONE,
		"printed, and refused: %s: %s", error.message, text);
	CLAIM(cJSON_Compare(before, json, true), "printed, and read as another: %s", text);
	return json;
}

static void try_writer(const cJSON *json, const char *printed)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(PRINTED_MAX);
	struct json_writer writer = json_writer_to(&buffer, 0);

	json_open(&writer, '[');
	json_write_tree(&writer, json);
	json_write_json(&writer, printed);
	json_close(&writer, ']');
	size_t length = strlen(printed);
	CLAIM(writer.complete && buffer.length == 2 * length + 3, "the writer is incomplete: %s",
		buffer_text(&buffer));
	CLAIM(memcmp(buffer.bytes + 1, printed, length) == 0 &&
			memcmp(buffer.bytes + length + 2, printed, length) == 0,
		"the writer differs: %s and %s", buffer_text(&buffer), printed);
}

/* A place that was cut leads nowhere, or to something else. */
// NOLINTNEXTLINE(misc-no-recursion)
static void try_places(const cJSON *root, const cJSON *json, const char *place)
{
	size_t index = 0;
	const cJSON *child;

	cJSON_ArrayForEach (child, json) {
		char below[JSON_POINTER_SIZE];
		json_pointer_child(below, place, child, index++);
		if (strlen(below) > sizeof(below) - 8)
			continue;
		CLAIM(json_pointer_find(root, below) == child, "%s leads elsewhere", below);
		if (index < 100)
			try_places(root, child, below);
	}
}

static void try_tree(const cJSON *json)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char digest[DIGEST_SIZE], again[DIGEST_SIZE];
	struct error error;
	char *text = json_print(&arena, json), *canonical = json_print_canonical(&arena, json);

	CLAIM(text != NULL && canonical != NULL, "not printed");
	CLAIM(json_measure(json).text >= strlen(text), "measured as shorter than it is: %s", text);
	CLEANUP_JSON cJSON *read = read_again(text, json);
	CLEANUP_JSON cJSON *sorted = read_again(canonical, json);
	char *text_again = json_print(&arena, read);
	char *canonical_again = json_print_canonical(&arena, sorted);
	CLAIM(text_again != NULL && strcmp(text, text_again) == 0, "printed otherwise: %s", text);
	CLAIM(canonical_again != NULL && strcmp(canonical, canonical_again) == 0,
		"sorted otherwise: %s", canonical);
	CLAIM(json_digest(json, digest, &error) == ERROR_NONE &&
			json_digest(sorted, again, &error) == ERROR_NONE &&
			strcmp(digest, again) == 0,
		"another digest: %s", text);
	try_writer(json, text);
	try_places(json, json, "");
}

static bool try_limits(const char *text, size_t size, enum json_limits limits)
{
	CLEANUP_JSON cJSON *json = NULL;
	struct error error, scanned;
	enum error_class class = json_parse(text, size, limits, &json, &error);

	if (class == ERROR_NONE) {
		try_tree(json);
		return true;
	}
	CLAIM(class == error.class && class == ERROR_INVALID_REQUEST, "class %d", (int)class);
	claim_error(&error);
	CLAIM(json_scan(text, size, limits, &scanned) != ERROR_NONE ||
			strstr(error.message, "twice") != NULL ||
			strstr(error.message, "too large") != NULL,
		"cJSON refuses what the scan accepts: %s", error.message);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_copy(data, size);
	bool strict = try_limits(text, size, JSON_LIMITS_CLIENT);
	bool wide = try_limits(text, size, JSON_LIMITS_WIDE);

	CLAIM(wide || !strict, "the wide limits refuse what the strict ones accept");
	free(text);
	return 0;
}
