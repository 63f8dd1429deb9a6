/*
 * github.protection: protects a branch. It adds what the input asks for, and keeps all other
 * settings: what stands already and is stricter than requested is never lowered.
 *
 * What a ruleset already requires is not set again, and nothing is written if nothing would change.
 * Where rulesets govern the branch and it has no classic protection, what is missing goes into a
 * ruleset of the app's.
 */
#include "actions/github_protection.h"
#include "actions.h"
#include "actions/github_names.h"
#include "actions/github_protected.h"
#include "actions/github_ruleset.h"
#include "actions/github_rulesets.h"

static const char *const unsupported_ways[] = { "fail", "warn", NULL };

static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct protection_input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "Repository of the branch, as owner/name" },
	{ STRING_FIELD("branch", struct protection_input, branch), .fallback = "main",
		.pattern = BRANCH_PATTERN, .form = BRANCH_FORM, .maximum = BRANCH_MAX,
		.description = "The branch to protect" },
	{ STRINGS_FIELD("requiredChecks", struct protection_input, required_checks), .maximum = 100,
		.description = "Status checks that must pass before a merge, besides those that "
			       "are required already" },
	{ INTEGER_FIELD("requiredReviews", struct protection_input, required_reviews),
		.minimum = -1, .maximum = 6, .fallback = "-1",
		.description = "Approvals that a pull request needs; 0 requires a pull request "
			       "without approval; -1 keeps the current setting, and so does a "
			       "number below it" },
	{ BOOLEAN_FIELD("enforceAdmins", struct protection_input, enforce_admins),
		.description = "Apply the protection to administrators too; false keeps the "
			       "current setting" },
	{ STRING_FIELD("onUnsupported", struct protection_input, on_unsupported),
		.values = unsupported_ways, .fallback = "fail",
		.description = "What to do if the account's plan has no branch protection: fail, "
			       "or continue with a warning" },
};

struct output {
	const char *branch, *url, *warning;
	struct string_list kept;
	bool is_protected, changed;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("branch", struct output, branch), .description = "The branch" },
	{ BOOLEAN_FIELD("protected", struct output, is_protected),
		.description = "Whether the branch is protected as requested" },
	{ BOOLEAN_FIELD("changed", struct output, changed), .incidental = true,
		.description = "Whether this run changed the protection" },
	{ STRINGS_FIELD("kept", struct output, kept),
		.description = "What was stricter than requested and was kept" },
	{ STRING_FIELD("warning", struct output, warning),
		.description = "Why the branch is not protected" },
	{ STRING_FIELD("url", struct output, url), .description = "Page of the branch settings" },
};

/* ---- what is asked beside what stands ---- */

