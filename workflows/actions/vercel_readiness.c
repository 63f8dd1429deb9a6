/*
 * Polls at the pace of Vercel's own command line, because Vercel drops connections if polled
 * faster.
 */
#include "vercel_readiness.h"

#include <string.h>

#include "slipway/provider.h"
#include "vercel_pages.h"
#include "vercel_production.h"

#define MINUTE_MS 60000

static const struct field meta_fields[] = {
	{ STRING_FIELD("runId", struct deployment_meta, run_id) },
	{ STRING_FIELD("app", struct deployment_meta, app) },
};
const struct record deployment_meta_record = RECORD(struct deployment_meta, meta_fields);

struct alias_error {
	const char *message;
};
static const struct field alias_error_fields[] = { { STRING_FIELD(
	"message", struct alias_error, message) } };
static const struct record alias_error_record = RECORD(struct alias_error, alias_error_fields);

struct git_source {
	const char *sha;
};
static const struct field git_source_fields[] = { { STRING_FIELD("sha", struct git_source, sha) } };
static const struct record git_source_record = RECORD(struct git_source, git_source_fields);

struct check {
	const char *state;
};
static const struct field check_fields[] = { { STRING_FIELD("state", struct check, state) } };
static const struct record check_record = RECORD(struct check, check_fields);

/* The checks that must pass before the deployment gets its domains. */
struct checks {
	const void *alias;
};
static const struct field checks_fields[] = {
	{ OBJECT_FIELD("deployment-alias", struct checks, alias), .record = &check_record },
};
static const struct record checks_record = RECORD(struct checks, checks_fields);

static const struct field deployment_fields[] = {
	{ STRING_FIELD("id", struct deployment, id) },
	{ STRING_FIELD("uid", struct deployment, uid) },
	{ STRING_FIELD("name", struct deployment, name) },
	{ STRING_FIELD("projectId", struct deployment, project_id) },
	{ STRING_FIELD("target", struct deployment, target) },
	{ STRING_FIELD("url", struct deployment, url) },
	{ STRING_FIELD("readyState", struct deployment, ready_state) },
	{ STRING_FIELD("state", struct deployment, state) },
	{ STRING_FIELD("readySubstate", struct deployment, ready_substate) },
	{ STRING_FIELD("readyStateReason", struct deployment, ready_state_reason) },
	{ STRING_FIELD("errorMessage", struct deployment, error_message) },
	{ STRING_FIELD("errorLink", struct deployment, error_link) },
	{ STRING_FIELD("inspectorUrl", struct deployment, inspector_url) },
	{ SCALAR_FIELD("aliasAssigned", struct deployment, alias_assigned) },
	{ STRING_FIELD("checksConclusion", struct deployment, checks_conclusion) },
	{ STRING_FIELD("checksState", struct deployment, checks_state) },
	{ INTEGER_FIELD("createdAt", struct deployment, created_at) },
	{ INTEGER_FIELD("created", struct deployment, created) },
	{ OBJECT_FIELD("aliasError", struct deployment, alias_error),
		.record = &alias_error_record },
	{ OBJECT_FIELD("meta", struct deployment, meta), .record = &deployment_meta_record },
	{ OBJECT_FIELD("gitSource", struct deployment, git_source), .record = &git_source_record },
	{ OBJECT_FIELD("checks", struct deployment, checks), .record = &checks_record },
	{ STRINGS_FIELD("alias", struct deployment, alias) },
};
const struct record deployment_record = RECORD(struct deployment, deployment_fields);

struct listing {
	struct object_list deployments;
};
static const struct field listing_fields[] = {
	{ OBJECTS_FIELD("deployments", struct listing, deployments), .record = &deployment_record },
};
static const struct record listing_record = RECORD(struct listing, listing_fields);

const char *deployment_id(const struct deployment *deployment)
{
	return deployment->id != NULL ? deployment->id : deployment->uid;
}

const char *deployment_state(const struct deployment *deployment)
{
	const char *state =
		deployment->ready_state != NULL ? deployment->ready_state : deployment->state;
	return state != NULL ? state : "";
}

