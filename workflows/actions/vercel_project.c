/*
 * vercel.project: a Vercel project that is linked to a repository; created, or adopted where it is
 * ours.
 *
 * Natural key: the name in the team. Ours is what our ledger knows by its id, under whatever name
 * it goes by now, what is linked to our repository, and what the input says to adopt; a name alone
 * never is, or we would deploy into somebody else's project. One without a link is ours where our
 * ledger has it as pending, and Vercel made it at a time at which we asked: Vercel may break down
 * after it has made the project and before it links it. What is ours and has no link is linked; a
 * link to another repository is replaced only on request.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "actions/github_names.h"
#include "slipway/provider.h"
#include "vercel_installation.h"

#define LINK_BUDGET_MS 120000
#define UNSEEN_MAX     2

struct input {
	const char *name, *repository, *framework, *build_command, *output_directory,
		*root_directory;
	int64_t repository_id;
	bool relink, adopt, share;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("name", struct input, name), .required = true,
		.pattern = "^[a-z0-9][a-z0-9._-]{0,99}$",
		.form = "at most 100 lower-case letters, digits and . _ -",
		.description = "Name of the project: lower-case letters, digits, . _ -" },
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "GitHub repository to link, as owner/name" },
	{ INTEGER_FIELD("repositoryId", struct input, repository_id),
		.description = "GitHub's id of the repository" },
	{ STRING_FIELD("framework", struct input, framework), .maximum = 50,
		.description = "Framework preset, such as nextjs; none if absent" },
	{ STRING_FIELD("buildCommand", struct input, build_command), .maximum = 256,
		.description = "Build command; that of the preset if absent" },
	{ STRING_FIELD("outputDirectory", struct input, output_directory), .maximum = 256,
		.description = "Folder that the build writes to" },
	{ STRING_FIELD("rootDirectory", struct input, root_directory), .maximum = 256,
		.description = "Folder of the repository that contains the project" },
	{ BOOLEAN_FIELD("relink", struct input, relink), .fallback = "false",
		.description = "Link a project of this app to the repository even if it is now "
			       "linked to another" },
	{ BOOLEAN_FIELD("adopt", struct input, adopt), .fallback = "false",
		.description = "Use an existing project of this name, whoever created it; if it is "
			       "linked to another repository, set relink as well" },
	{ BOOLEAN_FIELD("share", struct input, share), .fallback = "false",
		.description = "Share it with other apps that also set share; only the app that "
			       "created it deletes it, once no other app uses it" },
};

struct checkpoint {
	int64_t unseen; /* how often in a row Vercel returned 500 to a request to create or link,
			   and did not see the owner of the repository */
	int64_t linked_age_ms; /* age of the run when Vercel accepted the link; 0: not yet */
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("unseen", struct checkpoint, unseen) },
	{ INTEGER_FIELD("linkedAge", struct checkpoint, linked_age_ms) },
};

struct output {
	const char *id, *name, *account_id;
	bool created, linked;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("id", struct output, id), .description = "Vercel's id of the project" },
	{ STRING_FIELD("name", struct output, name), .description = "Name of the project" },
	{ STRING_FIELD("accountId", struct output, account_id),
		.description = "Team or account that owns it" },
	{ BOOLEAN_FIELD("created", struct output, created), .incidental = true,
		.description = "Whether Slipway created it; false if it was adopted" },
	{ BOOLEAN_FIELD("linked", struct output, linked),
		.description = "Whether this run linked an existing project to the repository" },
};

struct link {
	const char *org, *repo, *repo_id;
};
static const struct field link_fields[] = {
	{ STRING_FIELD("org", struct link, org) },
	{ STRING_FIELD("repo", struct link, repo) },
	{ SCALAR_FIELD("repoId", struct link, repo_id) },
};
static const struct record link_record = RECORD(struct link, link_fields);

struct project {
	const char *id, *name, *account_id;
	int64_t created_at;
	const void *link;
};
static const struct field project_fields[] = {
	{ STRING_FIELD("id", struct project, id), .required = true },
	{ STRING_FIELD("name", struct project, name), .required = true },
	{ STRING_FIELD("accountId", struct project, account_id) },
	{ INTEGER_FIELD("createdAt", struct project, created_at) },
	{ OBJECT_FIELD("link", struct project, link), .record = &link_record },
};
static const struct record project_record = RECORD(struct project, project_fields);

