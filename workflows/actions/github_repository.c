/*
 * github.repository: a repository made from a template, by a fork or of its own, or adopted; done when its default
 * branch resolves.
 *
 * Natural key: owner/name, in lower case. Ours is what our ledger knows by its id, what is a fork of the wished
 * repository, of which an account has one, or what the input says to adopt. What our ledger has as pending is ours, and
 * made by us, where GitHub has made it from the same source and at a time at which we asked.
 *
 * API: https://docs.github.com/rest/repos/repos, /rest/repos/forks, /rest/branches/branches, /rest/commits/commits.
 */
#include "actions.h"
#include "actions/github_head.h"
#include "actions/github_names.h"
#include "actions/github_origin.h"
#include "actions/github_source.h"
#include "slipway/provider.h"

#define OWNER_PATTERN   "^[A-Za-z0-9][A-Za-z0-9-]{0,38}$"
#define OWNER_FORM      "the name of a user or an organisation: letters, digits and -"
#define NAME_PATTERN    "^[A-Za-z0-9._-]{1,100}$"
#define NAME_FORM       "at most 100 letters, digits and . _ -"
#define READY_BUDGET_MS 300000 /* GitHub says to call its support when a fork takes longer */
#define READY_CHECKS    2      /* in a row: a single success was seen to flap on fresh repositories */

struct input {
	const char *owner, *name, *template_repository, *fork, *description;
	bool private_repository, adopt, share;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("owner", struct input, owner), .required = true, .pattern = OWNER_PATTERN, .form = OWNER_FORM,
		.description = "Account or organisation that owns the repository" },
	{ STRING_FIELD("name", struct input, name), .required = true, .pattern = NAME_PATTERN, .form = NAME_FORM,
		.description = "Name of the repository" },
	{ STRING_FIELD("template", struct input, template_repository), .pattern = REPOSITORY_PATTERN,
		.form = REPOSITORY_FORM,
		.description =
			"Template repository to make it from, as owner/name; without one and without fork it has "
			"a README and no more" },
	{ STRING_FIELD("fork", struct input, fork), .pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "Repository to fork it from, as owner/name" },
	{ STRING_FIELD("description", struct input, description), .maximum = 350,
		.description = "A sentence about it; a fork has that of its upstream" },
	{ BOOLEAN_FIELD("private", struct input, private_repository),
		.description = "Whether only members see it; a fork is as its upstream" },
	{ BOOLEAN_FIELD("adopt", struct input, adopt),
		.description = "Take the repository that stands there, whoever made it" },
	{ BOOLEAN_FIELD("share", struct input, share),
		.description = "Let other apps that say so too have it as well; only the app that made it removes "
			       "it, once no other has it" },
};

struct checkpoint {
	int64_t requested_age_ms; /* age of the run when it was asked for */
	int64_t ready_checks;
	bool taken; /* GitHub has said that the name is */
	bool created;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("askedMs", struct checkpoint, requested_age_ms) },
	{ BOOLEAN_FIELD("taken", struct checkpoint, taken) },
	{ INTEGER_FIELD("readyChecks", struct checkpoint, ready_checks) },
	{ BOOLEAN_FIELD("created", struct checkpoint, created) },
};

struct output {
	const char *full_name, *owner, *name, *default_branch, *head_commit, *url;
	int64_t id;
	bool created;
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("id", struct output, id), .description = "GitHub's id of it" },
	{ STRING_FIELD("fullName", struct output, full_name), .description = "owner/name" },
	{ STRING_FIELD("owner", struct output, owner), .description = "The owner" },
	{ STRING_FIELD("name", struct output, name), .description = "The name" },
	{ STRING_FIELD("defaultBranch", struct output, default_branch), .description = "The default branch" },
	{ STRING_FIELD("headCommit", struct output, head_commit), .description = "Commit at its head" },
	{ STRING_FIELD("url", struct output, url), .description = "Where a person looks at it" },
	{ BOOLEAN_FIELD("created", struct output, created), .description = "By us; false: adopted" },
};

/* ---- what GitHub answers ---- */

struct account {
	const char *login;
};
static const struct field account_fields[] = { { STRING_FIELD("login", struct account, login) } };
static const struct record account_record = RECORD(struct account, account_fields);

/* ---- what we send ---- */

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

