/*
 * github.repository: creates a repository (empty, from a template or as a fork) or adopts one. It
 * is done when the default branch resolves.
 *
 * Natural key: owner/name, in lower case. A repository is ours if our ledger has its id, if it is a
 * fork of the requested upstream (an account can have only one), or if the input says to adopt it.
 * If our ledger has it as pending, it is ours, and created by us, if GitHub created it from the
 * same source and at about the time of our request. A repository that GitHub redirects to has
 * another name: if it is not ours, the requested name is free.
 *
 * API: https://docs.github.com/rest/repos/repos, /rest/repos/forks, /rest/branches/branches,
 * /rest/commits/commits.
 */
#include "actions.h"
#include "actions/github_create.h"
#include "actions/github_head.h"
#include "actions/github_names.h"
#include "actions/github_origin.h"
#include "actions/github_source.h"
#include "actions/github_usable.h"
#include "slipway/provider.h"

#define OWNER_PATTERN   "^[A-Za-z0-9][A-Za-z0-9-]{0,38}$"
#define OWNER_FORM      "the name of a user or an organisation: letters, digits and -"
#define NAME_PATTERN    "^[A-Za-z0-9._-]{1,100}$"
#define NAME_FORM       "at most 100 letters, digits and . _ -"
#define READY_BUDGET_MS 300000 /* GitHub's advice: contact support if a fork takes longer */
#define READY_CHECKS    2      /* in a row: a single success can flap on a new repository */

struct input {
	struct creation new;
	bool adopt, share;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("owner", struct input, new.owner), .required = true,
		.pattern = OWNER_PATTERN, .form = OWNER_FORM,
		.description = "User or organisation that owns the repository" },
	{ STRING_FIELD("name", struct input, new.name), .required = true, .pattern = NAME_PATTERN,
		.form = NAME_FORM, .description = "Name of the repository" },
	{ STRING_FIELD("template", struct input, new.template_repository),
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "Template repository to create it from, as owner/name; without "
			       "template and fork, the repository contains only a README" },
	{ STRING_FIELD("fork", struct input, new.fork), .pattern = REPOSITORY_PATTERN,
		.form = REPOSITORY_FORM, .description = "Repository to fork, as owner/name" },
	{ STRING_FIELD("description", struct input, new.description), .maximum = 350,
		.description = "Short description; a fork keeps the one of its upstream" },
	{ STRING_FIELD("visibility", struct input, new.asked.visibility), .values = visibilities,
		.description = "Who can see it: private if absent; a fork has the visibility of "
			       "its upstream. Organisations of an enterprise also have internal" },
	{ SCALAR_FIELD("private", struct input, new.asked.private_repository),
		.description = "Older form of \"visibility\": true for private, false for public" },
	{ BOOLEAN_FIELD("adopt", struct input, adopt),
		.description = "Use an existing repository of this name, whoever created it" },
	{ BOOLEAN_FIELD("share", struct input, share),
		.description = "Share it with other apps that also set share; only the app that "
			       "created it deletes it, once no other app uses it" },
};

struct checkpoint {
	int64_t requested_age_ms; /* age of the run when it was requested */
	int64_t ready_checks;
	bool taken; /* GitHub reported that the name is taken */
	bool created;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("askedMs", struct checkpoint, requested_age_ms) },
	{ BOOLEAN_FIELD("taken", struct checkpoint, taken) },
	{ INTEGER_FIELD("readyChecks", struct checkpoint, ready_checks) },
	{ BOOLEAN_FIELD("created", struct checkpoint, created) },
};

struct output {
	const char *full_name, *owner, *name, *default_branch, *head_commit, *url, *visibility;
	int64_t id;
	bool created;
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("id", struct output, id), .description = "GitHub's id of the repository" },
	{ STRING_FIELD("fullName", struct output, full_name), .description = "owner/name" },
	{ STRING_FIELD("owner", struct output, owner), .description = "Owner of the repository" },
	{ STRING_FIELD("name", struct output, name), .description = "Name of the repository" },
	{ STRING_FIELD("defaultBranch", struct output, default_branch),
		.description = "The default branch" },
	{ STRING_FIELD("headCommit", struct output, head_commit),
		.description = "Commit at the head of the default branch" },
	{ STRING_FIELD("url", struct output, url), .description = "Address of its page" },
	{ STRING_FIELD("visibility", struct output, visibility),
		.description = "public, private or internal" },
	{ BOOLEAN_FIELD("created", struct output, created), .incidental = true,
		.description = "Whether Slipway created it; false if it was adopted" },
};