struct git_repository {
	const char *type, *repo;
};
static const struct field git_repository_fields[] = {
	{ STRING_FIELD("type", struct git_repository, type) },
	{ STRING_FIELD("repo", struct git_repository, repo) },
};
static const struct record git_repository_record =
	RECORD(struct git_repository, git_repository_fields);

struct create_request {
	const char *name, *framework, *build_command, *output_directory, *root_directory;
	const void *git_repository;
};
static const struct field create_fields[] = {
	{ STRING_FIELD("name", struct create_request, name) },
	{ STRING_FIELD("framework", struct create_request, framework) },
	{ STRING_FIELD("buildCommand", struct create_request, build_command) },
	{ STRING_FIELD("outputDirectory", struct create_request, output_directory) },
	{ STRING_FIELD("rootDirectory", struct create_request, root_directory) },
	{ OBJECT_FIELD("gitRepository", struct create_request, git_repository),
		.record = &git_repository_record },
};
static const struct record create_record = RECORD(struct create_request, create_fields);

static bool read_project(struct action_context *context, const char *id_or_name, bool *ret_exists,
	struct project *ret_project)
{
	struct provider_response response;
	const struct provider_request request = {
		.path = "/v9/projects/{idOrName}", .parameters = { id_or_name }, .expect = { 404 }
	};
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return !*ret_exists || provider_decode(context, &response, &project_record, ret_project);
}

/* Looks by id first, if we know one: people rename projects, and the name may now belong to
 * another. */
static bool find_project(struct action_context *context, const struct input *input,
	bool *ret_exists, struct project *ret_project)
{
	struct ledger_resource row;
	bool known =
		ledger_get(context, "vercel", "project", input->name, &row) && row.id[0] != '\0';
	*ret_exists = false;
	if (known && !read_project(context, row.id, ret_exists, ret_project))
		return false;
	return *ret_exists || read_project(context, input->name, ret_exists, ret_project);
}

/* Compares ids if the link has one: a renamed repository keeps its id, and its name may now belong
 * to another. */
static bool is_linked(const struct link *link, const struct input *input)
{
	if (link == NULL)
		return false;
	int64_t id = link->repo_id != NULL ? strtoll(link->repo_id, NULL, 10) : 0;
	if (id != 0 && input->repository_id != 0)
		return id == input->repository_id;
	if (link->repo == NULL)
		return false;
	if (strchr(link->repo, '/') != NULL)
		return strcasecmp(link->repo, input->repository) == 0;
	size_t length = link->org != NULL ? strlen(link->org) : 0;
	return length > 0 && strncasecmp(link->org, input->repository, length) == 0 &&
		input->repository[length] == '/' &&
		strcasecmp(input->repository + length + 1, link->repo) == 0;
}

/* Under the name of the input, because the next run looks for that; the output has the current
 * name. */
static bool own(struct action_context *context, const struct input *input,
	const struct project *project, bool created)
{
	const struct ledger_resource resource = { .provider = "vercel",
		.type = "project",
		.key = input->name,
		.id = project->id,
		.created = created,
		.shared = input->share };
	return ledger_put(context, &resource);
}

/* Whether this run created it, or it is the result of an earlier request
 * whose response was lost. */
static bool is_made(
	struct action_context *context, const struct input *input, const struct project *project)
{
	struct ledger_resource row;
	if (!ledger_get(context, "vercel", "project", input->name, &row))
		return false;
	if (!row.pending)
		return row.created && row.by_this_run && strcmp(row.id, project->id) == 0;
	return (project->link == NULL || is_linked(project->link, input)) &&
		ledger_may_be_ours(&row, project->created_at);
}

static enum action_result take(struct action_context *context, const struct input *input,
	const struct project *project, bool created, bool linked, struct output *output)
{
	if (!own(context, input, project, created))
		return action_failed(context);
	*output =
		(struct output){ project->id, project->name, project->account_id, created, linked };
	return action_done(context);
}

static const char *link_text(struct action_context *context, const struct link *link)
{
	if (link == NULL || link->repo == NULL)
		return "no repository";
	bool has_owner = link->org != NULL && link->org[0] != '\0';
	return has_owner ? action_format(context, "%s/%s", link->org, link->repo) : link->repo;
}

