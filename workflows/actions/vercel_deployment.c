/*
 * vercel.deployment: deploys a commit, or the head of the branch. It is done when the deployment is
 * READY and has its alias.
 *
 * Natural key: commit, target and our run id in the deployment's meta. An existing deployment of
 * the same commit and target is reused if it is newer than the last change of the environment,
 * which only reaches new deployments.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/deployments.
 */
#include <string.h>

#include "actions.h"
#include "actions/github_head.h"
#include "actions/github_names.h"
#include "slipway/provider.h"
#include "vercel_readiness.h"

#define SOURCE_LAG_MS 180000 /* Vercel may not see a new repository or commit for this long */

static const char *const targets[] = { "production", "preview", NULL };

struct input {
	const char *project, *project_name, *repository, *branch, *sha, *target;
	int64_t repository_id, after;
	bool promote;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .maximum = 100,
		.description = "Id of the project" },
	{ STRING_FIELD("projectName", struct input, project_name), .required = true, .maximum = 100,
		.description = "Name of the project" },
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "GitHub repository, as owner/name" },
	{ INTEGER_FIELD("repositoryId", struct input, repository_id), .required = true,
		.description = "GitHub's id of the repository" },
	{ STRING_FIELD("branch", struct input, branch), .required = true, .minimum = 1,
		.maximum = 250, .description = "Branch whose head to deploy" },
	{ STRING_FIELD("sha", struct input, sha), .pattern = "^[0-9a-f]{40}([0-9a-f]{24})?$",
		.form = "the whole id of a commit: 40 digits in lower case",
		.description = "Commit of the branch to deploy instead of its head" },
	{ STRING_FIELD("target", struct input, target), .values = targets, .fallback = "production",
		.description = "Environment to deploy to" },
	{ INTEGER_FIELD("after", struct input, after),
		.description = "A deployment created before this time, in milliseconds since 1970, "
			       "is not reused" },
	DEPLOYMENT_PROMOTE_FIELD(struct input, promote),
};

struct checkpoint {
	const char *intent;    /* the commit to deploy */
	int64_t sent_age_ms;   /* age of the run when we sent the request */
	int64_t unseen_age_ms; /* age of the run when Vercel first did not see the commit; 0: not
				  yet */
	struct deployment_watch watch;
};
static const struct field checkpoint_fields[] = {
	{ STRING_FIELD("intent", struct checkpoint, intent) },
	{ INTEGER_FIELD("sentAge", struct checkpoint, sent_age_ms) },
	{ INTEGER_FIELD("unseenSince", struct checkpoint, unseen_age_ms) },
	DEPLOYMENT_WATCH_FIELDS(struct checkpoint, watch),
};

struct output {
	const char *id, *url, *alias, *sha, *inspector_url;
	int64_t created_at;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("id", struct output, id), .description = "Vercel's id of the deployment" },
	{ STRING_FIELD("url", struct output, url), .description = "URL of this deployment only" },
	{ STRING_FIELD("alias", struct output, alias), .description = "Public URL" },
	{ STRING_FIELD("sha", struct output, sha), .description = "The deployed commit" },
	{ STRING_FIELD("inspectorUrl", struct output, inspector_url),
		.description = "Page of the deployment at Vercel" },
	{ INTEGER_FIELD("createdAt", struct output, created_at),
		.description = "When it was created, in milliseconds since 1970" },
};

/* ---- what we send ---- */

struct git_source {
	const char *type, *ref, *sha;
	int64_t repo_id;
};
static const struct field git_source_fields[] = {
	{ STRING_FIELD("type", struct git_source, type) },
	{ INTEGER_FIELD("repoId", struct git_source, repo_id) },
	{ STRING_FIELD("ref", struct git_source, ref) },
	{ STRING_FIELD("sha", struct git_source, sha) },
};
static const struct record git_source_record = RECORD(struct git_source, git_source_fields);

struct create_request {
	const char *name, *project, *target;
	const void *git_source, *meta;
};
static const struct field create_fields[] = {
	{ STRING_FIELD("name", struct create_request, name) },
	{ STRING_FIELD("project", struct create_request, project) },
	{ STRING_FIELD("target", struct create_request, target) },
	{ OBJECT_FIELD("gitSource", struct create_request, git_source),
		.record = &git_source_record },
	{ OBJECT_FIELD("meta", struct create_request, meta), .record = &deployment_meta_record },
};
static const struct record create_record = RECORD(struct create_request, create_fields);

