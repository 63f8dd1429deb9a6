/*
 * github.repository-delete: removes the repositories that this app made. Only what the ledger has as created goes, and
 * only after GitHub has shown it under the id that the ledger has: another repository under the name is left.
 *
 * A renamed repository is reached by its old name, for GitHub redirects, and then deleted by its new one.
 *
 * API: https://docs.github.com/rest/repos/repos#delete-a-repository.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "actions/removal.h"
#include "slipway/provider.h"

#define BUSY_CHECK_MS 5000

struct repository {
	const char *id, *full_name;
};
static const struct field repository_fields[] = {
	{ SCALAR_FIELD("id", struct repository, id), .required = true },
	{ STRING_FIELD("full_name", struct repository, full_name), .required = true },
};
static const struct record repository_record = RECORD(struct repository, repository_fields);

static bool look(
	struct action_context *context, const char *full_name, bool *ret_there, struct repository *ret_repository)
{
	struct provider_answer answer;
	struct provider_request request = { .path = "/repos/{owner}/{repo}", .expect = { 404 } };
	if (!split_repository(context, full_name, request.parameters) ||
		!provider_call(context, &github, &request, &answer))
		return false;
	*ret_there = answer.status != 404;
	return !*ret_there || provider_decode(context, &answer, &repository_record, ret_repository);
}

/* A refusal for want of rights names who can give them: the token's maker, or an owner of the organisation. */
static bool explain(struct action_context *context, const char *full_name)
{
	if (action_error(context)->class == ERROR_SCOPE_MISSING)
		action_remedy(context, provider_page(context, &github, "/%s/settings", full_name),
			"Give the token delete_repo (or Administration: write), have an owner allow members to delete "
			"repositories, or delete %s by hand; then trigger the step again.",
			full_name);
	return false;
}

static bool send_delete(struct action_context *context, const char *full_name, bool *ret_busy)
{
	struct provider_answer answer;
	struct provider_request request = {
		.method = HTTP_DELETE, .path = "/repos/{owner}/{repo}", .expect = { 404, 409 }
	};
	if (!split_repository(context, full_name, request.parameters))
		return false;
	if (!provider_call(context, &github, &request, &answer))
		return explain(context, full_name);
	*ret_busy = answer.status == 409;
	return true;
}

static enum action_result remove_repository(
	struct action_context *context, const struct owned_resource *owned, const char **ret_left)
{
	struct repository repository;
	bool there, busy = false;
	if (!look(context, owned->key, &there, &repository))
		return action_failed(context);
	if (there && strcmp(repository.id, owned->id) != 0) {
		*ret_left = "it is another one under the same name";
		return action_done(context);
	}
	if (there && !send_delete(context, repository.full_name, &busy))
		return action_failed(context);
	if (busy)
		return action_wait(context, BUSY_CHECK_MS, "GitHub to be ready to delete %s", owned->key);
	if (there)
		action_log(context, "deleted the repository %s", repository.full_name);
	else /* GitHub does not tell which */
		action_log(context, "the repository %s was gone already, or the token cannot see it", owned->key);
	return action_done(context);
}

static enum action_result run(struct action_context *context, const void *input, void *checkpoint, void *output)
{
	static const struct removal repositories = { "github", "repository", remove_repository };
	return removal_run(context, &repositories, input, checkpoint, output);
}

static const struct string_pair permissions[] = { { "administration", "write" }, { "metadata", "read" },
	{ NULL, NULL } };

const struct action_definition github_repository_delete = {
	.id = "github.repository-delete",
	.summary = "Deletes the GitHub repositories that the app made",
	.input = RECORD(struct removal_input, removal_input_fields),
	.checkpoint = RECORD(struct removal_counts, removal_counts_fields),
	.output = RECORD(struct removal_counts, removal_counts_fields),
	.run = run,
	.permissions = permissions,
};
