/*
 * The loop of all removals: the newest thing first, each taken out of the ledger as soon as it is gone.
 */
#include "actions/removal.h"

#include <string.h>

#define SETTLE_CHECK_MS 5000

const struct field removal_input_fields[1] = {
	{ STRING_FIELD("confirm", struct removal_input, confirm), .required = true, .maximum = 64,
		.given_each_time = true,
		.description = "The appId once more: what the app has made is removed with all that is in it" },
};
const struct field removal_counts_fields[2] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed),
		.description = "How many are gone that the app had made" },
	{ INTEGER_FIELD("left", struct removal_counts, left),
		.description = "How many were left, for they were adopted or are not the app's any more" },
};

/* False also where it cannot be asked. */
static bool is_alone(struct action_context *context, const struct ledger_resource *owned)
{
	const char *app;

	if (owned->id[0] == '\0')
		return true;
	if (!action_sharer(context, owned->provider, owned->type, owned->id, &app))
		return false;
	if (app == NULL)
		return true;
	action_fail(context, ERROR_CONFLICT_FOREIGN, "the app '%s' shares the %s %s, which was not removed", app,
		owned->type, owned->key);
	action_remedy(context, NULL, "Tear '%s' down first, which leaves the %s, then trigger the step again.", app,
		owned->type);
	return false;
}

static enum action_result remove_one(struct action_context *context, const struct removal *removal,
	const struct ledger_resource *owned, struct removal_counts *counts)
{
	bool ours = owned->created || owned->pending;

	if (ours && !is_alone(context, owned))
		return action_failed(context);
	const char *left = ours ? NULL : "it stood there before the app";
	enum action_result result = ours ? removal->remove(context, owned, &left) : ACTION_DONE;
	if (result != ACTION_DONE)
		return result;
	if (left != NULL)
		action_log(context, "left the %s %s: %s", owned->type, owned->key, left);
	if (!ledger_remove(context, owned->provider, owned->type, owned->key))
		return action_failed(context);
	if (left != NULL)
		counts->left++;
	else
		counts->removed++;
	return ACTION_DONE;
}

enum action_result removal_run(struct action_context *context, const struct removal *removal, const void *input,
	void *checkpoint, void *output)
{
	const char *confirm = ((const struct removal_input *)input)->confirm, *app = action_app(context);
	struct removal_counts *counts = checkpoint;
	const struct ledger_resource *list;
	size_t count;

	if (strcmp(confirm, app) != 0) {
		action_fail(context, ERROR_INVALID_INPUT, "confirm is '%s', and the app is '%s': nothing was removed",
			confirm, app);
		action_remedy(context, NULL, "Give \"confirm\": \"%s\" if what '%s' made is to be removed.", app, app);
		return action_remedy_input(context, "confirm");
	}

	if (!ledger_list(context, removal->provider, removal->type, &list, &count))
		return action_failed(context);
	for (size_t i = 0; i < count; i++)
		action_difference(context, "the %s %s %s", removal->type, list[i].key,
			list[i].pending           ? "is removed if it came of what the app asked for"
				: list[i].created ? "is removed, with all that is in it"
						  : "is left, for it was adopted");
	for (size_t i = 0; i < count; i++) {
		enum action_result result = remove_one(context, removal, &list[i], counts);
		if (result != ACTION_DONE)
			return result;
	}

	*(struct removal_counts *)output = *counts;
	return action_done(context);
}

enum action_result removal_settle(struct action_context *context, const struct ledger_resource *owned)
{
	if (!owned->pending || ledger_pending_age_ms(owned) >= REMOVAL_SETTLE_MS)
		return ACTION_DONE;
	return action_wait(context, SETTLE_CHECK_MS, "the %s %s, which was asked for a moment ago, to appear",
		owned->type, owned->key);
}

bool removal_is_ours(struct action_context *context, const struct ledger_resource *owned, const char *id,
	int64_t made_at, bool *ret_ours)
{
	const char *holder;
	*ret_ours = strcmp(owned->id, id) == 0 ? owned->created : ledger_may_be_ours(owned, made_at);
	if (!*ret_ours)
		return true;
	bool asked = ledger_holder(context, owned->provider, owned->type, id, &holder);
	*ret_ours = holder == NULL;
	return asked;
}

bool removal_split(struct action_context *context, const char *key, const char **parameters, size_t count)
{
	const char *part = key;

	for (size_t i = 1; i < count; i++) {
		const char *slash = strchr(part, '/');
		if (slash == NULL) {
			action_fail(context, ERROR_INTERNAL, "'%s' of the ledger has not %zu parts", key, count);
			return false;
		}
		*parameters++ = action_format(context, "%.*s", (int)(slash - part), part);
		part = slash + 1;
	}

	*parameters = part;
	return true;
}
