/* The tables stand in the actions; what they are for says whether the provider has apps. */
#include "provider/permissions.h"

#include <string.h>

#include "base/text.h"
#include "core/workflow.h"
#include "provider/provider.h"
#include "provider/providers.h"

/* ---- what actions say ---- */

static enum error_class refuse(const struct action_definition *action,
	const struct provider *provider, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT,
		"the action '%s' calls %s and does not say which permissions an app's token needs "
		"for that: no run of it would get one",
		action->id, provider->name);
	return error_remedy(error, NULL,
		"Write into its definition '.permissions = permissions,' and above it a table of "
		"the least that its calls need, as %s names it, such as 'static const struct "
		"string_pair permissions[] = { { \"metadata\", \"read\" }, { NULL, NULL } };'.",
		provider->name);
}

static enum error_class check_action(const struct action_definition *action, struct error *error)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		if (providers[i]->mint != NULL && action_calls(action, providers[i]->id) &&
			action->permissions == NULL)
			return refuse(action, providers[i], error);
	return ERROR_NONE;
}

enum error_class permissions_check(const struct workflow_definition *workflow, struct error *error)
{
	for (size_t i = 0; i < workflow->step_count; i++) {
		const struct action_definition *action = workflow->steps[i].action;
		if (check_action(action, error) != ERROR_NONE ||
			(action->undo != NULL && check_action(action->undo, error) != ERROR_NONE))
			return error->class;
	}
	return ERROR_NONE;
}

/* ---- less of them ---- */

static bool has_name(const char *const *names, const char *name)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool begins_one(const char *const *beginnings, const char *name)
{
	while (*beginnings != NULL && !text_has_prefix(name, *beginnings))
		beginnings++;
	return *beginnings != NULL;
}

/* Room for all of them, and the least. */
static enum error_class begin(const struct string_map *whole, struct arena *arena,
	struct string_pair **ret_pairs, struct error *error)
{
	*ret_pairs = arena_allocate_array(arena, whole->count + 1, sizeof(**ret_pairs));
	return *ret_pairs != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for permissions");
}

enum error_class permissions_to_read(const struct provider *provider,
	const struct string_map *whole, struct arena *arena, struct string_map *ret_read,
	struct error *error)
{
	const struct permission_names *names = provider->permission_names;
	struct string_pair *pairs;
	size_t count = 0;

	if (begin(whole, arena, &pairs, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < whole->count; i++)
		if (!has_name(names->only_written, whole->items[i].name))
			pairs[count++] = (struct string_pair){ whole->items[i].name, "read" };
	if (count == 0)
		pairs[count++] = names->least;
	*ret_read = (struct string_map){ pairs, count };
	return ERROR_NONE;
}

enum error_class permissions_of_no_repository(const struct provider *provider,
	const struct string_map *whole, struct arena *arena, struct string_map *ret_left,
	struct error *error)
{
	const struct permission_names *names = provider->permission_names;
	struct string_pair *pairs;
	size_t count = 0;

	if (begin(whole, arena, &pairs, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < whole->count; i++)
		if (begins_one(names->of_account, whole->items[i].name))
			pairs[count++] = whole->items[i];
	pairs[count++] = names->least;
	*ret_left = (struct string_map){ pairs, count };
	return ERROR_NONE;
}
