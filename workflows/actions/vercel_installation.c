/*
 * Reads which accounts at GitHub Vercel sees, by its app and by the login of the token's user.
 *
 * API: @vercel/sdk, integrations.gitNamespaces.
 */
#include "vercel_installation.h"

#include <string.h>

#include "slipway/provider.h"

struct git_account {
	const char *slug;
	bool ended, restricted;
};
static const struct field git_account_fields[] = {
	{ STRING_FIELD("slug", struct git_account, slug) },
	{ BOOLEAN_FIELD("requireReauth", struct git_account, ended) },
	{ BOOLEAN_FIELD("isAccessRestricted", struct git_account, restricted) },
};
static const struct record git_account_record = RECORD(struct git_account, git_account_fields);

static const struct git_account *find_account(
	const struct object_list *list, const char *repository)
{
	const struct git_account *accounts = list->items;
	size_t length = strcspn(repository, "/");

	for (size_t i = 0; i < list->count; i++)
		if (accounts[i].slug != NULL && strlen(accounts[i].slug) == length &&
			strncasecmp(accounts[i].slug, repository, length) == 0)
			return &accounts[i];
	return NULL;
}

static enum action_result fail_unseen(
	struct action_context *context, const char *repository, const struct git_account *account)
{
	const char *what = account == NULL ? "does not see"
		: account->ended           ? "has to be connected again with"
					   : "has only restricted access to";

	action_fail(context, ERROR_APP_NOT_INSTALLED, "Vercel %s the owner of %s at GitHub", what,
		repository);
	if (account != NULL && account->ended)
		return action_remedy(context, "https://vercel.com/account/login-connections",
			"Connect the Vercel account of the token with GitHub again, then trigger "
			"the step again.");
	if (account != NULL)
		return action_remedy(context, "https://github.com/apps/vercel",
			"Let an owner of that account allow Vercel's GitHub app there, or add "
			"Vercel to its IP allow list. Then trigger the step again.");
	return action_remedy(context, "https://github.com/apps/vercel",
		"Install Vercel's GitHub app for that owner, and connect the Vercel account of the "
		"token with a GitHub login that sees it. Then trigger the step again.");
}

enum action_result installation_look(struct action_context *context, const char *repository)
{
	struct provider_response response;
	struct object_list accounts;
	const struct provider_request request = { .path = "/v1/integrations/git-namespaces",
		.query = { { "provider", "github" } },
		.unscoped = true,
		.expect = { 403, 404 } };

	if (!provider_call(context, &vercel, &request, &response))
		return action_failed(context);
	if (response.status >= 400)
		return ACTION_DONE;
	if (!provider_decode_list(context, &response, &git_account_record, &accounts))
		return action_failed(context);

	const struct git_account *account = find_account(&accounts, repository);
	bool usable = account != NULL && !account->ended && !account->restricted;
	return usable ? ACTION_DONE : fail_unseen(context, repository, account);
}

enum action_result installation_foresee(struct action_context *context, const char *repository)
{
	return action_is_planned(context) ? installation_look(context, repository) : ACTION_DONE;
}
