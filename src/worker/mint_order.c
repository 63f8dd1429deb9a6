/* Permissions are compared with the tables of the actions, which are the same in each process. */
#include "worker/mint_order.h"

#include <string.h>

#include "base/json.h"
#include "core/dry_run.h"
#include "core/workflow.h"
#include "provider/permissions.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "worker/decline.h"
#include "worker/handover.h"

#define NAME_MAX_LENGTH 100 /* as GitHub has it */

static const struct field wish_fields[] = {
	{ STRING_FIELD("owner", struct mint_wish, owner), .required = true },
	{ STRING_FIELD("repository", struct mint_wish, repository), .required = true },
	{ MAP_FIELD("permissions", struct mint_wish, permissions) },
	{ BOOLEAN_FIELD("refresh", struct mint_wish, refresh) },
	{ INTEGER_FIELD("made_ago_ms", struct mint_wish, made_ago_ms) },
	{ BOOLEAN_FIELD("page", struct mint_wish, page) },
	{ BOOLEAN_FIELD("checks", struct mint_wish, checks) },
	{ BOOLEAN_FIELD("missing", struct mint_wish, missing) },
	{ INTEGER_FIELD("time_left_ms", struct mint_wish, time_left_ms) },
	{ STRING_FIELD("key", struct mint_wish, key), .required = true },
};
const struct record mint_wish_record = RECORD(struct mint_wish, wish_fields);

static const struct field order_fields[] = {
	{ STRING_FIELD("signature", struct mint_order, signature), .required = true },
	{ INTEGER_FIELD("skew", struct mint_order, skew_seconds) },
	{ STRING_FIELD("provider", struct mint_order, provider), .required = true },
	{ STRING_FIELD("tenant", struct mint_order, tenant), .required = true },
	{ STRING_FIELD("name", struct mint_order, name), .required = true },
	{ STRING_FIELD("record", struct mint_order, record), .required = true },
	{ OBJECT_FIELD("wish", struct mint_order, wish), .record = &mint_wish_record },
};
const struct record mint_order_record = RECORD(struct mint_order, order_fields);

/* ---- what the step may have ---- */

static bool is_pair(const struct string_pair *one, const struct string_pair *other)
{
	return strcmp(one->name, other->name) == 0 && strcmp(one->value, other->value) == 0;
}

static bool has_pair(const struct string_pair *table, const struct string_pair *wanted)
{
	while (table != NULL && table->name != NULL && !is_pair(table, wanted))
		table++;
	return table != NULL && table->name != NULL;
}

/* An action without a table has nothing. */
static bool may_have(const struct action_definition *action, const struct provider *provider,
	const struct string_map *wanted)
{
	const struct string_pair *least = &provider->permission_names->least;

	for (size_t i = 0; i < wanted->count; i++)
		if (!is_pair(&wanted->items[i], least) &&
			!has_pair(action->permissions, &wanted->items[i]) &&
			!has_pair(action->more_permissions, &wanted->items[i]))
			return false;
	return action->permissions != NULL;
}

/* A plan looks with the actions of all steps. */
static bool has_permissions(const struct opening *opening, const struct provider *provider,
	const struct step_definition *step)
{
	const struct mint_wish *wanted = opening->wish;
	const struct workflow_definition *workflow = workflow_find(opening->workflow);
	const bool is_plan = step_is_dry_run(step);

	for (size_t i = 0; workflow != NULL && i < workflow->step_count; i++) {
		const struct step_definition *of = is_plan ? &workflow->steps[i] : step;
		if (action_calls(of->action, opening->provider) &&
			may_have(of->action, provider, &wanted->permissions))
			return true;
	}
	return false;
}

/* What is only checked is no token. */
static bool lacks_repository(const struct step_definition *step, const struct mint_wish *wanted)
{
	return !step_is_dry_run(step) && step->action->one_repository && !wanted->page &&
		!wanted->checks && wanted->repository[0] == '\0';
}

/* No permissions at all would be all that there are. */
static enum error_class check_right(const struct opening *opening, const struct provider *provider,
	const struct step_definition *step, struct error *error)
{
	const struct mint_wish *wanted = opening->wish;
	const char *why;

	if (wanted->permissions.count == 0)
		why = "its permissions have to be named";
	else if (!has_permissions(opening, provider, step))
		why = step_is_dry_run(step) ? "no action of its workflow has these permissions"
					    : "its action does not have these permissions";
	else if (lacks_repository(step, wanted))
		why = "the repository has to be named";
	else
		return ERROR_NONE;
	return error_set(error, ERROR_NOT_ALLOWED, "the step '%s' gets no such token for %s: %s",
		opening->step, opening->provider, why);
}