/* ---- read ---- */

/* Finds the requested commit, or else the head of the branch. */
static bool find_commit(
	struct action_context *context, const struct input *input, const char **ret_sha)
{
	*ret_sha = input->sha;
	if (input->sha != NULL)
		return true;
	if (!branch_head(context, input->repository, input->branch, ret_sha))
		return false;
	if (*ret_sha == NULL && provider_is_to_be_made(context)) {
		*ret_sha = action_unknown(context, "head commit");
		return true;
	}

	if (*ret_sha == NULL) {
		action_fail(context, ERROR_NOT_FOUND,
			"%s has no branch %s, or the token cannot see it", input->repository,
			input->branch);
		action_remedy(context, NULL,
			"Push the branch, or give another; if it is there, give the token "
			"for GitHub access to the repository. Then trigger the step again.");
		action_remedy_input(context, "branch");
	}

	return *ret_sha != NULL;
}

static bool may_take_over(const struct action_context *context, const struct input *input,
	const struct deployment *deployment)
{
	if (deployment_id(deployment) == NULL)
		return false;
	if (deployment_is_of_run(context, deployment))
		return true;
	bool failed = strcmp(deployment_state(deployment), "ERROR") == 0 ||
		strcmp(deployment_state(deployment), "CANCELED") == 0 ||
		strcmp(deployment_state(deployment), "BLOCKED") == 0 ||
		strcmp(deployment_state(deployment), "DELETED") == 0;
	return !failed && deployment_created(deployment) >= input->after;
}

/* Finds the newest that can be reused, and whether this run started it; *ret_id is NULL if there is
 * none. */
static bool find_deployment(struct action_context *context, const struct input *input,
	const char *sha, const char **ret_id, bool *ret_created)
{
	struct object_list list;

	*ret_id = NULL;
	*ret_created = false;
	if (!deployments_list(context, input->project, input->target, sha, NULL, &list))
		return false;
	const struct deployment *deployments = list.items;
	for (size_t i = 0; *ret_id == NULL && i < list.count; i++) {
		if (!may_take_over(context, input, &deployments[i]))
			continue;
		*ret_id = deployment_id(&deployments[i]);
		*ret_created = deployment_is_of_run(context, &deployments[i]);
	}

	return true;
}

/* ---- create ---- */

/* Vercel may not see a new repository or commit at once: retry after 5, 10, 20, 40 s; after that,
 * access is missing. Counts from the first request, not from the start of the run, which may have
 * waited for a rate limit. */
static enum action_result wait_for_source(struct action_context *context, const struct input *input,
	struct checkpoint *checkpoint, const char *message)
{
	int64_t now = action_run_age_ms(context);

	if (checkpoint->unseen_age_ms == 0)
		checkpoint->unseen_age_ms = now > 0 ? now : 1;
	int64_t age = now - checkpoint->unseen_age_ms;
	if (age < SOURCE_LAG_MS)
		return action_wait(context,
			age < 10000           ? 5000
				: age < 30000 ? 10000
				: age < 75000 ? 20000
					      : 40000,
			"Vercel to see %s", input->repository);
	action_fail(context, ERROR_APP_NOT_INSTALLED, "Vercel cannot see %s: %s", input->repository,
		message);
	return action_remedy(context, "https://github.com/apps/vercel",
		"Give Vercel's GitHub app access to %s, then trigger the step again.",
		input->repository);
}

static enum action_result refused(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	const struct error *error = action_error(context);
	/* Nothing was created, so the next attempt has nothing to look for. */
	if (provider_made_nothing(context))
		checkpoint->intent = NULL;
	if (strcmp(error->provider_code, "incorrect_git_source_info") == 0)
		return wait_for_source(context, input, checkpoint, error->message);
	return action_failed(context);
}

/* Whether it existed before the last change. Not every response has our meta. */
static bool is_older(const struct action_context *context, const struct input *input,
	const struct deployment *made)
{
	return !deployment_is_of_run(context, made) && deployment_created(made) != 0 &&
		deployment_created(made) < input->after;
}

