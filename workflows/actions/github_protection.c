/*
 * github.protection: protects a branch. It sets what the input asks for, and keeps all other
 * settings of the protection.
 *
 * GitHub's PUT replaces the whole protection and resets what it omits. So the current protection is
 * read first and sent along, including the app that a check is pinned to. What a ruleset already
 * requires is not set again, and nothing is written if nothing would change.
 *
 * API: https://docs.github.com/rest/branches/branch-protection.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "actions/github_rulesets.h"
#include "slipway/provider.h"

static const char *const unsupported_ways[] = { "fail", "warn", NULL };

struct input {
	const char *repository, *branch, *on_unsupported;
	struct string_list required_checks;
	int64_t required_reviews;
	bool enforce_admins;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "Repository of the branch, as owner/name" },
	{ STRING_FIELD("branch", struct input, branch), .fallback = "main",
		.pattern = BRANCH_PATTERN, .form = BRANCH_FORM, .maximum = BRANCH_MAX,
		.description = "The branch to protect" },
	{ STRINGS_FIELD("requiredChecks", struct input, required_checks), .maximum = 100,
		.description = "Status checks that must pass before a merge; if absent, they are "
			       "not changed" },
	{ INTEGER_FIELD("requiredReviews", struct input, required_reviews), .minimum = -1,
		.maximum = 6, .fallback = "-1",
		.description = "Approvals that a pull request needs; 0 requires a pull request "
			       "without approval; -1 keeps the current setting" },
	{ BOOLEAN_FIELD("enforceAdmins", struct input, enforce_admins),
		.description = "Apply the protection to administrators too; false keeps the "
			       "current setting" },
	{ STRING_FIELD("onUnsupported", struct input, on_unsupported), .values = unsupported_ways,
		.fallback = "fail",
		.description = "What to do if the account's plan has no branch protection: fail, "
			       "or continue with a warning" },
};

struct output {
	const char *branch, *url, *warning;
	bool is_protected, changed;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("branch", struct output, branch), .description = "The branch" },
	{ BOOLEAN_FIELD("protected", struct output, is_protected),
		.description = "Whether the branch is protected as requested" },
	{ BOOLEAN_FIELD("changed", struct output, changed),
		.description = "Whether this run changed the protection" },
	{ STRING_FIELD("warning", struct output, warning),
		.description = "Why the branch is not protected" },
	{ STRING_FIELD("url", struct output, url), .description = "Page of the branch settings" },
};

/* ---- what GitHub returns ---- */

/* A user by login, a team or an app by slug. */
struct actor {
	const char *login, *slug;
};
static const struct field actor_fields[] = {
	{ STRING_FIELD("login", struct actor, login) },
	{ STRING_FIELD("slug", struct actor, slug) },
};
static const struct record actor_record = RECORD(struct actor, actor_fields);

struct actors {
	struct object_list users, teams, apps;
};
static const struct field actors_fields[] = {
	{ OBJECTS_FIELD("users", struct actors, users), .record = &actor_record },
	{ OBJECTS_FIELD("teams", struct actors, teams), .record = &actor_record },
	{ OBJECTS_FIELD("apps", struct actors, apps), .record = &actor_record },
};
static const struct record actors_record = RECORD(struct actors, actors_fields);

struct toggle {
	bool enabled;
};
static const struct field toggle_fields[] = { { BOOLEAN_FIELD(
	"enabled", struct toggle, enabled) } };
static const struct record toggle_record = RECORD(struct toggle, toggle_fields);

/* A check by one app (its id) or by any app: GitHub returns null for any but expects -1, and
 * chooses an app itself if the member is absent. */
#define ANY_APP (-1)
struct check {
	const char *context;
	int64_t app_id;
};
static const struct field check_fields[] = {
	{ STRING_FIELD("context", struct check, context), .required = true },
	{ INTEGER_FIELD("app_id", struct check, app_id), .omit_zero = true },
};
static const struct record check_record = RECORD(struct check, check_fields);

struct checks {
	bool strict;
	struct string_list contexts; /* the older form, for servers that have no other */
	struct object_list checks;
};
static const struct field checks_fields[] = {
	{ BOOLEAN_FIELD("strict", struct checks, strict) },
	{ STRINGS_FIELD("contexts", struct checks, contexts) },
	{ OBJECTS_FIELD("checks", struct checks, checks), .record = &check_record },
};
static const struct record checks_record = RECORD(struct checks, checks_fields);

