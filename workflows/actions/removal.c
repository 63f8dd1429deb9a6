/*
 * The loop that all removals share: the newest resource first, each removed from the ledger as soon
 * as it is deleted.
 */
#include "actions/removal.h"

#include <string.h>

#define SETTLE_CHECK_MS 5000

const struct field removal_input_fields[1] = {
	{ STRING_FIELD("confirm", struct removal_input, confirm), .required = true, .maximum = 64,
		.given_each_time = true,
		.description = "The appId again, to confirm: everything that the app created is "
			       "deleted, with all its content" },
};
const struct field removal_counts_fields[2] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed),
		.description = "Number of resources that were removed" },
	{ INTEGER_FIELD("left", struct removal_counts, left),
		.description = "Number of resources that were kept, because they were adopted or "
			       "are no longer the app's" },
};

/* Whether no other app shares the resource. Also false if that cannot be determined. */
static bool is_alone(struct action_context *context, const struct ledger_resource *owned)
{
	const char *app;

	if (owned->id[0] == '\0')
		return true;
	if (!action_sharer(context, owned->provider, owned->type, owned->id, &app))
		return false;
	if (app == NULL)
		return true;
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"app '%s' shares the %s %s, so it was not removed", app, owned->type, owned->key);
	action_remedy(context, NULL,
		"Tear down '%s' first, which keeps the %s, then trigger the step again.", app,
		owned->type);
	return false;
}

static enum action_result call_remove(struct action_context *context, const struct removal *removal,
	const struct ledger_resource *owned, const char **ret_left)
{
	return removal->remove != NULL
		? removal->remove(context, owned, ret_left)
		: removal->remove_with(context, owned, removal->data, ret_left);
}

static enum action_result remove_one(struct action_context *context, const struct removal *removal,
	const struct ledger_resource *owned, struct removal_counts *counts)
{
	bool ours = owned->created || owned->pending;

	if (ours && !is_alone(context, owned))
		return action_failed(context);
	const char *left = ours ? NULL : "it was adopted, not created by the app";
	enum action_result result =
		ours ? call_remove(context, removal, owned, &left) : ACTION_DONE;
	if (result != ACTION_DONE)
		return result;
	if (left != NULL)
		action_log(context, "kept the %s %s: %s", owned->type, owned->key, left);
	if (!ledger_remove(context, owned->provider, owned->type, owned->key))
		return action_failed(context);
	if (left != NULL)
		counts->left++;
	else
		counts->removed++;
	return ACTION_DONE;
}

enum action_result removal_run(struct action_context *context, const struct removal *removal,
	const void *input, void *checkpoint, void *output)
{
	const char *confirm = ((const struct removal_input *)input)->confirm,
		   *app = action_app(context);
	struct removal_counts *counts = checkpoint;
	const struct ledger_resource *list;
	size_t count;

	if (strcmp(confirm, app) != 0) {
		action_fail(context, ERROR_INVALID_INPUT,
			"confirm is '%s', but the app is '%s': nothing was removed", confirm, app);
		action_remedy(context, NULL,
			"Set \"confirm\": \"%s\" to remove everything that '%s' created.", app,
			app);
		return action_remedy_input(context, "confirm");
	}

	if (!ledger_list(context, removal->provider, removal->type, &list, &count))
		return action_failed(context);
	for (size_t i = 0; i < count; i++) {
		action_difference(context, "the %s %s %s", removal->type, list[i].key,
			list[i].pending ? "will be removed if the app's request created it"
				: list[i].created ? "will be removed, with all its content"
						  : "will be kept, because it was adopted");
		action_found(context, list[i].id);
	}

	for (size_t i = 0; i < count; i++) {
		enum action_result result = remove_one(context, removal, &list[i], counts);
		if (result != ACTION_DONE)
			return result;
	}

	*(struct removal_counts *)output = *counts;
	return action_done(context);
}

enum action_result removal_settle(
	struct action_context *context, const struct ledger_resource *owned)
{
	if (!owned->pending || ledger_pending_age_ms(owned) >= REMOVAL_SETTLE_MS)
		return ACTION_DONE;
	return action_wait(context, SETTLE_CHECK_MS,
		"the %s %s, which was just requested, to appear", owned->type, owned->key);
}

bool removal_is_ours(struct action_context *context, const struct ledger_resource *owned,
	const char *id, int64_t made_at, bool *ret_ours)
{
	const char *holder;
	*ret_ours =
		strcmp(owned->id, id) == 0 ? owned->created : ledger_may_be_ours(owned, made_at);
	if (!*ret_ours)
		return true;
	bool asked = ledger_holder(context, owned->provider, owned->type, id, &holder);
	*ret_ours = holder == NULL;
	return asked;
}

bool removal_split(
	struct action_context *context, const char *key, const char **parameters, size_t count)
{
	const char *part = key;

	for (size_t i = 1; i < count; i++) {
		const char *slash = strchr(part, '/');
		if (slash == NULL) {
			action_fail(context, ERROR_INTERNAL,
				"ledger id '%s' does not have %zu parts", key, count);
			return false;
		}
		*parameters++ = action_format(context, "%.*s", (int)(slash - part), part);
		part = slash + 1;
	}

	*parameters = part;
	return true;
}