int64_t deployment_created(const struct deployment *deployment)
{
	return deployment->created_at != 0 ? deployment->created_at : deployment->created;
}

bool deployments_list(struct action_context *context, const char *project, const char *target,
	const char *sha, const char *state, struct object_list *ret_list)
{
	struct provider_response response;
	struct listing listing;
	const struct provider_request request = { .path = "/v7/deployments",
		.query = { { "projectId", project }, { "target", target }, { "sha", sha },
			{ "state", state }, { "limit", "20" } },
		.when_new = "{\"deployments\":[]}" };

	/* Many of a commit may have failed before one that can be used; of all, the newest count.
	 */
	if (sha != NULL)
		return pages_read(context, &request, "deployments", &deployment_record, ret_list);
	if (!provider_call(context, &vercel, &request, &response) ||
		!provider_decode(context, &response, &listing_record, &listing))
		return false;
	*ret_list = listing.deployments;
	return true;
}

bool deployment_get(
	struct action_context *context, const char *id, struct deployment *ret_deployment)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v13/deployments/{idOrUrl}",
		.parameters = { id } };
	return provider_call(context, &vercel, &request, &response) &&
		provider_decode(context, &response, &deployment_record, ret_deployment);
}

bool deployment_own(struct action_context *context, const char *id, bool created)
{
	const struct ledger_resource resource = { .provider = "vercel",
		.type = "deployment",
		.key = id,
		.id = id,
		.created = created,
		.part = true };
	return ledger_put(context, &resource);
}

bool deployment_is_of_run(const struct action_context *context, const struct deployment *deployment)
{
	const struct deployment_meta *meta = deployment->meta;
	return meta != NULL && meta->run_id != NULL &&
		strcmp(meta->run_id, action_run_id(context)) == 0;
}

bool deployment_is_production(const struct deployment *deployment)
{
	return deployment->target != NULL && strcmp(deployment->target, "production") == 0;
}

const char *deployment_url(struct action_context *context, const struct deployment *deployment)
{
	return action_format(context, "https://%s", deployment->url != NULL ? deployment->url : "");
}

/* ---- waiting ---- */

/*
 * How long a deployment may stay in a state. A queued one waits for others; Vercel stops a build
 * after 45 minutes.
 */
static int64_t state_minutes(const char *state)
{
	if (strcmp(state, "QUEUED") == 0 || strcmp(state, "INITIALIZING") == 0)
		return 60;
	return strcmp(state, "READY") == 0 ? 15 : 50;
}

static int64_t poll_delay_ms(int64_t age_ms)
{
	return age_ms < 15000 ? 1000 : age_ms < 60000 ? 5000 : age_ms < 300000 ? 15000 : 30000;
}

/* A command of the project can decide that a commit need not be built; Vercel then cancels without
 * a log. */
static bool is_ignored(const struct deployment *deployment, const char *message)
{
	return (deployment->error_link != NULL &&
		       strstr(deployment->error_link, "ignored-build-step") != NULL) ||
		(message != NULL && strstr(message, "Ignored Build Step") != NULL);
}

static enum action_result fail_build(
	struct action_context *context, const struct deployment *deployment)
{
	const char *message = deployment->error_message != NULL ? deployment->error_message
								: deployment->ready_state_reason;
	action_fail(context, ERROR_BUILD_FAILED, "the deployment ended in state %s: %s",
		deployment_state(deployment),
		message != NULL ? message : "(no message from Vercel)");
	if (is_ignored(deployment, message))
		return action_remedy(context, deployment->inspector_url,
			"The project's setting \"Ignored Build Step\" cancelled the build. Change "
			"the setting or the commit, then trigger the step again.");
	if (strcmp(deployment_state(deployment), "ERROR") != 0)
		return action_remedy(context, deployment->inspector_url,
			"Somebody stopped or deleted it at Vercel, or a newer deployment replaced "
			"it. Trigger the step again to deploy again.");
	return action_remedy(context, deployment->inspector_url,
		"Check the build log, fix the cause in the repository, then trigger the step "
		"again.");
}