struct reviews {
	bool dismiss_stale, code_owners, last_push;
	int64_t count;
	const void *dismissal, *bypass;
};
static const struct field reviews_fields[] = {
	{ BOOLEAN_FIELD("dismiss_stale_reviews", struct reviews, dismiss_stale) },
	{ BOOLEAN_FIELD("require_code_owner_reviews", struct reviews, code_owners) },
	{ BOOLEAN_FIELD("require_last_push_approval", struct reviews, last_push) },
	{ INTEGER_FIELD("required_approving_review_count", struct reviews, count) },
	{ OBJECT_FIELD("dismissal_restrictions", struct reviews, dismissal),
		.record = &actors_record },
	{ OBJECT_FIELD("bypass_pull_request_allowances", struct reviews, bypass),
		.record = &actors_record },
};
static const struct record reviews_record = RECORD(struct reviews, reviews_fields);

struct protection {
	const void *checks, *admins, *reviews, *restrictions;
	const void *linear, *force_pushes, *deletions, *creations, *resolution, *lock, *syncing;
};
static const struct field protection_fields[] = {
	{ OBJECT_FIELD("required_status_checks", struct protection, checks),
		.record = &checks_record },
	{ OBJECT_FIELD("enforce_admins", struct protection, admins), .record = &toggle_record },
	{ OBJECT_FIELD("required_pull_request_reviews", struct protection, reviews),
		.record = &reviews_record },
	{ OBJECT_FIELD("restrictions", struct protection, restrictions), .record = &actors_record },
	{ OBJECT_FIELD("required_linear_history", struct protection, linear),
		.record = &toggle_record },
	{ OBJECT_FIELD("allow_force_pushes", struct protection, force_pushes),
		.record = &toggle_record },
	{ OBJECT_FIELD("allow_deletions", struct protection, deletions), .record = &toggle_record },
	{ OBJECT_FIELD("block_creations", struct protection, creations), .record = &toggle_record },
	{ OBJECT_FIELD("required_conversation_resolution", struct protection, resolution),
		.record = &toggle_record },
	{ OBJECT_FIELD("lock_branch", struct protection, lock), .record = &toggle_record },
	{ OBJECT_FIELD("allow_fork_syncing", struct protection, syncing),
		.record = &toggle_record },
};
static const struct record protection_record = RECORD(struct protection, protection_fields);

/* ---- what we send: the same with names for actors and plain booleans ---- */

struct names {
	struct string_list users, teams, apps;
};
static const struct field names_fields[] = {
	{ STRINGS_FIELD("users", struct names, users), .required = true },
	{ STRINGS_FIELD("teams", struct names, teams), .required = true },
	{ STRINGS_FIELD("apps", struct names, apps), .required = true },
};
static const struct record names_record = RECORD(struct names, names_fields);

static const struct field checks_request_fields[] = {
	{ BOOLEAN_FIELD("strict", struct checks, strict) },
	{ OBJECTS_FIELD("checks", struct checks, checks), .required = true,
		.record = &check_record },
};
static const struct record checks_request_record = RECORD(struct checks, checks_request_fields);

static const struct field reviews_request_fields[] = {
	{ BOOLEAN_FIELD("dismiss_stale_reviews", struct reviews, dismiss_stale) },
	{ BOOLEAN_FIELD("require_code_owner_reviews", struct reviews, code_owners) },
	{ BOOLEAN_FIELD("require_last_push_approval", struct reviews, last_push) },
	{ INTEGER_FIELD("required_approving_review_count", struct reviews, count) },
	{ OBJECT_FIELD("dismissal_restrictions", struct reviews, dismissal),
		.record = &names_record },
	{ OBJECT_FIELD("bypass_pull_request_allowances", struct reviews, bypass),
		.record = &names_record },
};
static const struct record reviews_request_record = RECORD(struct reviews, reviews_request_fields);

struct protection_request {
	const void *checks, *reviews, *restrictions;
	bool admins, linear, force_pushes, deletions, creations, resolution, lock, syncing;
};
static const struct field request_fields[] = {
	/* GitHub requires all four, if only as null. */
	{ OBJECT_FIELD("required_status_checks", struct protection_request, checks),
		.record = &checks_request_record, .required = true },
	{ BOOLEAN_FIELD("enforce_admins", struct protection_request, admins) },
	{ OBJECT_FIELD("required_pull_request_reviews", struct protection_request, reviews),
		.record = &reviews_request_record, .required = true },
	{ OBJECT_FIELD("restrictions", struct protection_request, restrictions),
		.record = &names_record, .required = true },
	{ BOOLEAN_FIELD("required_linear_history", struct protection_request, linear),
		.omit_zero = true },
	{ BOOLEAN_FIELD("allow_force_pushes", struct protection_request, force_pushes),
		.omit_zero = true },
	{ BOOLEAN_FIELD("allow_deletions", struct protection_request, deletions),
		.omit_zero = true },
	{ BOOLEAN_FIELD("block_creations", struct protection_request, creations),
		.omit_zero = true },
	{ BOOLEAN_FIELD("required_conversation_resolution", struct protection_request, resolution),
		.omit_zero = true },
	{ BOOLEAN_FIELD("lock_branch", struct protection_request, lock), .omit_zero = true },
	{ BOOLEAN_FIELD("allow_fork_syncing", struct protection_request, syncing),
		.omit_zero = true },
};
static const struct record request_record = RECORD(struct protection_request, request_fields);

