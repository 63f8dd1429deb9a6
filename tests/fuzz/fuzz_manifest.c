/*
 * Feeds a file to the reader of YAML, and to that of stacks. A map that is read means the same when
 * it is printed as JSON, which is YAML too; what was JSON is read as JSON is; each value has its
 * place in the file; an error and each fault of a stack says where.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/stack.h"
#include "fuzz/claims.h"

// NOLINTNEXTLINE(misc-no-recursion)
static void try_places(const struct yaml_document *document, const cJSON *json, const char *place)
{
	char text[YAML_NAME_MAX + JSON_POINTER_SIZE];
	size_t index = 0;
	const cJSON *child;

	yaml_place(document, place, text, sizeof(text));
	CLAIM(text_has_prefix(text, "stack.yaml:"), "no place for %s: %s", place, text);
	cJSON_ArrayForEach (child, json) {
		char below[JSON_POINTER_SIZE];
		json_pointer_child(below, place, child, index++);
		if (index < 20)
			try_places(document, child, below);
	}
}

/* Only what begins as a map may have all numbers of JSON: elsewhere YAML 1.1 takes 1e+22 for a
 * text, and it is refused. */
static void try_printed(const struct yaml_document *document)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_YAML struct yaml_document again = YAML_EMPTY;
	struct error error;
	char *printed = json_print(&arena, document->json);

	CLAIM(printed != NULL, "not printed");
	CLAIM(yaml_parse("again", printed, strlen(printed), &again, &error) == ERROR_NONE,
		"printed, and refused: %s\n%s", error.message, printed);
	CLAIM(cJSON_Compare(document->json, again.json, true), "printed, and another: %s", printed);
}

static void try_yaml(const char *text, size_t length)
{
	CLEANUP_YAML struct yaml_document document = YAML_EMPTY;
	CLEANUP_JSON cJSON *json = NULL;
	struct error error;

	if (yaml_parse("stack.yaml", text, length, &document, &error) != ERROR_NONE) {
		claim_error(&error);
		CLAIM(text_has_prefix(error.message, "stack.yaml"), "no place: %s", error.message);
		return;
	}
	if (cJSON_IsObject(document.json))
		try_printed(&document);
	if (json_parse(text, length, JSON_LIMITS_WIDE, &json, &error) == ERROR_NONE)
		CLAIM(cJSON_Compare(document.json, json, true), "as JSON it is another");
	try_places(&document, document.json, "");
}

static void try_stack(const char *text, size_t length)
{
	static struct stack stack;
	char path[64];
	struct error error;
	int file = memfd_create("stack", MFD_CLOEXEC);

	CLAIM(file >= 0 && write(file, text, length) == (ssize_t)length, "no file");
	text_format(path, sizeof(path), "/proc/self/fd/%d", file);
	if (stack_read(&stack, path, &error) == ERROR_NONE) {
		for (size_t i = 0; i < stack.unit_count; i++)
			CLAIM(stack_find_unit(&stack, stack.units[i].app->id,
				      stack.units[i].workflow) == &stack.units[i],
				"a unit is not found: %s", stack.units[i].workflow);
	} else {
		if (stack.faults.count == 0)
			claim_error(&error);
		for (size_t i = 0; i < stack.faults.count; i++)
			claim_error(&stack.faults.list[i]);
	}
	stack_release(&stack);
	close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_copy(data, size);

	try_yaml(text, size);
	try_stack(text, size);
	free(text);
	return 0;
}
