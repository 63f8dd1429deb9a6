/*
 * Finds repositories that exist but cannot be used: archived, disabled, or without a commit.
 */
#include "actions/github_usable.h"

#include "actions/github_head.h"
#include "actions/github_names.h"
#include "slipway/provider.h"

#define FILLING_MS 300000 /* GitHub's advice: contact support if a fork takes longer */

enum action_result repository_check_usable(
	struct action_context *context, const struct repository *repository)
{
	if (!repository->archived && !repository->disabled)
		return ACTION_DONE;
	action_fail(context, ERROR_INVALID_INPUT, "%s is %s, so nothing can be written to it",
		repository->full_name, repository->archived ? "archived" : "disabled by GitHub");
	action_remedy(context,
		provider_page(context, &github, "/%s/settings", repository->full_name), "%s",
		repository->archived ? "Unarchive it in its settings, or choose another name."
				     : "Contact GitHub support, or choose another name.");
	return action_remedy_input(context, "name");
}

bool repository_has_commits(
	struct action_context *context, const struct repository *repository, bool *ret_has)
{
	struct provider_response response;
	struct object_list commits;
	const struct repository_owner *owner = repository->owner;
	const struct provider_request request = { .path = "/repos/{owner}/{repo}/commits",
		.parameters = { owner->login, repository->name },
		.query = { { "per_page", "1" } },
		.expect = { 404, 409 } };

	*ret_has = false;
	if (!provider_call(context, &github, &request, &response))
		return false;
	if (response.status >= 300)
		return true;
	if (!provider_decode_list(context, &response, &commit_record, &commits))
		return false;
	*ret_has = commits.count > 0;
	return true;
}

/* Forks and repositories from a template exist before they have content. */
bool repository_will_be_filled(struct action_context *context, const struct repository *repository)
{
	const char *key = repository_key(context, repository->full_name);
	int64_t made_ms_ago =
		key != NULL ? ledger_age_ms(context, "github", "repository", key) : -1;

	return repository->fork || repository->template_repository != NULL ||
		(made_ms_ago >= 0 && made_ms_ago < FILLING_MS);
}