/* ---- from the current protection to the request ---- */

static bool is_on(const void *toggle)
{
	return toggle != NULL && ((const struct toggle *)toggle)->enabled;
}

static bool names_of(struct action_context *context, const struct object_list *list,
	struct string_list *ret_names)
{
	const struct actor *actors = list->items;
	const char **names = action_allocate(context, list->count + 1, sizeof(*names));
	if (names == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++)
		names[i] = actors[i].login != NULL ? actors[i].login : actors[i].slug;
	*ret_names = (struct string_list){ names, list->count };
	return true;
}

/* *ret_names stays NULL if there is no restriction at all, which differs from an empty list of
 * actors. */
static bool convert_actors(
	struct action_context *context, const void *current, const void **ret_names)
{
	const struct actors *actors = current;
	*ret_names = NULL;
	if (actors == NULL)
		return true;
	struct names *names = action_allocate(context, 1, sizeof(*names));
	*ret_names = names;
	return names != NULL && names_of(context, &actors->users, &names->users) &&
		names_of(context, &actors->teams, &names->teams) &&
		names_of(context, &actors->apps, &names->apps);
}

/* Adds the current entries of the check, or of all checks (NULL), pinned as they are; returns their
 * number. */
static size_t keep_checks(const struct checks *current, const char *name, struct check *list)
{
	const struct check *pinned = current != NULL ? current->checks.items : NULL;
	size_t count = 0;

	for (size_t i = 0; pinned != NULL && i < current->checks.count; i++)
		if (name == NULL || strcmp(pinned[i].context, name) == 0)
			list[count++] = (struct check){ pinned[i].context,
				pinned[i].app_id != 0 ? pinned[i].app_id : ANY_APP };
	return count;
}

/* Without checks, asks GitHub for none. Never sends the older form. */
static bool prepare_checks(struct action_context *context, const struct input *input,
	const struct checks *current, const void **ret_checks)
{
	const struct string_list *asked = &input->required_checks;
	size_t kept = current != NULL ? current->checks.count : 0, count = 0;

	*ret_checks = NULL;
	if (asked->count == 0 && current == NULL)
		return true;
	const struct string_list *names = asked->count > 0 ? asked : &current->contexts;
	struct checks *checks = action_allocate(context, 1, sizeof(*checks));
	struct check *list = action_allocate(context, names->count + kept + 1, sizeof(*list));
	*ret_checks = checks;
	if (checks == NULL || list == NULL)
		return false;
	if (asked->count == 0 && kept > 0)
		count = keep_checks(current, NULL, list);
	for (size_t i = 0; i < names->count && (asked->count > 0 || kept == 0); i++) {
		size_t found = keep_checks(current, names->items[i], &list[count]);
		if (found == 0)
			list[count + found++].context = names->items[i];
		count += found;
	}

	*checks = (struct checks){ .strict = current != NULL && current->strict,
		.checks = { list, count } };
	return true;
}

static bool prepare_reviews(struct action_context *context, const struct input *input,
	const struct reviews *current, const void **ret_reviews)
{
	*ret_reviews = NULL;
	if (current == NULL && input->required_reviews < 0)
		return true;
	struct reviews *reviews = action_allocate(context, 1, sizeof(*reviews));
	*ret_reviews = reviews;
	if (reviews == NULL)
		return false;
	if (current != NULL)
		*reviews = *current;
	if (input->required_reviews >= 0)
		reviews->count = input->required_reviews;
	return convert_actors(context, reviews->dismissal, &reviews->dismissal) &&
		convert_actors(context, reviews->bypass, &reviews->bypass);
}

static bool prepare(struct action_context *context, const struct input *input,
	const struct protection *current, struct protection_request *ret_request)
{
	*ret_request = (struct protection_request){ .admins = input->enforce_admins ||
			is_on(current->admins),
		.linear = is_on(current->linear),
		.force_pushes = is_on(current->force_pushes),
		.deletions = is_on(current->deletions),
		.creations = is_on(current->creations),
		.resolution = is_on(current->resolution),
		.lock = is_on(current->lock),
		.syncing = is_on(current->syncing) };
	if (prepare_checks(context, input, current->checks, &ret_request->checks) &&
		prepare_reviews(context, input, current->reviews, &ret_request->reviews) &&
		convert_actors(context, current->restrictions, &ret_request->restrictions))
		return true;
	action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the branch protection");
	return false;
}

