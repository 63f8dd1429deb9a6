/*
 * Explains why a template or upstream cannot be used: GitHub returns 404 for a private repository
 * as well as for one that does not exist.
 */
#include "actions/github_source.h"

#include "actions/github_names.h"

#define TOLERANCE_MS 60000 /* of the start of a run */

struct source {
	const char *html_url;
	bool is_template;
};
static const struct field source_fields[] = {
	{ STRING_FIELD("html_url", struct source, html_url) },
	{ BOOLEAN_FIELD("is_template", struct source, is_template) },
};
static const struct record source_record = RECORD(struct source, source_fields);

static enum action_result refuse_invisible(
	struct action_context *context, const char *name, const char *member)
{
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub shows no repository %s: it does not exist, or the token cannot see it",
		name);
	action_remedy(context, NULL,
		"Check the name. If it is correct, give the token access to the repository; a "
		"GitHub App must be installed there.");
	return action_remedy_input(context, member);
}

static enum action_result refuse_ordinary(
	struct action_context *context, const char *name, const struct source *source)
{
	action_fail(context, ERROR_INVALID_INPUT, "%s is not a template repository", name);
	action_remedy(context,
		source->html_url != NULL ? action_format(context, "%s/settings", source->html_url)
					 : NULL,
		"Mark it as a template in its settings, or give it as \"fork\" instead. Then "
		"trigger the step again.");
	return action_remedy_input(context, "template");
}

enum action_result explain_missing_source(
	struct action_context *context, const char *source, const char *member, const char *owner)
{
	struct provider_response response;
	struct source found;
	struct provider_request request = { .path = "/repos/{owner}/{repo}", .expect = { 404 } };

	if (!split_repository(context, source, request.parameters) ||
		!provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (response.status == 404)
		return refuse_invisible(context, source, member);
	if (!provider_decode(context, &response, &source_record, &found))
		return action_failed(context);
	if (strcmp(member, "template") == 0 && !found.is_template)
		return refuse_ordinary(context, source, &found);
	action_fail(context, ERROR_SCOPE_MISSING,
		"GitHub does not let the token use %s to create a repository for %s", source,
		owner);
	return action_remedy(context, NULL,
		"Allow the token to create repositories for %s: a GitHub App must be installed "
		"there with Administration: write, and also where %s is; a fine-grained token must "
		"have that owner.",
		owner, source);
}

bool is_older_than_run(const struct action_context *context,
	const struct provider_response *response, const char *created_at)
{
	/* Both times are from GitHub's clock. */
	int64_t created_ms = provider_time(created_at), now_ms = response->date_at;
	return created_ms != 0 && now_ms != 0 &&
		now_ms - created_ms > action_run_elapsed_ms(context) + TOLERANCE_MS;
}
