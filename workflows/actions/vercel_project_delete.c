/*
 * vercel.project-delete: removes the projects that this app created, by their ids. Variables, deployments and the
 * projects' hold on their domains go with them.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include "actions.h"
#include "actions/removal.h"
#include "slipway/provider.h"

static enum action_result remove_project(
	struct action_context *context, const struct owned_resource *owned, const char **ret_left)
{
	struct provider_answer answer;
	const struct provider_request request = {
		.method = HTTP_DELETE, .path = "/v9/projects/{idOrName}", .parameters = { owned->id }, .expect = { 404 }
	};
	(void)ret_left; /* the id is that of no other */
	if (!provider_call(context, &vercel, &request, &answer))
		return action_failed(context);
	action_log(context, "removed the project %s", owned->key);
	return action_done(context);
}

/* Deployments and variables are no longer this app's once their projects are not. */
static bool forget_all(struct action_context *context, const char *type)
{
	const struct owned_resource *list;
	size_t count;
	if (!action_ledger(context, "vercel", type, &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!action_disown(context, "vercel", type, list[i].key))
			return false;
	return true;
}

static enum action_result run(struct action_context *context, const void *input, void *checkpoint, void *output)
{
	static const struct removal projects = { "vercel", "project", remove_project };
	enum action_result result = removal_run(context, &projects, input, checkpoint, output);
	if (result == ACTION_DONE && (!forget_all(context, "deployment") || !forget_all(context, "variable")))
		return action_failed(context);
	return result;
}

const struct action_definition vercel_project_delete = {
	.id = "vercel.project-delete",
	.summary = "Removes the Vercel projects that this app created",
	.input = RECORD(struct removal_input, removal_input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.run = run,
};