/* ---- whose it is ---- */

static const char *key_of(struct action_context *context, const struct input *input)
{
	const char *full_name = action_format(context, "%s/%s", input->new.owner, input->new.name);
	return full_name != NULL ? repository_key(context, full_name) : NULL;
}

static bool find_row(
	struct action_context *context, const struct input *input, struct ledger_resource *ret_row)
{
	return ledger_get(context, "github", "repository", key_of(context, input), ret_row);
}

/* Whether it is ours, and whether it is the result of a request whose response was lost. */
static bool decide_ownership(struct action_context *context, const struct input *input,
	const struct repository *repository, bool *ret_ours, bool *ret_made)
{
	const char *id = action_format(context, "%lld", (long long)repository->id);
	struct ledger_resource row;
	bool recorded, is_fork = false;

	*ret_made = false;
	if (id == NULL || !ledger_has_id(context, "github", "repository", id, &recorded))
		return false;
	if (find_row(context, input, &row) &&
		ledger_may_be_ours(&row, provider_time(repository->created_at)) &&
		!repository_is_made_from(context, row.source, repository, ret_made))
		return false;
	*ret_ours = recorded || *ret_made;
	if (*ret_ours || input->new.fork == NULL ||
		!repository_is_named(repository, input->new.owner, input->new.name))
		return true;
	bool known = repository_is_made_from(context, input->new.fork, repository, &is_fork);
	*ret_ours = is_fork;
	return known;
}

static enum action_result fail_foreign(struct action_context *context, const struct input *input,
	const struct repository *repository)
{
	const struct ledger_resource foreign = { .provider = "github",
		.type = "repository",
		.key = key_of(context, input),
		.id = repository_id(context, repository) };

	if (!action_is_free(context, &foreign))
		return action_failed(context);
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"%s/%s already exists and was not created by this step", input->new.owner,
		input->new.name);
	action_remedy(context, repository->html_url,
		"Choose another name, delete that repository, or set \"adopt\": true to use it as "
		"it is.");
	return action_remedy_input(context, "adopt");
}

/* The name is free, and the repository to adopt now has another name: a person must decide which
 * one is meant. */
static enum action_result fail_renamed(struct action_context *context, const struct input *input,
	const struct repository *repository)
{
	action_fail(context, ERROR_NOT_FOUND,
		"%s/%s was renamed or moved: GitHub redirects it to %s", input->new.owner,
		input->new.name, repository->full_name);
	action_remedy(context, repository->html_url,
		"Give the name %s to adopt that one, or omit \"adopt\" to create a new repository "
		"under this name.",
		repository->full_name);
	return action_remedy_input(context, "name");
}

/* ---- create ---- */

/* A name may be taken by an earlier request of ours that did arrive: the ledger still has it. */
static enum action_result refused(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	const struct error *error = action_error(context);
	const char *source =
		input->new.fork != NULL ? input->new.fork : input->new.template_repository;
	bool missing = error->class == ERROR_NOT_FOUND &&
		(error->http_status == 404 || error->http_status == 422);

	if (provider_made_nothing(context) && !ledger_take_back(context))
		return action_failed(context);
	if (missing && source != NULL)
		return explain_missing_source(context, source,
			input->new.fork != NULL ? "fork" : "template", input->new.owner);
	if (error->class != ERROR_CONFLICT_FOREIGN)
		return action_failed(context);
	if (checkpoint->taken) {
		action_remedy(context, NULL,
			"The name may belong to a repository that the token cannot see: choose "
			"another name, or give the token access to it.");
		return action_remedy_input(context, "name");
	}

	checkpoint->taken = true;
	return action_wait(
		context, 2000, "%s/%s to become visible", input->new.owner, input->new.name);
}

