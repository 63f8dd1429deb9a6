/*
 * Explains refused pushes. GitHub uses the same statuses for races and for rules; only the message
 * tells them apart.
 *
 * API: https://docs.github.com/rest/git/refs,
 * https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets.
 */
#include "actions/github_push.h"

#include <string.h>

#define SECRET_REMEDY                                                                              \
	"Remove the secret from the files and add it as a secret of the repository. If it is not " \
	"a secret, have "                                                                          \
	"somebody allow it on GitHub. Then trigger the step again."
#define SECRET_PAGE                                                                                \
	"https://docs.github.com/code-security/secret-scanning/working-with-push-protection"

static bool has_any(const char *message, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		if (strcasestr(message, *texts) != NULL)
			return true;
	return false;
}

bool push_lost_race(const struct provider_response *response)
{
	static const char *const moved[] = { "fast forward", "fast-forward", "but expected",
		"expected to be at", "does not match", NULL };
	const char *message = response->message;

	if (response->status != 409 && response->status != 422)
		return false;
	/* A conflict that GitHub does not explain. */
	return has_any(message, moved) ||
		(response->status == 409 &&
			(message[0] == '\0' || strcmp(message, "Conflict") == 0));
}

/* By a text in GitHub's message; the first match counts. */
static const struct rule {
	const char *text, *member, *remedy;
	const char *page; /* NULL: the page of the repository's rules */
} rules[] = {
	{ "secret detected", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "contain secrets", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "push protection", "files", SECRET_REMEDY, SECRET_PAGE },
	{ "pull request", "branch",
		"Choose a branch that accepts commits without a pull request, or let the token "
		"bypass the rule; then trigger the step again.",
		NULL },
	{ "signature", "branch",
		"Use a GitHub App, whose commits GitHub signs, choose another branch, or let the "
		"token bypass the rule; then trigger the step again.",
		NULL },
	{ "commit message", "message",
		"Use a message that the rule allows, or let the token bypass it; then trigger the "
		"step again.",
		NULL },
	{ "file ", "files",
		"Remove what the rule forbids, or let the token bypass it; then trigger the step "
		"again.",
		NULL },
	{ "rule violation", "branch",
		"Choose a branch without the rule, or let the token bypass it; then trigger the "
		"step again.",
		NULL },
	{ "protected ", "branch",
		"Choose a branch without this protection, or let the token bypass it; then trigger "
		"the step again.",
		NULL },
};

bool push_explain_rule(struct action_context *context, const char *repository)
{
	static const char *const signs[] = { "rule violation", "protected branch", "protected ref",
		"pull request", "secret detected", "push protection", NULL };
	const char *message = action_error(context)->message;

	if (!has_any(message, signs))
		return false;
	const struct rule *rule = rules;
	while (strcasestr(message, rule->text) == NULL)
		rule++;
	const char *page = rule->page != NULL
		? rule->page
		: provider_page(context, &github, "/%s/settings/rules", repository);
	action_remedy(context, page, "%s", rule->remedy);
	action_remedy_input(context, rule->member);
	return true;
}