static enum action_result fail_checks(
	struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_BUILD_FAILED, "the deployment was built, but its checks failed");
	return action_remedy(context, deployment->inspector_url,
		"Check why they failed, fix the cause in the repository, then trigger the step "
		"again.");
}

static enum action_result fail_alias(
	struct action_context *context, const struct deployment *deployment)
{
	const struct alias_error *alias_error = deployment->alias_error;

	action_fail(context, ERROR_BUILD_FAILED, "the deployment got no domain: %s",
		alias_error->message != NULL ? alias_error->message : "(no message)");
	return action_remedy(context, deployment->inspector_url,
		"It was built. Check the domains of the project at Vercel, then trigger the step "
		"again.");
}

static enum action_result fail_blocked(
	struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_PLAN_LIMIT, "Vercel blocked the deployment: %s",
		deployment->ready_state_reason != NULL ? deployment->ready_state_reason
						       : "(no reason given)");
	return action_remedy(context, deployment->inspector_url,
		"Usually the author of the commit is not a member of the team: add them, then "
		"trigger the step again.");
}

static bool cancel(struct action_context *context, const struct deployment *deployment)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/v12/deployments/{id}/cancel",
		.parameters = { deployment_id(deployment) } };
	return provider_call(context, &vercel, &request, &response);
}

/* A new run reuses the deployment, or deploys again if it was cancelled. */
static enum action_result give_up(
	struct action_context *context, const struct deployment *deployment)
{
	const char *state = deployment_state(deployment);
	bool built = strcmp(state, "READY") == 0;
	bool cancelled =
		!built && deployment_is_of_run(context, deployment) && cancel(context, deployment);

	if (!cancelled && action_error(context)->class == ERROR_LEASE_LOST)
		return action_failed(context);
	action_fail(context, ERROR_BUILD_FAILED,
		"the deployment has been %s%s for more than %lld minutes%s", state,
		built ? " without its domains" : "", (long long)state_minutes(state),
		cancelled ? ", so it was cancelled" : "");
	return action_remedy(context, deployment->inspector_url,
		built ? "Check the domains of the project at Vercel, then trigger the "
			"step again."
			: cancelled
			? "Check what delays the builds at Vercel, then trigger the step again "
			  "to deploy again."
			: "Check the deployment, cancel it at Vercel if it hangs, then trigger "
			  "the step again.");
}

static enum action_result wait_more(struct action_context *context,
	const struct deployment *deployment, struct deployment_watch *watch, const char *what)
{
	int64_t age = action_run_age_ms(context);
	const char *state = deployment_state(deployment);

	if (watch->state == NULL || strcmp(watch->state, state) != 0) {
		watch->state = state;
		watch->since_age_ms = age;
	}

	if (age - watch->since_age_ms > state_minutes(state) * MINUTE_MS)
		return give_up(context, deployment);
	return action_wait(context, poll_delay_ms(age), "the deployment, which is %s", what);
}

/* A page instead of JSON tells nothing of the deployment, and uses up no attempts. An outage is
 * waited for by itself. */
static enum action_result unanswered(
	struct action_context *context, const struct deployment_watch *watch)
{
	const struct error *error = action_error(context);
	int64_t age = action_run_age_ms(context);
	bool garbled = error->class == ERROR_PROVIDER_UNAVAILABLE && error->http_status < 500 &&
		error->retry_after_ms == 0;
	if (!garbled ||
		age - watch->since_age_ms >
			state_minutes(watch->state != NULL ? watch->state : "") * MINUTE_MS)
		return action_failed(context);
	return action_wait(context, poll_delay_ms(age),
		"Vercel to report the state of the deployment; last result: %s", error->message);
}