/* Never rename or delete it: it may be an old fork with people's work in it. A new one still goes
 * into the ledger, so that a teardown removes it. */
static enum action_result refuse_other(struct action_context *context, const struct input *input,
	const struct repository *made, bool older)
{
	bool is_new = !older && provider_time(made->created_at) != 0;

	if (!ledger_take_back(context) ||
		(is_new && !repository_own(context, made, true, input->share)))
		return action_failed(context);
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"GitHub returned %s %s instead of creating %s/%s",
		older ? "the existing repository" : "the repository", made->full_name,
		input->new.owner, input->new.name);
	action_remedy(context, made->html_url,
		"Give the token access to it and use its name as the input, or choose another "
		"name. Then trigger the step again.");
	return action_remedy_input(context, "name");
}

/* Sends the request that creates the repository. */
static enum action_result create(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct provider_response response;
	struct repository made;
	struct ledger_resource row;
	bool organization;
	const struct ledger_resource intent = { .provider = "github",
		.type = "repository",
		.key = key_of(context, input),
		.source = input->new.fork != NULL ? input->new.fork
						  : input->new.template_repository };

	if (!creation_check_owner(context, &input->new, &organization))
		return action_failed(context);
	checkpoint->requested_age_ms = action_run_age_ms(context);
	if (!ledger_intend(context, &intent))
		return action_failed(context);
	if (!creation_send(context, &input->new, organization, &response))
		return refused(context, input, checkpoint);
	if (!provider_decode(context, &response, &repository_record, &made))
		return action_failed(context);

	/* It may be the result of an earlier run's request, and then it is older than this run. */
	bool older = is_older_than_run(context, &response, made.created_at) &&
		!(find_row(context, input, &row) &&
			ledger_may_be_ours(&row, provider_time(made.created_at)));
	const char *key = repository_key(context, made.full_name);
	if (older || key == NULL || intent.key == NULL || strcmp(key, intent.key) != 0)
		return refuse_other(context, input, &made, older);
	checkpoint->created = true;
	if (!repository_own(context, &made, true, input->share))
		return action_failed(context);
	action_log(context, "created %s", made.full_name);
	return action_wait(context, 1000, "the content of %s", made.full_name);
}

/* ---- ready ---- */

static enum action_result wait_ready(struct action_context *context,
	const struct checkpoint *checkpoint, const struct repository *repository)
{
	if (!checkpoint->created && !repository_will_be_filled(context, repository)) {
		action_fail(context, ERROR_INVALID_INPUT, "%s has no commit on its default branch",
			repository->full_name);
		return action_remedy(context, repository->html_url,
			"Push a first commit, such as a README, then trigger the step again.");
	}

	/* Count from the request, not from the start of the run, which may have waited for a rate
	 * limit first. */
	if (action_run_age_ms(context) - checkpoint->requested_age_ms > READY_BUDGET_MS) {
		action_fail(context, ERROR_TIMEOUT,
			"%s still has no commit on its default branch after five minutes",
			repository->full_name);
		return action_remedy(context, repository->html_url,
			"Check the repository on GitHub, then trigger the step again.");
	}
	return action_wait(
		context, 2000, "the default branch of %s to resolve", repository->full_name);
}

static enum action_result finish(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const struct repository *repository, struct output *output)
{
	const char *sha = NULL;
	bool ready = false;

	if (repository->default_branch == NULL)
		return wait_ready(context, checkpoint, repository);
	if (!branch_head(context, repository->full_name, repository->default_branch, &sha) ||
		!repository_has_commits(context, repository, &ready))
		return action_failed(context);
	if (sha == NULL || !ready) {
		checkpoint->ready_checks = 0;
		return wait_ready(context, checkpoint, repository);
	}

	/* A repository that existed before has nothing to settle. */
	if (checkpoint->created && ++checkpoint->ready_checks < READY_CHECKS)
		return action_wait(context, 1000, "the default branch of %s to stay resolved",
			repository->full_name);
	enum action_result seen = visibility_settle(context, &input->new.asked, repository, true);
	if (seen != ACTION_DONE)
		return seen;
	*output = (struct output){ .id = repository->id,
		.full_name = repository->full_name,
		.owner = ((const struct repository_owner *)repository->owner)->login,
		.name = repository->name,
		.default_branch = repository->default_branch,
		.head_commit = sha,
		.url = repository->html_url,
		.visibility = input->new.asked.visibility != NULL ? input->new.asked.visibility
								  : repository->visibility,
		.created = checkpoint->created };
	return action_done(context);
}

