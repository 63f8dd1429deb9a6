/*
 * Feeds inputs of a request and what is cached for an app to each step of each workflow. An input
 * that is built has no more faults; it prints to the same, has a digest, and decodes by the table
 * of its action. A fault has a place below /inputs.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/input.h"
#include "core/secret_input.h"
#include "fuzz/claims.h"

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	return 0;
}

static void claim_fault(const struct error *error)
{
	claim_error(error);
	CLAIM(error->class != ERROR_INVALID_INPUT || text_has_prefix(error->place, "/inputs"),
		"place '%s': %s", error->place, error->message);
}

static void try_built(const struct input_sources *sources, cJSON *input)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *read = NULL;
	struct step_set needs;
	struct error error;
	char digest[DIGEST_SIZE];
	char *text = json_print(&arena, input);

	CLAIM(text != NULL, "not printed");
	CLAIM(input_read(text, &read, &error) == ERROR_NONE, "%s: %s", error.message, text);
	CLAIM(cJSON_Compare(input, read, true), "read as another: %s", text);
	CLAIM(input_digest(input, NULL, digest, &error) == ERROR_NONE, "%s", error.message);
	if (step_needs(sources->workflow, sources->step, input, "/inputs", &needs, &error) !=
		ERROR_NONE)
		claim_fault(&error);
	(void)secret_input_has(&sources->step->action->input, input);
}

static void try_step(struct input_sources *sources)
{
	CLEANUP_JSON cJSON *input = NULL;
	struct faults faults = { .count = 0 }, unknown = { .count = 0 };
	struct error error;
	bool built = input_build(sources, &input, &error) == ERROR_NONE;

	if (built)
		try_built(sources, input);
	else
		claim_fault(&error);
	if (input_check_keys(sources, &unknown, &error) != ERROR_NONE)
		claim_fault(&error);
	else if (input_faults(sources, &faults, &error) != ERROR_NONE)
		claim_fault(&error);
	else
		CLAIM(built || faults.count + unknown.count > 0,
			"it has no fault, and is not built");
	for (size_t i = 0; i < faults.count; i++)
		claim_fault(&faults.list[i]);
}

static cJSON *parse(const char *text)
{
	cJSON *json = NULL;
	struct error error;

	if (json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &json, &error) != ERROR_NONE)
		return NULL;
	if (!cJSON_IsObject(json))
		json_clear(&json);
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *texts[3];
	input_split(data, size, texts, 3);
	CLEANUP_JSON cJSON *inputs = parse(texts[0]);
	CLEANUP_JSON cJSON *cached = parse(texts[1]);
	CLEANUP_JSON cJSON *config = parse(texts[2]);
	struct input_sources sources = {
		.cached_inputs = cached, .trigger_inputs = inputs, .config = config, .app = "acme"
	};

	free(texts[0]);
	if (inputs == NULL)
		return -1;
	for (size_t i = 0; workflows[i] != NULL; i++) {
		sources.workflow = workflows[i];
		for (size_t k = 0; k < workflows[i]->step_count; k++) {
			sources.step = &workflows[i]->steps[k];
			try_step(&sources);
		}
	}
	return 0;
}
