/*
 * The pace of polling is that of Vercel's own command line: faster polling was answered with dropped connections.
 */
#include "vercel_readiness.h"

#include <string.h>

#include "slipway/provider.h"

#define MINUTE_MS 60000

static const struct field meta_fields[] = {
	{ STRING_FIELD("runId", struct deployment_meta, run_id) },
	{ STRING_FIELD("app", struct deployment_meta, app) },
};
const struct record deployment_meta_record = RECORD(struct deployment_meta, meta_fields);

struct alias_error {
	const char *message;
};
static const struct field alias_error_fields[] = { { STRING_FIELD("message", struct alias_error, message) } };
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

/* The checks that stand before its addresses. */
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
	{ INTEGER_FIELD("createdAt", struct deployment, created_at) },
	{ INTEGER_FIELD("created", struct deployment, created) },
	{ OBJECT_FIELD("aliasError", struct deployment, alias_error), .record = &alias_error_record },
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
	const char *state = deployment->ready_state != NULL ? deployment->ready_state : deployment->state;
	return state != NULL ? state : "";
}

int64_t deployment_created(const struct deployment *deployment)
{
	return deployment->created_at != 0 ? deployment->created_at : deployment->created;
}

bool deployments_list(struct action_context *context, const char *project, const char *target, const char *sha,
	const char *state, struct object_list *ret_list)
{
	struct provider_response response;
	struct listing listing;
	const struct provider_request request = { .path = "/v7/deployments",
		.query = { { "projectId", project }, { "target", target }, { "sha", sha }, { "state", state },
			{ "limit", "20" } } };

	if (!provider_call(context, &vercel, &request, &response) ||
		!provider_decode(context, &response, &listing_record, &listing))
		return false;
	*ret_list = listing.deployments;
	return true;
}

bool deployment_get(struct action_context *context, const char *id, struct deployment *ret_deployment)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v13/deployments/{idOrUrl}", .parameters = { id } };
	return provider_call(context, &vercel, &request, &response) &&
		provider_decode(context, &response, &deployment_record, ret_deployment);
}

bool deployment_own(struct action_context *context, const char *id, bool created)
{
	const struct ledger_resource resource = {
		.provider = "vercel", .type = "deployment", .key = id, .id = id, .created = created, .part = true
	};
	return ledger_put(context, &resource);
}

bool deployment_is_of_run(const struct action_context *context, const struct deployment *deployment)
{
	const struct deployment_meta *meta = deployment->meta;
	return meta != NULL && meta->run_id != NULL && strcmp(meta->run_id, action_run_id(context)) == 0;
}

const char *deployment_url(struct action_context *context, const struct deployment *deployment)
{
	return action_format(context, "https://%s", deployment->url != NULL ? deployment->url : "");
}

/* ---- the address ---- */

struct domain {
	const char *name;
};
static const struct field domain_fields[] = { { STRING_FIELD("name", struct domain, name), .required = true } };
static const struct record domain_record = RECORD(struct domain, domain_fields);

struct domains {
	struct object_list domains;
};
static const struct field domains_fields[] = {
	{ OBJECTS_FIELD("domains", struct domains, domains), .record = &domain_record },
};
static const struct record domains_record = RECORD(struct domains, domains_fields);

static bool is_of_vercel(const char *name)
{
	static const char suffix[] = ".vercel.app";
	size_t length = strlen(name), suffix_length = sizeof(suffix) - 1;
	return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static const char *better_name(const char *one, const char *other)
{
	if (one == NULL || is_of_vercel(one) != is_of_vercel(other))
		return one != NULL && !is_of_vercel(one) ? one : other;
	return strlen(other) < strlen(one) ? other : one;
}

static bool find_domain(struct action_context *context, const char *project, const char **ret_name)
{
	struct provider_response response;
	struct domains list;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}/domains",
		.parameters = { project },
		.query = { { "production", "true" }, { "redirects", "false" }, { "verified", "true" },
			{ "limit", "100" } },
		.expect = { 404 } };

	*ret_name = NULL;
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	if (response.status == 404)
		return true;
	if (!provider_decode(context, &response, &domains_record, &list))
		return false;
	const struct domain *domains = list.domains.items;
	for (size_t i = 0; i < list.domains.count; i++)
		*ret_name = better_name(*ret_name, domains[i].name);
	return true;
}

static bool is_production(const struct deployment *deployment)
{
	return deployment->target != NULL && strcmp(deployment->target, "production") == 0;
}

bool deployment_alias(struct action_context *context, const char *project, const struct deployment *deployment,
	const char **ret_alias)
{
	const char *name = NULL;
	if (is_production(deployment) && !find_domain(context, project, &name))
		return false;
	for (size_t i = 0, known = name != NULL; !known && i < deployment->alias.count; i++)
		name = better_name(name, deployment->alias.items[i]);
	*ret_alias = name != NULL ? action_format(context, "https://%s", name) : deployment_url(context, deployment);
	return true;
}