static enum action_result fail_older(
	struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_BUILD_FAILED,
		"instead of a new deployment, Vercel returned %s, which is older than the last "
		"change",
		deployment_id(deployment));
	return action_remedy(
		context, deployment->inspector_url, "Push a commit, then trigger the step again.");
}

static enum action_result create(struct action_context *context, const struct input *input,
	const char *sha, struct checkpoint *checkpoint)
{
	struct provider_response response;
	struct deployment deployment;
	const struct git_source source = { "github", input->branch, sha, input->repository_id };
	const struct deployment_meta meta = { action_run_id(context), action_app(context) };
	/* Without forceNew, Vercel may return one of the same commit that we have just decided not
	 * to reuse. Without a target, it creates a preview. */
	const struct create_request body = { input->project_name, input->project,
		strcmp(input->target, "production") == 0 ? input->target : NULL, &source, &meta };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v13/deployments",
		.query = { { "skipAutoDetectionConfirmation", "1" }, { "forceNew", "1" } },
		.body_record = &create_record,
		.body = &body };

	checkpoint->intent = sha;
	checkpoint->sent_age_ms = action_run_age_ms(context);
	if (!action_save(context))
		return action_failed(context);
	if (!provider_call(context, &vercel, &request, &response))
		return refused(context, input, checkpoint);
	if (!provider_decode(context, &response, &deployment_record, &deployment) ||
		deployment_id(&deployment) == NULL)
		return action_failed(context);
	if (is_older(context, input, &deployment))
		return fail_older(context, &deployment);
	checkpoint->watch.id = deployment_id(&deployment);
	action_log(context, "started deployment %s of commit %s", checkpoint->watch.id, sha);
	return deployment_own(context, checkpoint->watch.id, true) ? ACTION_DONE
								   : action_failed(context);
}

/* Finds or creates the deployment; ACTION_DONE once the checkpoint has its id. */
static enum action_result begin(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	const char *sha;
	bool created;

	if (!find_commit(context, input, &sha) ||
		!find_deployment(context, input, sha, &checkpoint->watch.id, &created))
		return action_failed(context);

	/* The response to an earlier request was lost; the deployment that it started may be
	 * invisible for a while. */
	if (checkpoint->watch.id == NULL && checkpoint->intent != NULL &&
		action_run_age_ms(context) - checkpoint->sent_age_ms <
			provider_lost_response_ms(context))
		return action_wait(
			context, 5000, "a deployment to appear that may have been started");
	if (checkpoint->watch.id == NULL) {
		const struct deployment_options options = { input->project, input->target, sha,
			input->promote };
		enum action_result foreseen = deployment_foresee(context, &options);
		return foreseen == ACTION_DONE ? create(context, input, sha, checkpoint) : foreseen;
	}

	checkpoint->intent = sha;
	return deployment_own(context, checkpoint->watch.id, created) ? ACTION_DONE
								      : action_failed(context);
}

/* ---- the action ---- */

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct deployment deployment;
	const char *alias;

	if (checkpoint->watch.id == NULL) {
		enum action_result begun = begin(context, input, checkpoint);
		/* All that is known of one that is yet to be made. */
		((struct output *)raw_output)->sha = checkpoint->intent;
		if (begun != ACTION_DONE)
			return begun;
	}

	const struct deployment_options options = { input->project, input->target,
		checkpoint->intent, input->promote };
	enum action_result live =
		deployment_follow(context, &options, &checkpoint->watch, &deployment);
	if (live != ACTION_DONE)
		return live;
	if (!deployment_alias(context, input->project, &deployment, &alias))
		return action_failed(context);
	*(struct output *)raw_output = (struct output){ .id = deployment_id(&deployment),
		.url = deployment_url(context, &deployment),
		.alias = alias,
		.sha = checkpoint->intent,
		.inspector_url = deployment.inspector_url,
		.created_at = deployment_created(&deployment) };
	return action_done(context);
}

static const struct string_pair permissions[] = { { "contents", "read" }, { "metadata", "read" },
	{ NULL, NULL } };

const struct action_definition vercel_deployment = {
	.id = "vercel.deployment",
	.summary = "Deploys a commit and waits until it is live",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.run = run,
	.permissions = permissions,
	.one_repository = true,
	.other_provider = "github",
	.run_timeout_s =
		4 * 3600, /* queueing, building and assigning domains have limits of their own */
};