enum action_result deployment_built(struct action_context *context,
	const struct deployment *deployment, struct deployment_watch *watch)
{
	const char *state = deployment_state(deployment);
	if (strcmp(state, "BLOCKED") == 0)
		return fail_blocked(context, deployment);
	if (strcmp(state, "ERROR") == 0 || strcmp(state, "CANCELED") == 0 ||
		strcmp(state, "DELETED") == 0)
		return fail_build(context, deployment);
	/* Unknown states are waited for, until their time is up. */
	return strcmp(state, "READY") == 0 ? ACTION_DONE
					   : wait_more(context, deployment, watch, state);
}

static bool checks_failed(const struct deployment *deployment)
{
	const struct checks *checks = deployment->checks;
	const struct check *alias = checks != NULL ? checks->alias : NULL;
	return (deployment->checks_conclusion != NULL &&
		       strcmp(deployment->checks_conclusion, "failed") == 0) ||
		(alias != NULL && alias->state != NULL && strcmp(alias->state, "failed") == 0);
}

/* They may take minutes, and until they end the deployment has no production traffic either. */
static bool checks_run(const struct deployment *deployment)
{
	const struct checks *checks = deployment->checks;
	const struct check *alias = checks != NULL ? checks->alias : NULL;
	const char *state = deployment->checks_state;

	if (deployment->checks_conclusion != NULL)
		return false;
	return (state != NULL &&
		       (strcmp(state, "registered") == 0 || strcmp(state, "running") == 0)) ||
		(alias != NULL && alias->state != NULL && strcmp(alias->state, "pending") == 0);
}

/* ---- staged: built for production, but not live there ---- */

/* A new deployment may be staged for a moment before it gets its domains */
#define STAGED_MS 60000

/* PROMOTED says that it had production traffic once. Whether it has it now, only the project says:
 * after a rollback an older one is there. A younger one came after it, which is fine. */
static bool is_rolled_back(
	const struct production_project *project, const struct deployment *deployment)
{
	const struct production_target *production = production_target(project->targets);
	return production != NULL && strcmp(production->id, deployment_id(deployment)) != 0 &&
		production->created_at < deployment_created(deployment);
}

static bool is_staged(const struct deployment *deployment)
{
	return deployment_is_production(deployment) && deployment->ready_substate != NULL &&
		strcmp(deployment->ready_substate, "STAGED") == 0;
}

/* Promoting twice changes nothing. While another promotion is in progress (409), wait and try
 * again. */
static enum action_result promote(struct action_context *context,
	const struct deployment_options *options, const struct deployment *deployment,
	struct deployment_watch *watch)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{projectId}/promote/{deploymentId}",
		.parameters = { options->project, deployment_id(deployment) },
		.expect = { 409 } };

	if (!provider_call(context, &vercel, &request, &response))
		return action_failed(context);
	watch->promoted = response.status != 409;

	/* Its time to become live begins with the promotion. */
	if (watch->promoted) {
		watch->state = NULL;
		action_log(context, "promoting deployment %s to production",
			deployment_id(deployment));
	}

	return wait_more(context, deployment, watch,
		watch->promoted ? "being promoted" : "waiting to be promoted");
}

static enum action_result fail_staged(
	struct action_context *context, const char *what, const char *page)
{
	action_fail(context, ERROR_CHECK_FAILED,
		"the deployment %s staged: Vercel does not assign the production domains to new "
		"deployments",
		what);
	action_remedy(context, page,
		"Production was rolled back, or the automatic assignment of domains is off. Undo "
		"the rollback or promote the deployment at Vercel, or set \"promote\": true. Then "
		"trigger the step again.");
	return action_remedy_input(context, "promote");
}

static enum action_result follow_staged(struct action_context *context,
	const struct deployment_options *options, const struct deployment *deployment,
	struct deployment_watch *watch)
{
	struct production_project project;
	bool known =
		watch->state != NULL && strcmp(watch->state, deployment_state(deployment)) == 0;
	int64_t staged_ms = known ? action_run_age_ms(context) - watch->since_age_ms : 0;

	if (watch->promoted)
		return wait_more(context, deployment, watch, "being promoted");
	if (!production_read(context, options->project, &project))
		return action_failed(context);
	if (project.assigns && staged_ms < STAGED_MS && !is_rolled_back(&project, deployment))
		return wait_more(context, deployment, watch, "READY, but not in production yet");
	return options->promote
		? promote(context, options, deployment, watch)
		: fail_staged(context, "was built, but is only", deployment->inspector_url);
}