static enum action_result fail_foreign(struct action_context *context, const struct input *input,
	const struct project *project, bool ours)
{
	const struct ledger_resource foreign = {
		.provider = "vercel", .type = "project", .key = input->name, .id = project->id
	};

	if (!ours && !action_is_free(context, &foreign))
		return action_failed(context);
	action_fail(context, ERROR_CONFLICT_FOREIGN,
		"the Vercel project '%s' already exists and is linked to %s", project->name,
		link_text(context, project->link));
	if (ours)
		action_remedy(context, "https://vercel.com/dashboard",
			"Set \"relink\": true to link it to %s, or choose another name.",
			input->repository);
	else
		action_remedy(context, "https://vercel.com/dashboard",
			"Choose another name, delete that project, or set \"adopt\": true to use "
			"it.");
	return action_remedy_input(context, ours ? "relink" : "adopt");
}

/* A Vercel project has one link at most. */
static bool unlink_repository(struct action_context *context, const struct project *project)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_DELETE,
		.path = "/v9/projects/{idOrName}/link",
		.parameters = { project->id },
		.expect = { 404 } };
	action_log(context, "removing the link to %s from project %s",
		link_text(context, project->link), project->name);
	return provider_call(context, &vercel, &request, &response);
}

/* Counts from the request, not from the start of the run, which may have waited for a rate limit. A
 * later attempt requests it again. */
static enum action_result wait_for_link(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	if (action_run_age_ms(context) - checkpoint->linked_age_ms < LINK_BUDGET_MS)
		return action_wait(context, 2000, "project %s to show its link to %s", input->name,
			input->repository);
	checkpoint->linked_age_ms = 0;
	action_fail(context, ERROR_TIMEOUT,
		"the Vercel project '%s' still shows no link to %s after two minutes", input->name,
		input->repository);
	return action_remedy(context, "https://vercel.com/dashboard",
		"Link it in the project's Git settings, then trigger the step again.");
}

/*
 * Vercel returns 500 if the installation of its GitHub app is suspended, and in an outage. So ask
 * which accounts it sees: if it does not see the owner twice in a row, that is the cause. Any other
 * 500 is waited for.
 */
static enum action_result refused(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	const struct error refused = *action_error(context);

	if (refused.http_status != 500)
		return ACTION_FAILED;
	bool unseen = installation_look(context, input->repository) == ACTION_FAILED &&
		action_error(context)->class == ERROR_APP_NOT_INSTALLED;
	checkpoint->unseen = unseen ? checkpoint->unseen + 1 : 0;
	if (checkpoint->unseen >= UNSEEN_MAX)
		return ACTION_FAILED;
	action_fail_again(context, &refused,
		"%s; if this lasts, Vercel's GitHub app may be suspended for the owner of %s",
		refused.message, input->repository);
	return action_remedy(context, "https://www.vercel-status.com",
		"If Vercel reports no incident there, resume its GitHub app in the settings of the "
		"owner of %s at GitHub, then trigger the step again.",
		input->repository);
}

/*
 * The response does not matter; what counts is the link that the project shows afterwards: it may
 * be that of an earlier attempt whose response was lost.
 */
static enum action_result link_repository(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct project *project, struct output *output)
{
	struct provider_response response;
	bool exists;
	const struct git_repository body = { "github", input->repository };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v9/projects/{idOrName}/link",
		.parameters = { project->id },
		.body_record = &git_repository_record,
		.body = &body };
	/* Record it as ours first: otherwise it would belong to nobody if it
	 * could never be linked. */
	bool made = is_made(context, input, project);

	/* Vercel may still show the project as it was before. */
	if (checkpoint->linked_age_ms != 0)
		return wait_for_link(context, input, checkpoint);
	enum action_result foreseen = installation_foresee(context, input->repository);
	if (foreseen != ACTION_DONE)
		return foreseen;
	*output = (struct output){ project->id, project->name, project->account_id, made, true };
	if (!own(context, input, project, made) ||
		(project->link != NULL && !unlink_repository(context, project)))
		return action_failed(context);
	if (!provider_call(context, &vercel, &request, &response))
		return refused(context, input, checkpoint);
	int64_t age = action_run_age_ms(context);
	checkpoint->linked_age_ms = age > 0 ? age : 1;
	if (!read_project(context, project->id, &exists, project))
		return action_failed(context);
	if (!exists || !is_linked(project->link, input))
		return wait_for_link(context, input, checkpoint);
	action_log(context, "linked project %s to %s", project->name, input->repository);
	return take(context, input, project, made, true, output);
}

static enum action_result adopt(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct project *project, struct output *output)
{
	bool ours, made = is_made(context, input, project);

