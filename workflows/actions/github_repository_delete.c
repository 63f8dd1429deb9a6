/*
 * github.repository-delete: deletes the repositories that this app created. A row that the ledger
 * has as created is deleted if GitHub shows the repository under the id in the ledger. A pending
 * row is deleted if GitHub created the repository from the requested source and at about the time
 * of the request. Any other repository of that name is kept.
 *
 * GitHub redirects the old name of a renamed repository, so it is read by the old name and deleted
 * by the new one.
 *
 * API: https://docs.github.com/rest/repos/repos#delete-a-repository.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "actions/github_origin.h"
#include "actions/removal.h"
#include "slipway/provider.h"

#define BUSY_CHECK_MS 5000

/* If permissions are missing, say who can grant them: the token's creator or an owner of the
 * organisation. */
static bool explain(struct action_context *context, const char *full_name)
{
	if (is_right_missing(context))
		action_remedy(context, provider_page(context, &github, "/%s/settings", full_name),
			"Give the token the scope delete_repo (or Administration: write), ask an "
			"owner to allow members to delete repositories, or delete %s yourself. "
			"Then trigger the step again.",
			full_name);
	return false;
}

static bool send_delete(struct action_context *context, const char *full_name, bool *ret_busy)
{
	struct provider_response response;
	struct provider_request request = {
		.method = HTTP_DELETE, .path = "/repos/{owner}/{repo}", .expect = { 404, 409 }
	};

	if (!split_repository(context, full_name, request.parameters))
		return false;
	if (!provider_call(context, &github, &request, &response))
		return explain(context, full_name);
	*ret_busy = response.status == 409;
	return true;
}

/* A pending row has the source that was requested. */
static bool decide(struct action_context *context, const struct ledger_resource *owned,
	const struct repository *repository, bool *ret_ours)
{
	const char *id = repository_id(context, repository);
	if (id == NULL ||
		!removal_is_ours(
			context, owned, id, provider_time(repository->created_at), ret_ours))
		return false;
	if (!*ret_ours || strcmp(owned->id, id) == 0)
		return true;
	return repository_is_made_from(context, owned->source, repository, ret_ours);
}

static enum action_result remove_repository(
	struct action_context *context, const struct ledger_resource *owned, const char **ret_left)
{
	struct repository repository;
	const char *name[2];
	bool exists, ours = false, busy = false;

	if (!split_repository(context, owned->key, name) ||
		!repository_read(context, name[0], name[1], &exists, &repository) ||
		(exists && !decide(context, owned, &repository, &ours)))
		return action_failed(context);
	if (exists && !ours) {
		*ret_left = owned->pending ? "it is not the one that the app requested"
					   : "it is a different repository with the same name";
		return action_done(context);
	}

	if (exists && !send_delete(context, repository.full_name, &busy))
		return action_failed(context);
	if (busy)
		return action_wait(
			context, BUSY_CHECK_MS, "GitHub to allow the deletion of %s", owned->key);
	if (!exists && removal_settle(context, owned) != ACTION_DONE)
		return ACTION_WAITING;
	if (exists)
		action_log(context, "deleted repository %s", repository.full_name);
	else /* GitHub does not say which */
		action_log(context, "repository %s is already gone, or the token cannot see it",
			owned->key);
	return action_done(context);
}

/* A ruleset is deleted with its repository. That of a repository which is kept stays, as other
 * protection does. */
static bool forget_rulesets(struct action_context *context)
{
	const struct ledger_resource *list;
	size_t count;

	if (!ledger_list(context, "github", "ruleset", &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!ledger_remove(context, "github", "ruleset", list[i].key))
			return false;
	return true;
}

static enum action_result run(
	struct action_context *context, const void *input, void *checkpoint, void *output)
{
	static const struct removal repositories = {
		.provider = "github", .type = "repository", .remove = remove_repository
	};
	enum action_result result = removal_run(context, &repositories, input, checkpoint, output);
	return result == ACTION_DONE && !forget_rulesets(context) ? action_failed(context) : result;
}

static const struct string_pair permissions[] = { { "administration", "write" },
	{ "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_repository_delete = {
	.id = "github.repository-delete",
	.summary = "Deletes the GitHub repositories that the app created",
	.input = RECORD(struct removal_input, removal_input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.run = run,
	.reuse = ACTION_ALWAYS,
	.permissions = permissions,
};
