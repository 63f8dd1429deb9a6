/*
 * Races and rules: GitHub has the same statuses for both, and only the text tells them apart.
 *
 * API: https://docs.github.com/rest/git/refs,
 * https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets.
 */
#include "actions/github_push.h"

#include <string.h>

#define SECRET_REMEDY                                                                                                  \
	"Take the secret out of the files and give it as a secret of the repository; where it is none, let somebody "  \
	"allow it at GitHub. Then trigger the step again."
#define SECRET_PAGE "https://docs.github.com/code-security/secret-scanning/working-with-push-protection"

static bool has_any(const char *message, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		if (strcasestr(message, *texts) != NULL)
			return true;
	return false;
}

bool push_lost_race(const struct provider_response *response)
{
	static const char *const moved[] = { "fast forward", "fast-forward", "but expected", "expected to be at",
		"does not match", NULL };
	const char *message = response->message;

	if (response->status != 409 && response->status != 422)
		return false;
	/* A conflict of which GitHub says no more. */
	return has_any(message, moved) ||
		(response->status == 409 && (message[0] == '\0' || strcmp(message, "Conflict") == 0));
}

/* By what the text speaks of: the first row that fits. */
static const struct rule {
	const char *text, *member, *remedy;
	const char *page; /* NULL: that of the repository's rules */
} rules[] = {
	{ "secret detected", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "contain secrets", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "push protection", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "pull request", "branch",
		"Choose a branch that takes commits without a pull request, or let the token past that rule; then "
		"trigger the step again.",
		NULL },
	{ "signature", "branch",
		"Use a GitHub App, whose commits GitHub signs, another branch, or let the token past that rule; then "
		"trigger the step again.",
		NULL },
	{ "commit message", "message",
		"Give a message that the rule allows, or let the token past it; then trigger the step again.", NULL },
	{ "file ", "files", "Leave out what the rule forbids, or let the token past it; then trigger the step again.",
		NULL },
	{ "rule violation", "branch",
		"Choose a branch without that rule, or let the token past it; then trigger the step again.", NULL },
	{ "protected ", "branch",
		"Choose a branch that is not protected so, or let the token past it; then trigger the step again.",
		NULL },
};

bool push_explain_rule(struct action_context *context, const char *repository)
{
	static const char *const signs[] = { "rule violation", "protected branch", "protected ref", "pull request",
		"secret detected", "push protection", NULL };
	const char *message = action_error(context)->message;

	if (!has_any(message, signs))
		return false;
	const struct rule *rule = rules;
	while (strcasestr(message, rule->text) == NULL)
		rule++;
	const char *page =
		rule->page != NULL ? rule->page : provider_page(context, &github, "/%s/settings/rules", repository);
	action_remedy(context, page, "%s", rule->remedy);
	action_remedy_input(context, rule->member);
	return true;
}
