/*
 * vercel.project-delete: removes the projects that this app created, by their ids. Variables, deployments and the
 * projects' hold on their domains go with them.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include "actions.h"
#include "slipway/provider.h"
#include "vercel_removal.h"

struct input {
	const char *confirm;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("confirm", struct input, confirm), .required = true, .maximum = 64,
		.description = "The appId once more, to show that the removal is meant" },
};

static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed) },
	{ INTEGER_FIELD("left", struct removal_counts, left) },
};

static const struct field output_fields[] = {
	{ INTEGER_FIELD("removed", struct removal_counts, removed), .description = "How many projects are gone" },
	{ INTEGER_FIELD("left", struct removal_counts, left),
		.description = "How many were left, for this app had adopted them" },
};

static bool remove_project(struct action_context *context, const struct owned_resource *resource, bool *ret_gone)
{
	struct provider_answer answer;
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}",
		.parameters = { resource->id },
		.expect = { 404 } };
	*ret_gone = provider_call(context, &vercel, &request, &answer);
	return *ret_gone;
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

static enum action_result run(
	struct action_context *context, const void *raw_input, void *raw_checkpoint, void *raw_output)
{
	static const struct removal projects = { "project", remove_project };
	const struct input *input = raw_input;
	struct removal_counts *counts = raw_checkpoint;
	if (!removal_run(context, &projects, input->confirm, counts) || !forget_all(context, "deployment") ||
		!forget_all(context, "variable"))
		return action_failed(context);
	*(struct removal_counts *)raw_output = *counts;
	return action_done(context);
}

const struct action_definition vercel_project_delete = {
	.id = "vercel.project-delete",
	.summary = "Removes the Vercel projects that this app created",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct removal_counts, checkpoint_fields),
	.output = RECORD(struct removal_counts, output_fields),
	.run = run,
};