/* ---- waiting ---- */

/*
 * For how long it may be in a state. One that is queued waits for others; a build is ended by Vercel after 45 minutes.
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

/* Vercel cancels what a command of the project finds not worth building; there is no log to look at. */
static bool is_ignored(const struct deployment *deployment, const char *message)
{
	return (deployment->error_link != NULL && strstr(deployment->error_link, "ignored-build-step") != NULL) ||
		(message != NULL && strstr(message, "Ignored Build Step") != NULL);
}

static enum action_result fail_build(struct action_context *context, const struct deployment *deployment)
{
	const char *message =
		deployment->error_message != NULL ? deployment->error_message : deployment->ready_state_reason;
	action_fail(context, ERROR_BUILD_FAILED, "the deployment ended as %s: %s", deployment_state(deployment),
		message != NULL ? message : "(Vercel gives no message)");
	if (is_ignored(deployment, message))
		return action_remedy(context, deployment->inspector_url,
			"The project's setting \"Ignored Build Step\" cancelled it, so nothing was built. Change the "
			"setting or the commit, and trigger the step again.");
	return action_remedy(context, deployment->inspector_url,
		"Look at the build's log, mend the repository, and trigger the step again.");
}

static enum action_result fail_checks(struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_BUILD_FAILED, "the deployment is built, but its checks failed");
	return action_remedy(context, deployment->inspector_url,
		"Look at its checks, mend the repository, and trigger the step again.");
}

static enum action_result fail_blocked(struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_PLAN_LIMIT, "Vercel blocks the deployment: %s",
		deployment->ready_state_reason != NULL ? deployment->ready_state_reason : "(no reason given)");
	return action_remedy(context, deployment->inspector_url,
		"Usually the author of the commit has no seat in the team: add one, then trigger the step again.");
}

static bool cancel(struct action_context *context, const struct deployment *deployment)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/v12/deployments/{id}/cancel",
		.parameters = { deployment_id(deployment) } };
	return provider_call(context, &vercel, &request, &response);
}

/* A new run takes over what still stands there, and deploys anew where it was cancelled. */
static enum action_result give_up(struct action_context *context, const struct deployment *deployment)
{
	const char *state = deployment_state(deployment);
	bool built = strcmp(state, "READY") == 0;
	bool cancelled = !built && deployment_is_of_run(context, deployment) && cancel(context, deployment);

	if (!cancelled && action_error(context)->class == ERROR_LEASE_LOST)
		return action_failed(context);
	action_fail(context, ERROR_BUILD_FAILED, "the deployment is %s%s for more than %lld minutes%s", state,
		built ? " without its addresses" : "", (long long)state_minutes(state),
		cancelled ? "; it was cancelled" : "");
	return action_remedy(context, deployment->inspector_url,
		cancelled ? "Look what holds up Vercel's builds, and trigger the step again: it deploys anew."
			  : "Look at it, cancel it at Vercel if it hangs, and trigger the step again.");
}

static enum action_result wait_more(struct action_context *context, const struct deployment *deployment,
	struct deployment_watch *watch, const char *what)
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

/* A provider that is away for a moment uses up none of the attempts. */
static enum action_result unanswered(struct action_context *context, const struct deployment_watch *watch)
{
	const struct error *error = action_error(context);
	int64_t age = action_run_age_ms(context), delay = poll_delay_ms(age);
	bool passes = error->class == ERROR_PROVIDER_UNAVAILABLE || error->class == ERROR_NETWORK ||
		error->class == ERROR_TIMEOUT;
	if (!passes || age - watch->since_age_ms > state_minutes(watch->state != NULL ? watch->state : "") * MINUTE_MS)
		return action_failed(context);
	return action_wait(context, error->retry_after_ms > delay ? error->retry_after_ms : delay,
		"Vercel to tell of the deployment; now %s", error->message);
}

enum action_result deployment_built(
	struct action_context *context, const struct deployment *deployment, struct deployment_watch *watch)
{
	const char *state = deployment_state(deployment);
	if (strcmp(state, "BLOCKED") == 0)
		return fail_blocked(context, deployment);
	if (strcmp(state, "ERROR") == 0 || strcmp(state, "CANCELED") == 0 || strcmp(state, "DELETED") == 0)
		return fail_build(context, deployment);
	/* States that we do not know are waited for, until their time is used up. */
	return strcmp(state, "READY") == 0 ? ACTION_DONE : wait_more(context, deployment, watch, state);
}

static bool checks_failed(const struct deployment *deployment)
{
	const struct checks *checks = deployment->checks;
	const struct check *alias = checks != NULL ? checks->alias : NULL;
	return (deployment->checks_conclusion != NULL && strcmp(deployment->checks_conclusion, "failed") == 0) ||
		(alias != NULL && alias->state != NULL && strcmp(alias->state, "failed") == 0);
}

