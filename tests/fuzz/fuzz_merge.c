/*
 * Feeds two JSON texts to the merge of RFC 7396, as configure does with what is cached and what
 * came. Merged twice is as merged once, nothing that is merged has null for a member, and a patch
 * of the result changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/claims.h"

static cJSON *parse(const char *text)
{
	cJSON *json = NULL;
	struct error error;

	return json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &json, &error) == ERROR_NONE
		? json
		: NULL;
}

static void merge(cJSON **target, const cJSON *patch)
{
	struct error error;
	CLAIM(json_merge(target, patch, &error) == ERROR_NONE, "not merged: %s", error.message);
}

// NOLINTNEXTLINE(misc-no-recursion)
static bool has_null_member(const cJSON *json)
{
	const cJSON *child;

	cJSON_ArrayForEach (child, json) {
		if (cJSON_IsNull(child) || (cJSON_IsObject(child) && has_null_member(child)))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[2];
	input_split(data, size, texts, 2);
	CLEANUP_JSON cJSON *base = parse(texts[0]);
	CLEANUP_JSON cJSON *patch = parse(texts[1]);
	CLEANUP_JSON cJSON *merged = NULL;

	free(texts[0]);
	if (base == NULL || patch == NULL)
		return -1;
	/* What is cached was merged into nothing, and has no null. */
	merge(&merged, base);
	merge(&merged, patch);
	CLEANUP_JSON cJSON *again = cJSON_Duplicate(merged, true);
	merge(&again, patch);
	CLAIM(cJSON_Compare(merged, again, true), "merged twice, it is another");
	CLAIM(!cJSON_IsObject(merged) || !has_null_member(merged), "a member is null");
	if (cJSON_IsObject(merged)) {
		merge(&again, merged);
		CLAIM(cJSON_Compare(merged, again, true), "merged into itself, it is another");
	}
	return 0;
}