	if (!ledger_has_id(context, "vercel", "project", project->id, &ours))
		return action_failed(context);
	if (strcmp(project->name, input->name) != 0)
		action_log(context, "project %s is now called %s", input->name, project->name);
	if (is_linked(project->link, input))
		return take(context, input, project, made, false, output);
	ours = ours || input->adopt || made;

	/* Ours, but now linked to another repository, which a deployment would publish. */
	if (ours && (project->link == NULL || input->relink))
		return link_repository(context, input, checkpoint, project, output);
	return fail_foreign(context, input, project, ours);
}

/* A team that is configured by its slug cannot be compared. */
static bool is_of_team(struct action_context *context, const struct project *project)
{
	const char *team = provider_scope(context, &vercel);
	return team == NULL || strncmp(team, "team_", 5) != 0 || project->account_id == NULL ||
		strcmp(team, project->account_id) == 0;
}

static enum action_result fail_elsewhere(
	struct action_context *context, const struct project *project)
{
	action_fail(context, ERROR_SCOPE_MISSING,
		"Vercel created the project '%s' in %s, not in the configured team", project->name,
		project->account_id);
	return action_remedy(context, "https://vercel.com/dashboard",
		"Delete it there, correct SLIPWAY_VERCEL_TEAM (of a connection, its account) or "
		"the "
		"token, then trigger the step again.");
}

/* A project that was made without a link would be done, and never build anything. */
static enum action_result see_link(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct project *project, struct output *output)
{
	bool exists;

	if (!own(context, input, project, true) ||
		!read_project(context, project->id, &exists, project))
		return action_failed(context);
	if (exists && is_linked(project->link, input))
		return take(context, input, project, true, false, output);
	return link_repository(context, input, checkpoint, project, output);
}

static enum action_result create(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, struct output *output)
{
	struct provider_response response;
	struct project project;
	bool exists;
	const struct ledger_resource intent = { .provider = "vercel",
		.type = "project",
		.key = input->name,
		.source = input->repository };
	const struct git_repository repository = { "github", input->repository };
	const struct create_request body = { input->name, input->framework, input->build_command,
		input->output_directory, input->root_directory, &repository };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v11/projects",
		.body_record = &create_record,
		.body = &body,
		.expect = { 409 } };

	*output = (struct output){ .name = input->name, .created = true };
	if (!ledger_intend(context, &intent))
		return action_failed(context);
	if (!provider_call(context, &vercel, &request, &response))
		/* If the call created nothing, a project that appears later is not ours. */
		return provider_made_nothing(context) && !ledger_take_back(context)
			? action_failed(context)
			: refused(context, input, checkpoint);
	if (response.status != 409) {
		if (!provider_decode(context, &response, &project_record, &project))
			return action_failed(context);
		action_log(context, "created project %s", project.name);
		if (is_of_team(context, &project))
			return is_linked(project.link, input)
				? take(context, input, &project, true, false, output)
				: see_link(context, input, checkpoint, &project, output);
		/* Nothing was created in the team where the app's projects are. */
		return ledger_take_back(context) ? fail_elsewhere(context, &project)
						 : action_failed(context);
	}

	/* It already exists: created by us, in an attempt whose response was lost, or by somebody
	 * else. */
	if (!ledger_take_back(context) || !find_project(context, input, &exists, &project))
		return action_failed(context);
	if (!exists) {
		action_fail(context, ERROR_CONFLICT_FOREIGN,
			"Vercel reports that the name '%s' is taken, but shows no such project",
			input->name);
		action_remedy(context, "https://vercel.com/dashboard",
			"Choose another name or check SLIPWAY_VERCEL_TEAM (of a connection, its "
			"account), then trigger the step again.");
		return action_remedy_input(context, "name");
	}

	return adopt(context, input, checkpoint, &project, output);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;

	if (input_is_known(input->name) && strstr(input->name, "---") != NULL)
		input_fault(check, &(struct input_fault){ .member = "name" },
			"Vercel does not allow --- in the name of a project");
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct project project;
	bool exists;
	if (!find_project(context, input, &exists, &project))
		return action_failed(context);
	if (exists)
		return adopt(context, input, raw_checkpoint, &project, raw_output);
	enum action_result foreseen = installation_foresee(context, input->repository);
	return foreseen == ACTION_DONE ? create(context, input, raw_checkpoint, raw_output)
				       : foreseen;
}

const struct action_definition vercel_project = {
	.id = "vercel.project",
	.summary = "Creates a Vercel project linked to the repository, or adopts an existing one",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.undo = &vercel_project_delete,
};
