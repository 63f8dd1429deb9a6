/*
 * Splits owner/name, and explains a source that cannot be read: GitHub answers 404 for what is private as well
 * as for what does not exist.
 */
#include "actions/github_source.h"

#include "actions/github_names.h"

#define TOLERANCE_MS 60000 /* of when a run began */

struct source {
	const char *html_url;
	bool is_template;
};
static const struct field source_fields[] = {
	{ STRING_FIELD("html_url", struct source, html_url) },
	{ BOOLEAN_FIELD("is_template", struct source, is_template) },
};
static const struct record source_record = RECORD(struct source, source_fields);

static enum action_result refuse_invisible(struct action_context *context, const char *name, const char *member)
{
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub shows no repository %s: there is none, or the token may not see it", name);
	action_remedy(context, NULL,
		"Check the name. Where it is right, give the token access to it; a GitHub App has to be installed "
		"there.");
	return action_remedy_input(context, member);
}

static enum action_result refuse_ordinary(struct action_context *context, const char *name, const struct source *source)
{
	action_fail(context, ERROR_INVALID_INPUT, "%s is no template repository", name);
	action_remedy(context,
		source->html_url != NULL ? action_format(context, "%s/settings", source->html_url) : NULL,
		"Mark it as a template in its settings, or name it as \"fork\"; then trigger the step again.");
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
		"GitHub shows %s, and lets the token make no repository of %s from it", source, owner);
	return action_remedy(context, NULL,
		"Let the token make repositories of %s: an app has to be installed there with Administration: write, "
		"and "
		"where %s is, too; a fine-grained token has to be of that owner.",
		owner, source);
}

bool is_older_than_run(
	const struct action_context *context, const struct provider_response *response, const char *created_at)
{
	/* Both times are of GitHub's clock. */
	int64_t created_ms = provider_time(created_at), now_ms = response->date_at;
	return created_ms != 0 && now_ms != 0 && now_ms - created_ms > action_run_age_ms(context) + TOLERANCE_MS;
}