static bool names_check(const struct string_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

/* By name only: people decide which app a check is pinned to. */
static bool has_checks(const struct protection_standing *standing, const struct string_list *asked)
{
	for (size_t i = 0; i < asked->count; i++)
		if (!names_check(&standing->checks, asked->items[i]))
			return false;
	return true;
}

static bool is_as_asked(const struct protection_input *input, const struct protection *current,
	const struct protection_standing *standing, const struct branch_rules *rules)
{
	const struct string_list *asked = &input->required_checks;

	return (has_checks(standing, asked) || branch_rules_have_checks(rules, asked)) &&
		(input->required_reviews < 0 || standing->reviews >= input->required_reviews ||
			branch_rules_have_reviews(rules, input->required_reviews)) &&
		(protection_has_admins(current) || !input->enforce_admins);
}

/* The names of checks that stand but are not asked for, with commas between; "" if there are none.
 */
static const char *list_other_checks(struct action_context *context,
	const struct protection_input *input, const struct protection_standing *standing)
{
	const char *text = "";

	for (size_t i = 0; i < standing->checks.count && text != NULL; i++)
		if (!names_check(&input->required_checks, standing->checks.items[i]))
			text = action_format(context, "%s%s%s", text, text[0] != '\0' ? ", " : "",
				standing->checks.items[i]);
	return text;
}

/* Where nothing is asked for, nothing can be lowered. */
static bool tell_kept(struct action_context *context, const struct protection_input *input,
	const struct protection_standing *standing, struct output *output)
{
	const char **kept = action_allocate(context, 2, sizeof(*kept));
	const char *others = list_other_checks(context, input, standing);
	size_t count = 0;

	if (kept == NULL || others == NULL)
		return false;
	if (input->required_reviews >= 0 && standing->reviews > input->required_reviews)
		kept[count++] =
			action_format(context, "required approvals: %lld, where %lld are asked for",
				(long long)standing->reviews, (long long)input->required_reviews);
	if (input->required_checks.count > 0 && others[0] != '\0')
		kept[count++] = action_format(
			context, "required checks that are not asked for: %s", others);
	output->kept = (struct string_list){ kept, count };
	for (size_t i = 0; i < count; i++) {
		action_difference(context, "keeps %s", kept[i]);
		action_log(context,
			"branch %s of %s keeps %s; a person can lower that by hand at %s",
			input->branch, input->repository, kept[i], output->url);
	}

	return count == 0 || kept[count - 1] != NULL;
}

/* ---- the run ---- */

/* The call was refused. If the plan has no branch protection and the input allows that, the run
 * ends with a warning. */
static enum action_result refused(
	struct action_context *context, const struct protection_input *input, struct output *output)
{
	const struct error *error = action_error(context);
	if (error->class != ERROR_PLAN_LIMIT || strcmp(input->on_unsupported, "warn") != 0)
		return action_failed(context);
	output->branch = input->branch;
	output->warning = action_format(context,
		"branch %s is not protected: the account's plan has no branch protection for this "
		"repository",
		input->branch);
	action_difference(context, "%s", output->warning);
	action_log(context, "branch %s of %s remains unprotected: %s", input->branch,
		input->repository, error->message);
	return action_done(context);
}

static enum action_result tell_missing(
	struct action_context *context, const struct protection_input *input, bool late)
{
	if (late)
		return action_wait(context, 2000, "branch %s of %s to resolve", input->branch,
			input->repository);
	action_fail(context, ERROR_NOT_FOUND,
		"%s has no branch %s, or the token cannot administer the repository",
		input->repository, input->branch);
	action_remedy(context, provider_page(context, &github, "/%s/branches", input->repository),
		"Check both names, and give the token Administration: write on the repository.");
	return action_remedy_input(context, "branch");
}

static enum action_result fail_without_memory(
	struct action_context *context, const struct protection_input *input)
{
	return action_fail(context, ERROR_OUT_OF_MEMORY,
		"out of memory for what protects branch %s", input->branch);
}

static enum action_result finish(struct action_context *context,
	const struct protection_input *input, const struct protection_standing *standing,
	bool by_rules, struct output *output)
{
	output->branch = input->branch;
	output->is_protected = true;
	output->url = provider_page(context, &github, "/%s/settings/%s", input->repository,
		by_rules ? "rules" : "branches");
	if (output->changed || by_rules)
		action_log(context, "%s branch %s of %s",
			output->changed ? "protected" : "rulesets protect", input->branch,
			input->repository);
	if (!tell_kept(context, input, standing, output))
		return fail_without_memory(context, input);
	return action_done(context);
}

/* What a run has read, and what it changes. */
struct state {
	struct protection current;
	struct branch_rules rules;
	struct protection_standing standing;
	const char *ruleset; /* the id of ours; NULL: there is none */
	bool asked;          /* all that is asked stands */
};

static bool read_state(struct action_context *context, const struct protection_input *input,
	struct state *ret_state)
{
	static const struct branch_rules none;
	const struct protection *current = &ret_state->current;

	if (!protection_list_standing(context, current, &ret_state->standing)) {
		(void)fail_without_memory(context, input);
		return false;
	}

	ret_state->ruleset = ruleset_owned(context, input);
	ret_state->rules = none;
	ret_state->asked =
		current->exists && is_as_asked(input, current, &ret_state->standing, &none);
	if (ret_state->asked && ret_state->ruleset == NULL)
		return true;
	if (!branch_rules_read(context, input->repository, input->branch, &ret_state->rules))
		return false;
	ret_state->asked = (current->exists || branch_rules_protect(&ret_state->rules)) &&
		is_as_asked(input, current, &ret_state->standing, &ret_state->rules);
	return true;
}

/* A classic protection that stands is gone on with; no second place is opened beside it. */
static bool is_for_rulesets(const struct state *state)
{
	return state->ruleset != NULL || (!state->current.exists && state->rules.rules.count > 0);
}

static enum action_result protect(struct action_context *context,
	const struct protection_input *input, const struct state *state, struct output *output)
{
	struct provider_response response;
	struct ruleset_outcome outcome;

	if (!is_for_rulesets(state)) {
		if (!protection_write(context, input, &state->current, &response))
			return refused(context, input, output);
		output->changed = true;
		return response.status == 404
			? tell_missing(context, input, provider_is_late(context))
			: finish(context, input, &state->standing, false, output);
	}

	/* A ruleset may be about a branch that does not exist: nobody would be told of a mistake.
	 */
	if (state->current.branch_missing && !action_is_planned(context))
		return tell_missing(context, input, state->current.branch_late);
	if (!ruleset_ensure(context, input, &state->rules, &outcome))
		return refused(context, input, output);
	output->changed = outcome.changed;
	return outcome.missing ? tell_missing(context, input, false)
			       : finish(context, input, &state->standing, true, output);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct protection_input *input = raw_input;
	struct output *output = raw_output;
	struct state state = { .asked = false };
	(void)raw_checkpoint;

	if (!protection_read(context, input, &state.current))
		return refused(context, input, output);
	if (!read_state(context, input, &state))
		return action_failed(context);
	if (!branch_rules_list_standing(context, &state.rules, state.ruleset, &state.standing))
		return fail_without_memory(context, input);
	if (!state.asked)
		return protect(context, input, &state, output);
	return finish(context, input, &state.standing, state.rules.rules.count > 0, output);
}

static const struct string_pair permissions[] = { { "administration", "write" },
	{ "contents", "read" }, { "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_protection = {
	.id = "github.protection",
	.summary = "Protects a branch of a GitHub repository",
	.input = RECORD(struct protection_input, input_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.run = run,
	.permissions = permissions,
	.one_repository = true,
};
