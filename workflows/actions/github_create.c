/*
 * The ways in which GitHub creates a repository: a fork, one from a template, or an empty one; and
 * whether the owner may get one.
 *
 * API: https://docs.github.com/rest/repos/repos, /rest/repos/forks, /rest/orgs/orgs.
 */
#include "actions/github_create.h"

#include <string.h>

#include "actions/github_names.h"
#include "slipway/provider.h"

struct account {
	const char *login;
};
static const struct field account_fields[] = { { STRING_FIELD("login", struct account, login) } };
static const struct record account_record = RECORD(struct account, account_fields);

struct fork_request {
	const char *organization, *name;
	bool default_branch_only;
};
static const struct field fork_fields[] = {
	{ STRING_FIELD("organization", struct fork_request, organization) },
	{ STRING_FIELD("name", struct fork_request, name) },
	{ BOOLEAN_FIELD("default_branch_only", struct fork_request, default_branch_only) },
};
static const struct record fork_record = RECORD(struct fork_request, fork_fields);

struct generate_request {
	const char *owner, *name, *description;
	bool private_repository;
};
static const struct field generate_fields[] = {
	{ STRING_FIELD("owner", struct generate_request, owner) },
	{ STRING_FIELD("name", struct generate_request, name) },
	{ STRING_FIELD("description", struct generate_request, description) },
	{ BOOLEAN_FIELD("private", struct generate_request, private_repository) },
};
static const struct record generate_record = RECORD(struct generate_request, generate_fields);

/* Neither fork nor template. It gets a first commit: a repository without one has no branch to work
 * on. */
struct create_request {
	const char *name, *description, *visibility;
	bool private_repository, auto_init;
};
static const struct field create_fields[] = {
	{ STRING_FIELD("name", struct create_request, name) },
	{ STRING_FIELD("description", struct create_request, description) },
	{ BOOLEAN_FIELD("private", struct create_request, private_repository) },
	{ BOOLEAN_FIELD("auto_init", struct create_request, auto_init) },
};
static const struct record create_record = RECORD(struct create_request, create_fields);

/* Of an organisation, which may have internal ones. */
static const struct field create_shared_fields[] = {
	{ STRING_FIELD("name", struct create_request, name) },
	{ STRING_FIELD("description", struct create_request, description) },
	{ BOOLEAN_FIELD("private", struct create_request, private_repository) },
	{ BOOLEAN_FIELD("auto_init", struct create_request, auto_init) },
	{ STRING_FIELD("visibility", struct create_request, visibility) },
};
static const struct record create_shared_record =
	RECORD(struct create_request, create_shared_fields);

/* For a fork into the token's own account, GitHub accepts no organization. */
static bool owner_is_organization(
	struct action_context *context, const char *owner, bool *ret_organization)
{
	struct provider_response response;
	const struct provider_request request = {
		.path = "/orgs/{org}", .parameters = { owner }, .expect = { 404 }
	};
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_organization = response.status != 404;
	return true;
}

/* Only a user's own token can create repositories for that user. An installation of an App, which
 * GitHub tells no account, can fork for the one where it is installed. */
static bool is_own_account(struct action_context *context, const struct creation *new)
{
	const char *owner = new->owner;
	struct provider_response response;
	struct account account;
	const struct provider_request request = { .path = "/user",
		.expect = { new->fork != NULL ? 403 : 0 } };
	bool answered = provider_call(context, &github, &request, &response);

	if (answered && response.status == 403)
		return true;
	if (answered && !provider_decode(context, &response, &account_record, &account))
		return false;
	if (answered && account.login != NULL && strcasecmp(account.login, owner) == 0)
		return true;
	if (answered)
		action_fail(context, ERROR_SCOPE_MISSING,
			"the token belongs to %s and cannot create repositories for %s",
			account.login != NULL ? account.login : "an unknown account", owner);
	if (answered || is_right_missing(context)) {
		action_remedy(context, NULL,
			"Use a personal access token of %s (a GitHub App token does not work), "
			"choose an organisation as owner, or create the repository yourself and "
			"set \"adopt\": true.",
			owner);
		action_remedy_input(context, "owner");
	}

	return false;
}

bool creation_check_owner(
	struct action_context *context, const struct creation *new, bool *ret_organization)
{
	*ret_organization = true;
	if (new->template_repository != NULL)
		return true;
	if (new->fork != NULL && !visibility_fits_fork(context, &new->asked, new->fork))
		return false;
	return owner_is_organization(context, new->owner, ret_organization) &&
		(*ret_organization || is_own_account(context, new));
}

static bool send_fork(struct action_context *context, const struct creation *new, bool organization,
	struct provider_response *response)
{
	const struct fork_request body = { organization ? new->owner : NULL, new->name, true };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{owner}/{repo}/forks",
		.body_record = &fork_record,
		.body = &body };
	return split_repository(context, new->fork, request.parameters) &&
		provider_call(context, &github, &request, response);
}

static bool send_plain(struct action_context *context, const struct creation *new,
	bool organization, struct provider_response *response)
{
	const char *visibility = visibility_to_make(&new->asked);
	const struct create_request body = { .name = new->name,
		.description = new->description,
		.visibility = strcmp(visibility, "internal") == 0 ? visibility : NULL,
		.private_repository = strcmp(visibility, "public") != 0,
		.auto_init = true };
	const struct provider_request of_owner = { .method = HTTP_POST,
		.path = "/orgs/{org}/repos",
		.parameters = { new->owner },
		.body_record = &create_shared_record,
		.body = &body };
	const struct provider_request of_token = { .method = HTTP_POST,
		.path = "/user/repos",
		.body_record = &create_record,
		.body = &body };

	return provider_call(context, &github, organization ? &of_owner : &of_token, response);
}

static bool send_generate(struct action_context *context, const struct creation *new,
	struct provider_response *response)
{
	const struct generate_request body = { new->owner, new->name, new->description,
		strcmp(visibility_to_make(&new->asked), "public") != 0 };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{template_owner}/{template_repo}/generate",
		.body_record = &generate_record,
		.body = &body };
	return split_repository(context, new->template_repository, request.parameters) &&
		provider_call(context, &github, &request, response);
}

bool creation_send(struct action_context *context, const struct creation *new, bool organization,
	struct provider_response *response)
{
	if (new->fork != NULL)
		return send_fork(context, new, organization, response);
	if (new->template_repository != NULL)
		return send_generate(context, new, response);
	return send_plain(context, new, organization, response);
}