/* Of its own: with a first commit, for a repository without one has no branch to work on. */
struct create_request {
	const char *name, *description;
	bool private_repository, auto_init;
};
static const struct field create_fields[] = {
	{ STRING_FIELD("name", struct create_request, name) },
	{ STRING_FIELD("description", struct create_request, description) },
	{ BOOLEAN_FIELD("private", struct create_request, private_repository) },
	{ BOOLEAN_FIELD("auto_init", struct create_request, auto_init) },
};
static const struct record create_record = RECORD(struct create_request, create_fields);

/* ---- whose it is ---- */

static bool is_plain(const struct input *input)
{
	return input->fork == NULL && input->template_repository == NULL;
}

static const char *key_of(struct action_context *context, const struct input *input)
{
	const char *full_name = action_format(context, "%s/%s", input->owner, input->name);
	return full_name != NULL ? repository_key(context, full_name) : NULL;
}

static bool find_row(struct action_context *context, const struct input *input, struct ledger_resource *ret_row)
{
	return ledger_get(context, "github", "repository", key_of(context, input), ret_row);
}

/* Whether it is ours, and whether it is what we asked for when nobody told us that it was made. */
static bool decide_ownership(struct action_context *context, const struct input *input,
	const struct repository *repository, bool *ret_ours, bool *ret_made)
{
	const char *id = action_format(context, "%lld", (long long)repository->id);
	struct ledger_resource row;
	bool recorded, is_fork = false;

	*ret_made = false;
	if (id == NULL || !ledger_has_id(context, "github", "repository", id, &recorded))
		return false;
	if (find_row(context, input, &row) && ledger_may_be_ours(&row, provider_time(repository->created_at)) &&
		!repository_is_made_from(context, row.source, repository, ret_made))
		return false;
	*ret_ours = input->adopt || recorded || *ret_made;
	if (*ret_ours || input->fork == NULL)
		return true;
	bool known = repository_is_made_from(context, input->fork, repository, &is_fork);
	*ret_ours = is_fork;
	return known;
}

static enum action_result fail_foreign(
	struct action_context *context, const struct input *input, const struct repository *repository)
{
	const struct ledger_resource foreign = { .provider = "github",
		.type = "repository",
		.key = key_of(context, input),
		.id = repository_id(context, repository) };

	if (!action_is_free(context, &foreign))
		return action_failed(context);
	action_fail(context, ERROR_CONFLICT_FOREIGN, "%s/%s stands there already and is not what this step makes",
		input->owner, input->name);
	action_remedy(context, repository->html_url,
		"Choose another name, remove that repository, or set \"adopt\": true to take it as it is.");
	return action_remedy_input(context, "adopt");
}

/* ---- create ---- */

/* GitHub wants no organization for a fork into the token's own account. */
static bool owner_is_organization(struct action_context *context, const char *owner, bool *ret_organization)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/orgs/{org}", .parameters = { owner }, .expect = { 404 } };
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_organization = response.status != 404;
	return true;
}

/* Repositories of a person are made by that person's token and no other. */
static bool is_own_account(struct action_context *context, const char *owner)
{
	struct provider_response response;
	struct account account;
	const struct provider_request request = { .path = "/user" };
	bool answered = provider_call(context, &github, &request, &response);

	if (answered && !provider_decode(context, &response, &account_record, &account))
		return false;
	if (answered && account.login != NULL && strcasecmp(account.login, owner) == 0)
		return true;
	if (answered)
		action_fail(context, ERROR_SCOPE_MISSING, "the token is of %s and can make no repository of %s",
			account.login != NULL ? account.login : "nobody", owner);
	if (action_error(context)->class == ERROR_SCOPE_MISSING) {
		action_remedy(context, NULL,
			"Use a token of %s, for which a GitHub App's does not do; or make it of an organisation, or "
			"make it by hand and set \"adopt\": true.",
			owner);
		action_remedy_input(context, "owner");
	}

	return false;
}

/* Looks whose account it is, before anything is asked for. */
static bool check_owner(struct action_context *context, const struct input *input, bool *ret_organization)
{
	*ret_organization = true;
	if (input->template_repository != NULL)
		return true;
	return owner_is_organization(context, input->owner, ret_organization) &&
		(*ret_organization || !is_plain(input) || is_own_account(context, input->owner));
}