static bool names_check(const struct string_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

/* By name only: people decide which app it is pinned to. */
static bool checks_are_as_asked(const struct string_list *asked, const struct checks *current)
{
	const struct check *pinned = current->checks.items;
	size_t found = 0;

	for (size_t i = 0; i < current->contexts.count; i++)
		if (!names_check(asked, current->contexts.items[i]))
			return false;
	for (size_t i = 0; i < current->checks.count; i++)
		if (!names_check(asked, pinned[i].context))
			return false;
	for (size_t i = 0; i < asked->count; i++) {
		bool has = names_check(&current->contexts, asked->items[i]);
		for (size_t j = 0; j < current->checks.count && !has; j++)
			has = strcmp(pinned[j].context, asked->items[i]) == 0;
		found += has ? 1 : 0;
	}

	return found == asked->count;
}

static bool is_as_asked(const struct input *input, const struct protection *current,
	const struct branch_rules *rules)
{
	const struct checks *checks = current->checks;
	const struct reviews *reviews = current->reviews;
	const struct string_list *asked = &input->required_checks;
	bool checks_equal = asked->count == 0 ||
		(checks != NULL && checks_are_as_asked(asked, checks)) ||
		branch_rules_have_checks(rules, asked);
	bool reviews_equal = input->required_reviews < 0 ||
		(reviews != NULL && reviews->count == input->required_reviews) ||
		branch_rules_have_reviews(rules, input->required_reviews);
	bool admins_equal = is_on(current->admins) || !input->enforce_admins;
	return checks_equal && reviews_equal && admins_equal;
}

/* ---- calls ---- */

#define PROTECTION_PATH "/repos/{owner}/{repo}/branches/{branch}/protection"

static bool read_protection(struct action_context *context, const struct input *input,
	bool *ret_exists, struct protection *ret_protection)
{
	struct provider_response response;
	struct provider_request request = { .path = PROTECTION_PATH, .expect = { 404 } };

	memset(ret_protection, 0, sizeof(*ret_protection));
	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = input->branch;
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return !*ret_exists ||
		provider_decode(context, &response, &protection_record, ret_protection);
}

static bool write_protection(struct action_context *context, const struct input *input,
	const struct protection *current, struct provider_response *response)
{
	struct protection_request body;
	struct provider_request request = { .method = HTTP_PUT,
		.path = PROTECTION_PATH,
		.body_record = &request_record,
		.body = &body,
		.expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters) ||
		!prepare(context, input, current, &body))
		return false;
	request.parameters[2] = input->branch;
	return provider_call(context, &github, &request, response);
}

/* The call was refused. If the plan has no branch protection and the input allows that, the run
 * ends with a warning. */
static enum action_result refused(
	struct action_context *context, const struct input *input, struct output *output)
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

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct protection current;
	struct branch_rules rules = { { NULL, 0 } };
	struct provider_response response;
	bool exists;
	(void)raw_checkpoint;

	if (!read_protection(context, input, &exists, &current))
		return refused(context, input, raw_output);
	bool changed = !exists || !is_as_asked(input, &current, &rules);
	if (changed && !branch_rules_read(context, input->repository, input->branch, &rules))
		return action_failed(context);
	changed = changed &&
		((!exists && !branch_rules_protect(&rules)) ||
			!is_as_asked(input, &current, &rules));
	if (changed && !write_protection(context, input, &current, &response))
		return refused(context, input, raw_output);
	if (changed && response.status == 404 && provider_is_late(context))
		return action_wait(context, 2000, "branch %s of %s to resolve", input->branch,
			input->repository);
	if (changed && response.status == 404) {
		action_fail(context, ERROR_NOT_FOUND,
			"%s has no branch %s, or the token cannot administer the repository",
			input->repository, input->branch);
		action_remedy(context,
			provider_page(context, &github, "/%s/branches", input->repository),
			"Check both names, and give the token Administration: write on the "
			"repository.");
		return action_remedy_input(context, "branch");
	}

	bool by_rules = !changed && rules.rules.count > 0;
	if (changed || by_rules)
		action_log(context, "%s branch %s of %s",
			changed ? "protected" : "rulesets protect", input->branch,
			input->repository);
	*(struct output *)raw_output = (struct output){ .branch = input->branch,
		.is_protected = true,
		.changed = changed,
		.url = provider_page(context, &github, "/%s/settings/%s", input->repository,
			by_rules ? "rules" : "branches") };
	return action_done(context);
}

static const struct string_pair permissions[] = { { "administration", "write" },
	{ "contents", "read" }, { "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_protection = {
	.id = "github.protection",
	.summary = "Protects a branch of a GitHub repository",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.permissions = permissions,
	.one_repository = true,
};
