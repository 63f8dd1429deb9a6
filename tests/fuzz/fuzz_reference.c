/*
 * Feeds an input of a step and a value that its references get to the resolver. A reference lies
 * within its text; what was resolved is within the limits of a request; what was inserted is not
 * expanded, so that it is whole when the input is resolved for the last time; and nothing that is
 * resolved is left.
 */
#include <stdlib.h>
#include <string.h>

#include "base/record.h"
#include "core/reference.h"
#include "fuzz/claims.h"

/* ---- finding ---- */

static void try_finding(const char *text)
{
	const char *end_of_text = text + strlen(text);

	for (const char *from = text;;) {
		struct reference reference;
		const char *start = NULL, *end = NULL;
		struct error error;
		if (reference_find(from, &reference, &start, &end, &error) != ERROR_NONE) {
			claim_error(&error);
			CLAIM(start >= from && start < end_of_text, "it begins nowhere");
			return;
		}
		if (start == NULL)
			return;
		CLAIM(start >= from && end > start + 3 && end <= end_of_text && end[-1] == '}',
			"it is out of its bounds");
		CLAIM(reference.text >= start && reference.text + reference.length < end,
			"its text is out of its bounds");
		for (size_t i = 0; i < reference.calls.count; i++)
			CLAIM(reference.calls.list[i].argument >= start &&
					reference.calls.list[i].argument +
							reference.calls.list[i].length <
						end,
				"an argument is out of its bounds");
		from = end;
	}
}

// NOLINTNEXTLINE(misc-no-recursion)
static void try_finding_in(const cJSON *json)
{
	const cJSON *child;

	if (cJSON_IsString(json))
		try_finding(json->valuestring);
	cJSON_ArrayForEach (child, json) {
		try_finding_in(child);
	}
}

/* ---- resolving ---- */

struct lookup {
	const cJSON *value;
	bool leaves_steps; /* those of other steps stay, as before a run */
	size_t asked;
};

static enum error_class look_up(
	void *context, const struct reference *reference, cJSON **ret_value, struct error *error)
{
	struct lookup *lookup = context;

	(void)error;
	lookup->asked++;
	*ret_value = NULL;
	if (lookup->leaves_steps && reference->kind == REFERENCE_STEP)
		return ERROR_NONE;
	*ret_value = cJSON_Duplicate(lookup->value, true);
	CLAIM(*ret_value != NULL, "no memory");
	return ERROR_NONE;
}

static enum error_class refuse_any(
	void *context, const struct reference *reference, struct error *error)
{
	(void)context;
	if (reference->kind == REFERENCE_STEP)
		return ERROR_NONE;
	return error_set(error, ERROR_INTERNAL, "a reference is left");
}

static enum error_class note(void *context, const struct reference *reference, struct error *error)
{
	(void)reference;
	(void)error;
	(*(size_t *)context)++;
	return ERROR_NONE;
}

/* At first all but those to steps, and then the rest, as an input is that becomes a run. */
static void try_resolving(cJSON *json, const cJSON *value)
{
	struct lookup lookup = { value, true, 0 };
	const struct reference_source source = { .lookup = look_up, .context = &lookup };
	struct reference_budget budget = REFERENCE_BUDGET;
	struct error error;
	size_t count = 0;

	if (references_visit(json, "/inputs", note, &count, NULL, &error) != ERROR_NONE) {
		claim_error(&error);
		CLAIM(error.place[0] == '/', "no place: %s", error.message);
		return;
	}
	if (references_resolve(json, "/inputs", &source, &budget, NULL, &error) != ERROR_NONE) {
		claim_error(&error);
		CLAIM(error.place[0] == '/', "no place: %s", error.message);
		return;
	}
	CLAIM(lookup.asked <= count, "asked for more than there was");
	struct json_size size = json_measure(json);
	CLAIM(size.nodes <= REFERENCE_NODES_MAX && size.depth <= REFERENCE_DEPTH_MAX,
		"over the limits: %zu values, %zu deep", size.nodes, size.depth);
	CLAIM(references_visit(json, "/inputs", refuse_any, NULL, NULL, &error) == ERROR_NONE,
		"%s at %s", error.message, error.place);

	lookup.leaves_steps = false;
	if (references_put(json, "/inputs", &source, &error) != ERROR_NONE) {
		claim_error(&error);
		CLAIM(error.place[0] == '/', "no place: %s", error.message);
	}
}

/* A text with a value in it is the value where all is put, whatever the value is. */
static void try_whole(const cJSON *value)
{
	CLEANUP_JSON cJSON *json = cJSON_CreateObject();
	struct lookup lookup = { value, false, 0 };
	const struct reference_source source = { .lookup = look_up, .context = &lookup };
	struct error error;

	CLAIM(cJSON_AddStringToObject(json, "whole", "${config.a}") != NULL, "no memory");
	CLAIM(cJSON_AddStringToObject(json, "part", "a${config.a}") != NULL, "no memory");
	if (!cJSON_IsString(value) || strlen(value->valuestring) > 10000)
		return;
	CLAIM(references_resolve(json, "", &source, NULL, NULL, &error) == ERROR_NONE, "%s",
		error.message);
	CLAIM(references_put(json, "", &source, &error) == ERROR_NONE, "%s", error.message);
	CLAIM(lookup.asked == 2, "what was inserted is expanded");
	CLAIM(strcmp(json_member_string(json, "whole"), value->valuestring) == 0 &&
			strcmp(json_member_string(json, "part") + 1, value->valuestring) == 0,
		"the value is another: %s", json_member_string(json, "part"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[2];
	CLEANUP_JSON cJSON *json = NULL;
	CLEANUP_JSON cJSON *value = NULL;
	struct error error;

	input_split(data, size, texts, 2);
	if (json_parse(texts[0], strlen(texts[0]), JSON_LIMITS_CLIENT, &json, &error) ==
			ERROR_NONE &&
		json_parse(texts[1], strlen(texts[1]), JSON_LIMITS_CLIENT, &value, &error) ==
			ERROR_NONE &&
		cJSON_IsObject(json)) {
		try_finding_in(json);
		try_resolving(json, value);
		try_whole(value);
	}
	free(texts[0]);
	return 0;
}