/* ---- staged: built for production, and not shown there ---- */

#define STAGED_MS 60000 /* a new deployment may be staged for a moment before it gets its addresses */

struct project {
	bool assigns;
};
static const struct field project_fields[] = {
	{ BOOLEAN_FIELD("autoAssignCustomDomains", struct project, assigns), .fallback = "true" },
};
static const struct record project_record = RECORD(struct project, project_fields);

static bool is_staged(const struct deployment *deployment)
{
	return is_production(deployment) && deployment->ready_substate != NULL &&
		strcmp(deployment->ready_substate, "STAGED") == 0;
}

/* Asked twice, it changes nothing: another one that is under way (409) is waited for, and asked again. */
static enum action_result promote(struct action_context *context, const struct deployment_options *options,
	const struct deployment *deployment, struct deployment_watch *watch)
{
	struct provider_response response;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{projectId}/promote/{deploymentId}",
		.parameters = { options->project, deployment_id(deployment) },
		.expect = { 409 } };

	if (!provider_call(context, &vercel, &request, &response))
		return action_failed(context);
	watch->promoted = response.status != 409;
	if (watch->promoted)
		action_log(context, "promoting %s to production", deployment_id(deployment));
	return wait_more(context, deployment, watch, watch->promoted ? "being promoted" : "to be promoted");
}

static enum action_result fail_staged(struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_CHECK_FAILED,
		"the deployment is built, but staged: Vercel gives no new deployment the production domains");
	action_remedy(context, deployment->inspector_url,
		"Production was rolled back, or the assigning of its domains is off. Undo the rollback or promote the "
		"deployment at Vercel, or set \"promote\"; then trigger the step again.");
	return action_remedy_input(context, "promote");
}

static enum action_result follow_staged(struct action_context *context, const struct deployment_options *options,
	const struct deployment *deployment, struct deployment_watch *watch)
{
	struct provider_response response;
	struct project project;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}",
		.parameters = { options->project } };
	bool known = watch->state != NULL && strcmp(watch->state, deployment_state(deployment)) == 0;
	int64_t staged_ms = known ? action_run_age_ms(context) - watch->since_age_ms : 0;

	if (watch->promoted)
		return wait_more(context, deployment, watch, "being promoted");
	if (!provider_call(context, &vercel, &request, &response) ||
		!provider_decode(context, &response, &project_record, &project))
		return action_failed(context);
	if (project.assigns && staged_ms < STAGED_MS)
		return wait_more(context, deployment, watch, "READY, not in production yet");
	return options->promote ? promote(context, options, deployment, watch) : fail_staged(context, deployment);
}

static enum action_result deployment_live(struct action_context *context, const struct deployment_options *options,
	const struct deployment *deployment, struct deployment_watch *watch)
{
	const struct alias_error *alias_error = deployment->alias_error;
	enum action_result built = deployment_built(context, deployment, watch);

	if (built != ACTION_DONE)
		return built;
	if (alias_error != NULL)
		return action_fail(context, ERROR_BUILD_FAILED, "the deployment got no address: %s",
			alias_error->message != NULL ? alias_error->message : "(no message)");
	if (checks_failed(deployment))
		return fail_checks(context, deployment);
	if (is_staged(deployment))
		return follow_staged(context, options, deployment, watch);
	bool assigned = deployment->alias_assigned != NULL && strcmp(deployment->alias_assigned, "false") != 0;
	return assigned ? ACTION_DONE : wait_more(context, deployment, watch, "READY, its address not yet");
}

/* All may be green, and yet it is another commit, or a preview that no domain shows. */
static enum action_result check_options(
	struct action_context *context, const struct deployment_options *options, const struct deployment *deployment)
{
	const struct git_source *source = deployment->git_source;

	if (is_production(deployment) != (strcmp(options->target, "production") == 0))
		action_fail(context, ERROR_BUILD_FAILED, "Vercel deploys for %s where %s was asked for",
			is_production(deployment) ? "production" : "preview", options->target);
	else if (options->sha != NULL && source != NULL && source->sha != NULL &&
		strcmp(source->sha, options->sha) != 0)
		action_fail(context, ERROR_BUILD_FAILED, "Vercel deploys the commit %s where %s was asked for",
			source->sha, options->sha);
	else
		return ACTION_DONE;
	return action_remedy(
		context, deployment->inspector_url, "Look at the project's Git settings, and trigger the step again.");
}

enum action_result deployment_follow(struct action_context *context, const struct deployment_options *options,
	struct deployment_watch *watch, struct deployment *ret_deployment)
{
	if (!deployment_get(context, watch->id, ret_deployment))
		return unanswered(context, watch);
	enum action_result fits = check_options(context, options, ret_deployment);
	return fits == ACTION_DONE ? deployment_live(context, options, ret_deployment, watch) : fits;
}
