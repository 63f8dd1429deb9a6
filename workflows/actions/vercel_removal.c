#include "vercel_removal.h"

#include <string.h>

static bool remove_one(struct action_context *context, const struct removal *removal,
	const struct owned_resource *resource, struct removal_counts *counts)
{
	bool gone = false;
	if (resource->created && !removal->remove(context, resource, &gone))
		return false;
	if (!action_disown(context, "vercel", removal->type, resource->key))
		return false;
	counts->removed += gone ? 1 : 0;
	counts->left += gone ? 0 : 1;
	if (gone)
		action_log(context, "removed the %s %s", removal->type, resource->key);
	else if (!resource->created)
		action_log(context, "left the %s %s, which this app had adopted", removal->type, resource->key);
	return true;
}

bool removal_run(struct action_context *context, const struct removal *removal, const char *confirm,
	struct removal_counts *counts)
{
	const struct owned_resource *list;
	size_t count;
	if (strcmp(confirm, action_app(context)) != 0) {
		action_fail(context, ERROR_INVALID_INPUT,
			"confirm is '%s', but the app whose %ss would be removed is '%s'", confirm, removal->type,
			action_app(context));
		action_remedy(context, NULL, "Give \"confirm\": \"%s\" if you mean it.", action_app(context));
		return false;
	}
	if (!action_ledger(context, "vercel", removal->type, &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!remove_one(context, removal, &list[i], counts))
			return false;
	return true;
}
