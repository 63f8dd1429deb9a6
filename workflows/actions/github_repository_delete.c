/*
 * github.repository-delete: removes the repositories that this app made. Only what the ledger has as created goes, and
 * only after GitHub has shown it under the id that the ledger has: another repository under the name is left.
 *
 * A renamed repository is reached by its old name, for GitHub redirects, and then deleted by its new one. Each is taken
 * out of the ledger as soon as it is gone, so an attempt after a crash goes on with the next.
 *
 * API: https://docs.github.com/rest/repos/repos#delete-a-repository.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "slipway/provider.h"

#define BUSY_CHECK_MS 5000

struct input {
	const char *confirm;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("confirm", struct input, confirm), .required = true, .maximum = 64,
		.description = "The appId once more: repositories are deleted with all that is in them" },
};

struct counts {
	int64_t removed, left;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("removed", struct counts, removed) },
	{ INTEGER_FIELD("left", struct counts, left) },
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("removed", struct counts, removed),
		.description = "How many repositories are gone that the app had made" },
	{ INTEGER_FIELD("left", struct counts, left),
		.description = "How many were left, for they were adopted or are others under the same name" },
};

struct repository {
	const char *id, *full_name;
};
static const struct field repository_fields[] = {
	{ SCALAR_FIELD("id", struct repository, id), .required = true },
	{ STRING_FIELD("full_name", struct repository, full_name), .required = true },
};
static const struct record repository_record = RECORD(struct repository, repository_fields);

/* ---- calls ---- */

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
		action_remedy(context, action_format(context, "https://github.com/%s/settings", full_name),
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

/* ---- one after another ---- */

static bool disown(struct action_context *context, const struct owned_resource *owned, int64_t *count)
{
	if (!action_disown(context, "github", "repository", owned->key))
		return false;
	(*count)++;
	return true;
}

static bool leave(
	struct action_context *context, const struct owned_resource *owned, struct counts *counts, const char *reason)
{
	action_log(context, "left the repository %s: %s", owned->key, reason);
	return disown(context, owned, &counts->left);
}

/* Removes it, or leaves it, and takes it out of the ledger; *ret_busy where GitHub cannot delete it yet. */
static bool remove_one(
	struct action_context *context, const struct owned_resource *owned, struct counts *counts, bool *ret_busy)
{
	struct repository repository;
	bool there;
	*ret_busy = false;
	if (!owned->created)
		return leave(context, owned, counts, "it stood there before the app");
	if (!look(context, owned->key, &there, &repository))
		return false;
	if (there && strcmp(repository.id, owned->id) != 0)
		return leave(context, owned, counts, "it is another one under the same name");
	if (there && !send_delete(context, repository.full_name, ret_busy))
		return false;
	if (*ret_busy)
		return true;
	if (there)
		action_log(context, "deleted the repository %s", repository.full_name);
	else
		action_log(context, "the repository %s is not there any more", owned->key);
	return disown(context, owned, &counts->removed);
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct counts *counts = raw_checkpoint;
	const struct owned_resource *list;
	size_t count;
	bool busy = false;
	if (strcmp(input->confirm, action_app(context)) != 0) {
		action_fail(context, ERROR_INVALID_INPUT, "confirm is '%s', and the app is '%s': nothing was deleted",
			input->confirm, action_app(context));
		return action_remedy(context, NULL, "Set confirm to '%s' if its repositories are to be deleted.",
			action_app(context));
	}
	if (!action_ledger(context, "github", "repository", &list, &count))
		return action_failed(context);
	for (size_t i = 0; i < count; i++) {
		if (!remove_one(context, &list[i], counts, &busy))
			return action_failed(context);
		if (busy)
			return action_wait(context, BUSY_CHECK_MS, "GitHub to be ready to delete %s", list[i].key);
	}
	*(struct counts *)raw_output = *counts;
	return action_done(context);
}

static const struct string_pair permissions[] = { { "administration", "write" }, { "metadata", "read" },
	{ NULL, NULL } };

const struct action_definition github_repository_delete = {
	.id = "github.repository-delete",
	.summary = "Deletes the GitHub repositories that the app made",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct counts, checkpoint_fields),
	.output = RECORD(struct counts, output_fields),
	.run = run,
	.permissions = permissions,
};
