/*
 * The pace of polling is that of Vercel's own command line: faster polling was answered with dropped connections.
 */
#include "vercel_readiness.h"

#include <string.h>

#include "slipway/provider.h"

#define BUDGET_MS 2700000

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
	{ STRING_FIELD("inspectorUrl", struct deployment, inspector_url) },
	{ SCALAR_FIELD("aliasAssigned", struct deployment, alias_assigned) },
	{ STRING_FIELD("checksConclusion", struct deployment, checks_conclusion) },
	{ INTEGER_FIELD("createdAt", struct deployment, created_at) },
	{ INTEGER_FIELD("created", struct deployment, created) },
	{ OBJECT_FIELD("aliasError", struct deployment, alias_error), .record = &alias_error_record },
	{ OBJECT_FIELD("meta", struct deployment, meta), .record = &deployment_meta_record },
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
	struct object_list *ret_list)
{
	struct provider_answer answer;
	struct listing listing;
	const struct provider_request request = { .path = "/v7/deployments",
		.query = { { "projectId", project }, { "target", target }, { "sha", sha }, { "limit", "20" } } };
	if (!provider_call(context, &vercel, &request, &answer) ||
		!provider_decode(context, &answer, &listing_record, &listing))
		return false;
	*ret_list = listing.deployments;
	return true;
}

bool deployment_get(struct action_context *context, const char *id, struct deployment *ret_deployment)
{
	struct provider_answer answer;
	const struct provider_request request = { .path = "/v13/deployments/{idOrUrl}", .parameters = { id } };
	return provider_call(context, &vercel, &request, &answer) &&
		provider_decode(context, &answer, &deployment_record, ret_deployment);
}

bool deployment_own(struct action_context *context, const char *id, bool created)
{
	const struct owned_resource resource = { "vercel", "deployment", id, id, NULL, created };
	return action_own(context, &resource);
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

const char *deployment_alias(struct action_context *context, const struct deployment *deployment)
{
	size_t last = deployment->alias.count;
	return last > 0 ? action_format(context, "https://%s", deployment->alias.items[last - 1]) : NULL;
}

/* ---- waiting ---- */

static int64_t poll_delay_ms(int64_t age_ms)
{
	return age_ms < 15000 ? 1000 : age_ms < 60000 ? 5000 : age_ms < 300000 ? 15000 : 30000;
}

static enum action_result fail_build(struct action_context *context, const struct deployment *deployment)
{
	const char *message =
		deployment->error_message != NULL ? deployment->error_message : deployment->ready_state_reason;
	action_fail(context, ERROR_BUILD_FAILED, "the deployment ended as %s: %s", deployment_state(deployment),
		message != NULL ? message : "(Vercel gives no message)");
	return action_remedy(context, deployment->inspector_url,
		"Look at the build's log, mend the repository, and trigger the step again.");
}

static enum action_result fail_blocked(struct action_context *context, const struct deployment *deployment)
{
	action_fail(context, ERROR_PLAN_LIMIT, "Vercel blocks the deployment: %s",
		deployment->ready_state_reason != NULL ? deployment->ready_state_reason : "(no reason given)");
	return action_remedy(context, deployment->inspector_url,
		"Usually the author of the commit has no seat in the team: add one, then trigger the step again.");
}

static enum action_result wait_more(
	struct action_context *context, const struct deployment *deployment, const char *what)
{
	int64_t age = action_run_age_ms(context);
	if (age > BUDGET_MS) {
		action_fail(context, ERROR_TIMEOUT, "the deployment is still %s after 45 minutes",
			deployment_state(deployment));
		return action_remedy(context, deployment->inspector_url,
			"Look at it, cancel it at Vercel if it hangs, and trigger the step again.");
	}
	return action_wait(context, poll_delay_ms(age), "the deployment, which is %s", what);
}

enum action_result deployment_built(struct action_context *context, const struct deployment *deployment)
{
	const char *state = deployment_state(deployment);
	if (strcmp(state, "BLOCKED") == 0)
		return fail_blocked(context, deployment);
	if (strcmp(state, "ERROR") == 0 || strcmp(state, "CANCELED") == 0 || strcmp(state, "DELETED") == 0)
		return fail_build(context, deployment);
	/* States that we do not know are waited for, until the budget is used up. */
	return strcmp(state, "READY") == 0 ? ACTION_DONE : wait_more(context, deployment, state);
}

enum action_result deployment_live(struct action_context *context, const struct deployment *deployment)
{
	const struct alias_error *alias_error = deployment->alias_error;
	enum action_result built = deployment_built(context, deployment);
	if (built != ACTION_DONE)
		return built;
	if (alias_error != NULL)
		return action_fail(context, ERROR_BUILD_FAILED, "the deployment got no address: %s",
			alias_error->message != NULL ? alias_error->message : "(no message)");
	if (deployment->checks_conclusion != NULL && strcmp(deployment->checks_conclusion, "failed") == 0)
		return fail_build(context, deployment);
	bool assigned = deployment->alias_assigned != NULL && strcmp(deployment->alias_assigned, "false") != 0;
	return assigned ? ACTION_DONE : wait_more(context, deployment, "READY, its address not yet");
}