static const struct deployment *newest_of(const struct object_list *list)
{
	const struct deployment *deployments = list->items, *newest = NULL;

	for (size_t i = 0; i < list->count; i++)
		if (newest == NULL ||
			deployment_created(&deployments[i]) > deployment_created(newest))
			newest = &deployments[i];
	return newest;
}

enum action_result deployment_foresee(
	struct action_context *context, const struct deployment_options *options)
{
	struct production_project project;
	struct object_list ready;

	/* A project that is yet to be made has no production that could be pinned. */
	if (!action_is_planned(context) || !input_is_known(options->project) || options->promote ||
		strcmp(options->target, "production") != 0)
		return ACTION_DONE;
	if (!production_read(context, options->project, &project) ||
		!deployments_list(context, options->project, "production", NULL, "READY", &ready))
		return action_failed(context);
	if (!project.assigns)
		return fail_staged(
			context, "would be built and only", "https://vercel.com/dashboard");

	const struct deployment *newest = newest_of(&ready);
	if (newest != NULL && is_staged(newest))
		action_difference(context,
			"the newest production deployment, %s, is staged and not live: set "
			"\"promote\" if this one is to be",
			deployment_id(newest));
	return ACTION_DONE;
}

static enum action_result deployment_live(struct action_context *context,
	const struct deployment_options *options, const struct deployment *deployment,
	struct deployment_watch *watch)
{
	enum action_result built = deployment_built(context, deployment, watch);

	if (built != ACTION_DONE)
		return built;
	if (deployment->alias_error != NULL)
		return fail_alias(context, deployment);
	if (checks_failed(deployment))
		return fail_checks(context, deployment);
	if (checks_run(deployment))
		return wait_more(context, deployment, watch, "READY, and its checks are running");
	if (is_staged(deployment))
		return follow_staged(context, options, deployment, watch);
	bool assigned = deployment->alias_assigned != NULL &&
		strcmp(deployment->alias_assigned, "false") != 0;
	if (!assigned)
		return wait_more(context, deployment, watch, "READY, but has no domain yet");

	/* One that was there before may have been live, and rolled back since. */
	struct production_project project;
	if (!deployment_is_production(deployment) || deployment_is_of_run(context, deployment))
		return ACTION_DONE;
	if (!production_read(context, options->project, &project))
		return action_failed(context);
	return is_rolled_back(&project, deployment)
		? follow_staged(context, options, deployment, watch)
		: ACTION_DONE;
}

/* A successful deployment can still be of another commit, or a preview that no domain shows. */
static enum action_result check_options(struct action_context *context,
	const struct deployment_options *options, const struct deployment *deployment)
{
	const struct git_source *source = deployment->git_source;

	if (deployment_is_production(deployment) != (strcmp(options->target, "production") == 0))
		action_fail(context, ERROR_BUILD_FAILED,
			"Vercel deploys to %s, but %s was requested",
			deployment_is_production(deployment) ? "production" : "preview",
			options->target);
	else if (options->sha != NULL && source != NULL && source->sha != NULL &&
		strcmp(source->sha, options->sha) != 0)
		action_fail(context, ERROR_BUILD_FAILED,
			"Vercel deploys commit %s, but %s was requested", source->sha,
			options->sha);
	else
		return ACTION_DONE;
	return action_remedy(context, deployment->inspector_url,
		"Check the project's Git settings, then trigger the step again.");
}

enum action_result deployment_follow(struct action_context *context,
	const struct deployment_options *options, struct deployment_watch *watch,
	struct deployment *ret_deployment)
{
	if (!deployment_get(context, watch->id, ret_deployment))
		return unanswered(context, watch);
	enum action_result fits = check_options(context, options, ret_deployment);
	return fits == ACTION_DONE ? deployment_live(context, options, ret_deployment, watch)
				   : fits;
}