/* The existing repository is ours, or is to be adopted. */
static enum action_result take(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const struct repository *repository, struct output *output)
{
	const char *key = repository_key(context, repository->full_name);
	bool made = checkpoint->created || ledger_age_ms(context, "github", "repository", key) >= 0;
	enum action_result usable = repository_check_usable(context, repository);

	/* What was adopted stays as people have made it, and so has to be as asked. */
	if (usable == ACTION_DONE && !made)
		usable = visibility_settle(context, &input->new.asked, repository, false);
	if (usable != ACTION_DONE)
		return usable;
	if (!repository_own(context, repository, checkpoint->created, input->share))
		return action_failed(context);
	return finish(context, input, checkpoint, repository, output);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	if (input->new.fork != NULL && input->new.template_repository != NULL)
		input_fault(check, &(struct input_fault){ .member = "fork" },
			"give template or fork, not both");
	visibility_check(check, &input->new.asked);
}

/* The app's own teardown removed it while the run waited: creating it again would leave it behind
 * unnoticed. */
static enum action_result fail_removed(struct action_context *context, const struct input *input)
{
	action_fail(context, ERROR_NOT_FOUND,
		"%s/%s, which this run created, has since been removed by a teardown of the app",
		input->new.owner, input->new.name);
	return action_remedy(
		context, NULL, "Trigger the step again to create the repository again.");
}

/* What is known before it exists, for the steps behind it in a plan. The visibility of a fork is
 * that of its upstream. */
static void promise(
	struct action_context *context, const struct input *input, struct output *output)
{
	const struct creation *new = &input->new;

	*output = (struct output){ .full_name =
					   action_format(context, "%s/%s", new->owner, new->name),
		.owner = new->owner,
		.name = new->name,
		.url = provider_page(context, &github, "/%s/%s", new->owner, new->name),
		.visibility = new->fork == NULL ? visibility_to_make(&new->asked) : NULL,
		.created = true };
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct repository repository;
	struct ledger_resource row;
	bool exists, ours = false, made = false;

	if (!repository_read(context, input->new.owner, input->new.name, &exists, &repository))
		return action_failed(context);
	if (exists && !decide_ownership(context, input, &repository, &ours, &made))
		return action_failed(context);
	checkpoint->created = checkpoint->created || made;
	if (exists && (ours || repository_is_named(&repository, input->new.owner, input->new.name)))
		return ours || input->adopt
			? take(context, input, checkpoint, &repository, raw_output)
			: fail_foreign(context, input, &repository);
	if (exists && input->adopt)
		return fail_renamed(context, input, &repository);

	bool listed = find_row(context, input, &row), pending = listed && row.pending;
	if (checkpoint->created && !listed)
		return fail_removed(context, input);

	/* Either it was just created and is not visible yet, or it was requested, by this run or an
	 * earlier one, and we do not know whether the request arrived. */
	bool own_wait = checkpoint->created || checkpoint->taken || (pending && row.by_this_run);
	int64_t budget_ms = checkpoint->created ? READY_BUDGET_MS : VISIBLE_BUDGET_MS;
	if ((own_wait && action_run_age_ms(context) - checkpoint->requested_age_ms < budget_ms) ||
		(!own_wait && pending && ledger_pending_age_ms(&row) < budget_ms))
		return action_wait(context, 2000, "%s/%s to become visible", input->new.owner,
			input->new.name);
	promise(context, input, raw_output);
	return create(context, input, checkpoint);
}

static const struct string_pair permissions[] = { { "administration", "write" },
	{ "contents", "read" }, { "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_repository = {
	.id = "github.repository",
	.summary = "Creates a GitHub repository (empty, from a template or as a fork), or adopts "
		   "an existing one",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.makes_repositories = true,
	.undo = &github_repository_delete,
};
