/*
 * vercel.project-delete: deletes the projects that this app created, by id. Their variables,
 * deployments and domain assignments go with them. A project that is pending in the ledger is
 * looked up by name first, and deleted if Vercel created it at about the time of the app's request.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include "actions.h"
#include "actions/removal.h"
#include "slipway/provider.h"

struct project {
	const char *id;
	int64_t created_at;
};
static const struct field project_fields[] = {
	{ STRING_FIELD("id", struct project, id), .required = true },
	{ INTEGER_FIELD("createdAt", struct project, created_at) },
};
static const struct record project_record = RECORD(struct project, project_fields);

/* Finds the project that the request created; *ret_id is NULL if there is none, or if it is not
 * ours. */
static bool find_pending(struct action_context *context, const struct ledger_resource *owned,
	const char **ret_id, const char **ret_left)
{
	struct provider_response response;
	struct project project;
	const struct provider_request request = {
		.path = "/v9/projects/{idOrName}", .parameters = { owned->key }, .expect = { 404 }
	};

	*ret_id = NULL;
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	if (response.status == 404)
		return true;
	if (!provider_decode(context, &response, &project_record, &project))
		return false;
	bool ours;
	if (!removal_is_ours(context, owned, project.id, project.created_at, &ours))
		return false;
	if (ours)
		*ret_id = project.id;
	else
		*ret_left = "it is not the one that the app requested";
	return true;
}

static enum action_result remove_project(
	struct action_context *context, const struct ledger_resource *owned, const char **ret_left)
{
	struct provider_response response;
	const char *id = owned->id; /* ids are never reused */

	if (owned->pending && !find_pending(context, owned, &id, ret_left))
		return action_failed(context);
	if (id == NULL && *ret_left == NULL)
		return removal_settle(context, owned);
	if (id == NULL)
		return action_done(context);
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}",
		.parameters = { id },
		.expect = { 404 } };
	if (!provider_call(context, &vercel, &request, &response))
		return action_failed(context);
	action_log(context, "deleted project %s", owned->key);
	return action_done(context);
}

/* Deployments and variables are deleted with their projects. */
static bool forget_all(struct action_context *context, const char *type)
{
	const struct ledger_resource *list;
	size_t count;
	if (!ledger_list(context, "vercel", type, &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!ledger_remove(context, "vercel", type, list[i].key))
			return false;
	return true;
}

static enum action_result run(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	static const struct removal projects = {
		.provider = "vercel", .type = "project", .remove = remove_project
	};
	enum action_result result = removal_run(context, &projects, input, checkpoint, output);
	if (result == ACTION_DONE &&
		(!forget_all(context, "deployment") || !forget_all(context, "variable")))
		return action_failed(context);
	return result;
}

const struct action_definition vercel_project_delete = {
	.id = "vercel.project-delete",
	.summary = "Deletes the Vercel projects that the app created",
	.input = RECORD(struct removal_input, removal_input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.run = run,
	.reuse = ACTION_ALWAYS,
};
