/* The text itself goes to take.lua, which reads it in the same way. */
#include "worker/run_limits.h"

#include <stdlib.h>
#include <string.h>

#include "core/workflow.h"
#include "slipway/action.h"

#define LIMIT_MAX 100000

static bool is_action(const char *name, size_t length)
{
	for (size_t i = 0; workflows[i] != NULL; i++)
		for (size_t j = 0; j < workflows[i]->step_count; j++) {
			const char *id = workflows[i]->steps[j].action->id;
			if (strlen(id) == length && strncmp(id, name, length) == 0)
				return true;
		}
	return false;
}

static bool is_word(const char *name, size_t length, const char *word)
{
	return strlen(word) == length && strncmp(name, word, length) == 0;
}

static enum error_class check_word(const char *word, size_t length, struct error *error)
{
	const size_t name = strcspn(word, "=");
	char *end = NULL;
	const long number = name < length ? strtol(&word[name + 1], &end, 10) : 0;

	if (number < 1 || number > LIMIT_MAX || end != &word[length])
		return error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_RUN_LIMITS: '%.*s' is not NAME=NUMBER with a number from 1 to %d",
			(int)length, word, LIMIT_MAX);
	if (!is_word(word, name, "tenant") && !is_word(word, name, "app") && !is_action(word, name))
		return error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_RUN_LIMITS: '%.*s' is neither 'tenant' nor 'app' nor an action of "
			"this build: 'slipway workflows' names them",
			(int)name, word);
	return ERROR_NONE;
}

enum error_class run_limits_check(const char *text, struct error *error)
{
	for (const char *word = text; word != NULL && *word != '\0';) {
		word += strspn(word, " ");
		const size_t length = strcspn(word, " ");
		if (length > 0 && check_word(word, length, error) != ERROR_NONE)
			return error->class;
		word += length;
	}

	return ERROR_NONE;
}

bool run_limits_has_tenant(const char *text)
{
	for (const char *word = text; word != NULL && *word != '\0';) {
		word += strspn(word, " ");
		if (is_word(word, strcspn(word, "="), "tenant"))
			return true;
		word += strcspn(word, " ");
	}

	return false;
}

size_t run_limits_tenant_most(size_t tenants, size_t executors)
{
	if (tenants < 2 || executors < 2)
		return 0;
	return executors <= LIMIT_MAX ? executors - 1 : LIMIT_MAX;
}

const char *run_limits_text(struct arena *arena, const char *text, size_t tenant_most)
{
	const char *own = text != NULL ? text : "";

	return tenant_most > 0 ? arena_format(arena, "%s tenant=%zu reserve=1", own, tenant_most)
			       : arena_string(arena, own);
}