static bool send_fork(struct action_context *context, const struct input *input, bool organization,
	struct provider_response *response)
{
	const struct fork_request body = { organization ? input->owner : NULL, input->name, true };
	struct provider_request request = {
		.method = HTTP_POST, .path = "/repos/{owner}/{repo}/forks", .body_record = &fork_record, .body = &body
	};
	return split_repository(context, input->fork, request.parameters) &&
		provider_call(context, &github, &request, response);
}

static bool send_plain(struct action_context *context, const struct input *input, bool organization,
	struct provider_response *response)
{
	const struct create_request body = { input->name, input->description, input->private_repository, true };
	struct provider_request request = {
		.method = HTTP_POST, .path = "/user/repos", .body_record = &create_record, .body = &body
	};

	if (organization) {
		request.path = "/orgs/{org}/repos";
		request.parameters[0] = input->owner;
	}

	return provider_call(context, &github, &request, response);
}

static bool send_generate(struct action_context *context, const struct input *input, struct provider_response *response)
{
	const struct generate_request body = { input->owner, input->name, input->description,
		input->private_repository };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{template_owner}/{template_repo}/generate",
		.body_record = &generate_record,
		.body = &body };
	return split_repository(context, input->template_repository, request.parameters) &&
		provider_call(context, &github, &request, response);
}

static bool send(struct action_context *context, const struct input *input, bool organization,
	struct provider_response *response)
{
	if (input->fork != NULL)
		return send_fork(context, input, organization, response);
	if (input->template_repository != NULL)
		return send_generate(context, input, response);
	return send_plain(context, input, organization, response);
}

/* A name that is taken may be of an earlier request of ours that did arrive: the ledger still has that one. */
static enum action_result refused(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	const struct error *error = action_error(context);

	if (provider_made_nothing(context) && !ledger_take_back(context))
		return action_failed(context);
	if (error->http_status == 404 && !is_plain(input))
		return input->fork != NULL
			? explain_missing_source(context, input->fork, "fork", input->owner)
			: explain_missing_source(context, input->template_repository, "template", input->owner);
	if (error->class != ERROR_CONFLICT_FOREIGN)
		return action_failed(context);
	if (checkpoint->taken) {
		action_remedy(context, NULL,
			"The token may not see what has the name: choose another, or give the token access to it.");
		return action_remedy_input(context, "name");
	}

	checkpoint->taken = true;
	return action_wait(context, 2000, "%s/%s to become visible", input->owner, input->name);
}

/* It is never renamed or deleted: it may be an old fork, with all that people have done in it. One that is new is ours
 * all the same, and known to a removal. */
static enum action_result refuse_other(
	struct action_context *context, const struct input *input, const struct repository *made, bool older)
{
	bool is_new = !older && provider_time(made->created_at) != 0;

	if (!ledger_take_back(context) || (is_new && !repository_own(context, made, true, input->share)))
		return action_failed(context);
	action_fail(context, ERROR_CONFLICT_FOREIGN, "GitHub %s %s where a new %s/%s was wished",
		older ? "has an older" : "made or found", made->full_name, input->owner, input->name);
	action_remedy(context, made->html_url,
		"Let the token see it and take its name as input, or choose another name; then trigger the step "
		"again.");
	return action_remedy_input(context, "name");
}

/* Sends the one request that creates. */
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
		.source = input->fork != NULL ? input->fork : input->template_repository };

	if (!check_owner(context, input, &organization))
		return action_failed(context);
	checkpoint->requested_age_ms = action_run_age_ms(context);
	if (!ledger_intend(context, &intent))
		return action_failed(context);
	if (!send(context, input, organization, &response))
		return refused(context, input, checkpoint);
	if (!provider_decode(context, &response, &repository_record, &made))
		return action_failed(context);

	/* What an earlier run asked for is older than this one. */
	bool older = is_older_than_run(context, &response, made.created_at) &&
		!(find_row(context, input, &row) && ledger_may_be_ours(&row, provider_time(made.created_at)));
	const char *key = repository_key(context, made.full_name);
	if (older || key == NULL || intent.key == NULL || strcmp(key, intent.key) != 0)
		return refuse_other(context, input, &made, older);
	checkpoint->created = true;
	if (!repository_own(context, &made, true, input->share))
		return action_failed(context);
	action_log(context, "created %s", made.full_name);
	return action_wait(context, 1000, "%s to be filled", made.full_name);
}

