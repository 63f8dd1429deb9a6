/*
 * Visibility of repositories. The default is "private": with "public", one missing line would
 * publish a client's code.
 *
 * API: https://docs.github.com/rest/repos/repos#update-a-repository.
 */
#include "actions/github_visibility.h"

#include <string.h>

#include "actions/github_names.h"
#include "slipway/provider.h"

#define PRIVATE  "private"
#define INTERNAL "internal"
#define PUBLIC   "public"

/* What GitHub cannot do when it creates a repository is done right after, and never later: by then
 * people may have chosen. */
#define NEW_MS 3600000

const char *const visibilities[] = { PRIVATE, INTERNAL, PUBLIC, NULL };

struct visibility_request {
	const char *visibility;
};
static const struct field visibility_fields[] = {
	{ STRING_FIELD("visibility", struct visibility_request, visibility) },
};
static const struct record visibility_record = RECORD(struct visibility_request, visibility_fields);

static bool is(const char *text, const char *other)
{
	return text != NULL && strcmp(text, other) == 0;
}

void visibility_check(struct input_check *check, const struct visibility *asked)
{
	const char *older = asked->private_repository;
	const struct input_fault fault = { .member = "private",
		.remedy = "Remove it, and give \"visibility\" instead." };

	if (!input_is_known(older))
		return;
	if (!is(older, "true") && !is(older, "false"))
		input_fault(check, &fault, "it must be true or false");
	else if (input_is_known(asked->visibility) &&
		is(older, "true") == is(asked->visibility, PUBLIC))
		input_fault(check, &fault, "\"private\": %s contradicts \"visibility\": \"%s\"",
			older, asked->visibility);
}

const char *visibility_to_make(const struct visibility *asked)
{
	if (asked->visibility != NULL)
		return asked->visibility;
	return is(asked->private_repository, "false") ? PUBLIC : PRIVATE;
}

/* The older member only says that it is not public. */
static bool is_as_asked(const struct visibility *asked, const char *actual)
{
	if (actual == NULL)
		return true;
	if (asked->visibility != NULL)
		return is(actual, asked->visibility);
	return !is(asked->private_repository, "true") || !is(actual, PUBLIC);
}

static enum action_result make_internal(
	struct action_context *context, const struct repository *repository)
{
	struct provider_response response;
	const struct visibility_request body = { INTERNAL };
	const struct repository_owner *owner = repository->owner;
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/repos/{owner}/{repo}",
		.parameters = { owner->login, repository->name },
		.body_record = &visibility_record,
		.body = &body };

	action_difference(context, "%s is %s", repository->full_name, repository->visibility);
	if (!provider_call(context, &github, &request, &response)) {
		action_failed(context);
		return action_remedy_input(context, "visibility");
	}
	action_log(context, "made %s internal", repository->full_name);
	return ACTION_DONE;
}

bool visibility_fits_fork(
	struct action_context *context, const struct visibility *asked, const char *upstream)
{
	const char *names[2];
	struct repository found;
	bool exists;

	if (is_as_asked(asked, PUBLIC))
		return true;
	if (!split_repository(context, upstream, names) ||
		!repository_read(context, names[0], names[1], &exists, &found))
		return false;
	if (!exists || !is(found.visibility, PUBLIC))
		return true;
	action_fail(context, ERROR_INVALID_INPUT,
		"%s is public, and so is every fork of it, but this step asks for %s",
		found.full_name, visibility_to_make(asked));
	action_remedy(context, found.html_url,
		"Omit it for a public fork, or use a template instead of the fork.");
	action_remedy_input(context, asked->visibility != NULL ? "visibility" : "private");
	return false;
}

enum action_result visibility_settle(struct action_context *context, const struct visibility *asked,
	const struct repository *repository, bool made)
{
	const char *actual = repository->visibility;

	/* Of a fork that exists, the older `private` has never decided anything. */
	if (is_as_asked(asked, actual) || (repository->fork && asked->visibility == NULL))
		return ACTION_DONE;
	int64_t made_ms_ago = ledger_age_ms(
		context, "github", "repository", repository_key(context, repository->full_name));
	bool is_new = made && made_ms_ago >= 0 && made_ms_ago < NEW_MS;
	if (is_new && is(actual, PRIVATE) && is(asked->visibility, INTERNAL))
		return make_internal(context, repository);
	action_fail(context, ERROR_INVALID_INPUT, "%s is %s, but this step asks for %s",
		repository->full_name, actual, visibility_to_make(asked));
	action_remedy(context,
		provider_page(context, &github, "/%s/settings", repository->full_name),
		"Change it in the repository's settings, or set \"visibility\": \"%s\". A fork has "
		"the visibility of its upstream.",
		actual);
	return action_remedy_input(context, asked->visibility != NULL ? "visibility" : "private");
}