/* Of an owner or a repository, as providers have them; nothing stands for a part of a path. */
static bool is_name(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_.";
	const size_t length = strlen(text);

	return length > 0 && length <= NAME_MAX_LENGTH && strspn(text, letters) == length &&
		strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static enum error_class check_form(
	const struct opening *opening, const struct mint_wish *wish, struct error *error)
{
	const bool names_none = wish->owner[0] == '\0' && wish->repository[0] == '\0';

	if (strlen(wish->key) >= HANDOVER_KEY_SIZE)
		return error_set(error, ERROR_NOT_ALLOWED, "there is no such key to answer to");
	if (!names_none && !(is_name(wish->owner) && is_name(wish->repository)))
		return error_set(error, ERROR_NOT_ALLOWED,
			"'%.80s/%.80s' is no name of a repository", wish->owner, wish->repository);
	if (opening->skew_seconds > MINT_SKEW_MAX || opening->skew_seconds < -MINT_SKEW_MAX)
		return error_set(error, ERROR_NOT_ALLOWED,
			"an app signs nothing for a time that is more than a day away");
	return ERROR_NONE;
}

static enum error_class check_repository(const struct connection *connection,
	const struct mint_wish *wish, struct arena *arena, struct error *error)
{
	const char *whole = arena_format(arena, "%s/%s", wish->owner, wish->repository);

	if (whole == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an order");
	if (connection == NULL || wish->repository[0] == '\0' ||
		connection_allows_repository(connection, whole))
		return ERROR_NONE;
	return error_set(error, ERROR_NOT_ALLOWED,
		"the connection '%s' does not list the repository '%.160s'", connection->name,
		whole);
}

/* A plan changes nothing, so it may not either. And what is about repositories is for one that is
 * named, where the action does not make it first. */
static enum error_class narrow(const struct provider *provider, const struct step_definition *step,
	struct mint_wish *wish, struct arena *arena, struct error *error)
{
	const bool is_plan = step_is_dry_run(step), is_named = wish->repository[0] != '\0';
	struct string_map whole = wish->permissions;

	wish->missing = wish->missing && (is_plan || !step->action->one_repository);
	if (wish->checks)
		return ERROR_NONE;
	if (is_plan &&
		permissions_to_read(provider, &whole, arena, &wish->permissions, error) !=
			ERROR_NONE)
		return error->class;
	whole = wish->permissions;
	return is_named || step->action->makes_repositories
		? ERROR_NONE
		: permissions_of_no_repository(provider, &whole, arena, &wish->permissions, error);
}

enum error_class mint_wish_check(const struct opening *opening, const struct connection *connection,
	struct arena *arena, struct mint_wish *ret_wish, struct error *error)
{
	const struct run_name name = { opening->tenant, opening->app, opening->workflow,
		opening->step };
	const struct step_definition *step = step_of(&name);
	const struct provider *provider = provider_find(opening->provider);

	if (step == NULL || opening->wish == NULL || provider == NULL ||
		provider->permission_names == NULL)
		return error_set(error, ERROR_INTERNAL, "nothing is wished of a minter");
	*ret_wish = *(const struct mint_wish *)opening->wish;
	if (check_form(opening, ret_wish, error) != ERROR_NONE)
		return error->class;
	if (check_right(opening, provider, step, error) != ERROR_NONE)
		return error->class;
	return check_repository(connection, ret_wish, arena, error) == ERROR_NONE
		? narrow(provider, step, ret_wish, arena, error)
		: error->class;
}

enum error_class mint_order_write(const struct opening *opening, const struct mint_wish *wish,
	const char *signature, struct arena *arena, const char **ret_order, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;
	const struct mint_order order = { signature, opening->skew_seconds, opening->provider,
		opening->tenant, opening->name, opening->record, wish };

	if (record_encode(&mint_order_record, &order, &json, error) != ERROR_NONE)
		return error->class;
	*ret_order = json_print(arena, json);
	return *ret_order != NULL ? ERROR_NONE
				  : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for an order");
}