/* ---- ready ---- */

static bool has_commits(struct action_context *context, const struct repository *repository, bool *ret_has)
{
	struct provider_response response;
	struct object_list commits;
	const struct repository_owner *owner = repository->owner;
	const struct provider_request request = { .path = "/repos/{owner}/{repo}/commits",
		.parameters = { owner->login, repository->name },
		.query = { { "per_page", "1" } },
		.expect = { 404, 409 } };

	*ret_has = false;
	if (!provider_call(context, &github, &request, &response))
		return false;
	if (response.status >= 300)
		return true;
	if (!provider_decode_list(context, &response, &commit_record, &commits))
		return false;
	*ret_has = commits.count > 0;
	return true;
}

static enum action_result wait_ready(
	struct action_context *context, const struct checkpoint *checkpoint, const struct repository *repository)
{
	/* The run itself may be older: it may have waited for a rate limit before it asked. */
	if (action_run_age_ms(context) - checkpoint->requested_age_ms > READY_BUDGET_MS) {
		action_fail(context, ERROR_TIMEOUT, "%s has no commit on its default branch after five minutes",
			repository->full_name);
		return action_remedy(context, repository->html_url, "Look at the repository; trigger the step again.");
	}
	return action_wait(context, 2000, "the default branch of %s to resolve", repository->full_name);
}

static enum action_result finish(struct action_context *context, struct checkpoint *checkpoint,
	const struct repository *repository, struct output *output)
{
	const char *sha = NULL;
	bool ready = false;

	if (repository->default_branch == NULL)
		return wait_ready(context, checkpoint, repository);
	if (!branch_head(context, repository->full_name, repository->default_branch, &sha) ||
		!has_commits(context, repository, &ready))
		return action_failed(context);
	if (sha == NULL || !ready) {
		checkpoint->ready_checks = 0;
		return wait_ready(context, checkpoint, repository);
	}

	/* A repository that stood there before us has nothing to settle. */
	if (checkpoint->created && ++checkpoint->ready_checks < READY_CHECKS)
		return action_wait(context, 1000, "%s to stay resolved", repository->full_name);
	*output = (struct output){ .id = repository->id,
		.full_name = repository->full_name,
		.owner = ((const struct repository_owner *)repository->owner)->login,
		.name = repository->name,
		.default_branch = repository->default_branch,
		.head_commit = sha,
		.url = repository->html_url,
		.created = checkpoint->created };
	return action_done(context);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	if (input->fork != NULL && input->template_repository != NULL)
		input_fault(check, &(struct input_fault){ .member = "fork" }, "give either template or fork, not both");
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct repository repository;
	struct ledger_resource row;
	bool exists, ours = false, made = false;

	if (!repository_read(context, input->owner, input->name, &exists, &repository))
		return action_failed(context);
	if (exists && !decide_ownership(context, input, &repository, &ours, &made))
		return action_failed(context);
	if (exists && !ours)
		return fail_foreign(context, input, &repository);
	checkpoint->created = checkpoint->created || made;
	if (exists)
		return repository_own(context, &repository, checkpoint->created, input->share)
			? finish(context, checkpoint, &repository, raw_output)
			: action_failed(context);

	/* Created a moment ago and not visible yet; or asked for, by this run or one before, and whether GitHub got
	 * that is not known. */
	bool pending = find_row(context, input, &row) && row.pending;
	bool own_wait = checkpoint->created || checkpoint->taken || (pending && row.by_this_run);
	int64_t budget_ms = checkpoint->created ? READY_BUDGET_MS : VISIBLE_BUDGET_MS;
	if ((own_wait && action_run_age_ms(context) - checkpoint->requested_age_ms < budget_ms) ||
		(!own_wait && pending && ledger_pending_age_ms(&row) < budget_ms))
		return action_wait(context, 2000, "%s/%s to become visible", input->owner, input->name);
	return create(context, input, checkpoint);
}

static const struct string_pair permissions[] = { { "administration", "write" }, { "contents", "read" },
	{ "metadata", "read" }, { NULL, NULL } };

const struct action_definition github_repository = {
	.id = "github.repository",
	.summary = "Makes a GitHub repository, also from a template or by a fork, or adopts one",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.undo = &github_repository_delete,
};
