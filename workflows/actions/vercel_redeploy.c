/*
 * vercel.redeploy: rebuilds the last production deployment of a project, for example after its
 * variables changed. It is done when the new deployment is READY and has its alias.
 *
 * Natural key: our run id in the deployment's meta.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/deployments.
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"
#include "vercel_production.h"
#include "vercel_readiness.h"

struct input {
	const char *project;
	bool promote;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .minimum = 1,
		.maximum = 100, .description = "Id of the project" },
	DEPLOYMENT_PROMOTE_FIELD(struct input, promote),
};

struct checkpoint {
	const char *source;  /* the deployment to rebuild */
	int64_t sent_age_ms; /* age of the run when we sent the request */
	struct deployment_watch watch;
};
static const struct field checkpoint_fields[] = {
	{ STRING_FIELD("source", struct checkpoint, source) },
	{ INTEGER_FIELD("sentAge", struct checkpoint, sent_age_ms) },
	DEPLOYMENT_WATCH_FIELDS(struct checkpoint, watch),
};

struct output {
	const char *id, *source, *url, *alias, *inspector_url;
	int64_t created_at;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("id", struct output, id),
		.description = "Vercel's id of the new deployment" },
	{ STRING_FIELD("source", struct output, source),
		.description = "Id of the deployment that was rebuilt" },
	{ STRING_FIELD("url", struct output, url), .description = "URL of this deployment only" },
	{ STRING_FIELD("alias", struct output, alias), .description = "Public URL" },
	{ STRING_FIELD("inspectorUrl", struct output, inspector_url),
		.description = "Page of the deployment at Vercel" },
	{ INTEGER_FIELD("createdAt", struct output, created_at),
		.description = "When it was created, in milliseconds since 1970" },
};

struct redeploy_request {
	const char *name, *project, *deployment_id, *target;
	const void *meta;
};
static const struct field redeploy_fields[] = {
	{ STRING_FIELD("name", struct redeploy_request, name) },
	{ STRING_FIELD("project", struct redeploy_request, project) },
	{ STRING_FIELD("deploymentId", struct redeploy_request, deployment_id) },
	{ STRING_FIELD("target", struct redeploy_request, target) },
	{ OBJECT_FIELD("meta", struct redeploy_request, meta), .record = &deployment_meta_record },
};
static const struct record redeploy_record = RECORD(struct redeploy_request, redeploy_fields);

static const struct deployment *find_ours(
	const struct action_context *context, const struct object_list *list)
{
	const struct deployment *deployments = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (deployment_id(&deployments[i]) != NULL &&
			deployment_is_of_run(context, &deployments[i]))
			return &deployments[i];
	return NULL;
}

/* The newest that went live; a staged one is still waiting to be promoted. */
static const struct deployment *find_last(const struct object_list *list)
{
	const struct deployment *deployments = list->items, *last = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct deployment *one = &deployments[i];
		bool staged =
			one->ready_substate != NULL && strcmp(one->ready_substate, "STAGED") == 0;
		if (deployment_id(one) != NULL && strcmp(deployment_state(one), "READY") == 0 &&
			!staged &&
			(last == NULL || deployment_created(one) > deployment_created(last)))
			last = one;
	}

	return last;
}

static enum action_result create(struct action_context *context, const struct input *input,
	const struct deployment *source, struct checkpoint *checkpoint)
{
	struct provider_response response;
	struct deployment made;
	const struct deployment_meta meta = { action_run_id(context), action_app(context) };
	const struct redeploy_request body = { source->name != NULL ? source->name : input->project,
		input->project, deployment_id(source), "production", &meta };
	/* Without forceNew, Vercel may return the existing deployment. */
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v13/deployments",
		.query = { { "forceNew", "1" } },
		.body_record = &redeploy_record,
		.body = &body };

	checkpoint->source = deployment_id(source);
	checkpoint->sent_age_ms = action_run_age_ms(context);
	if (!action_save(context))
		return action_failed(context);
	bool answered = provider_call(context, &vercel, &request, &response);

	/* Nothing was created, so the next attempt has nothing to look for. */
	if (!answered && provider_made_nothing(context))
		checkpoint->source = NULL;
	if (!answered || !provider_decode(context, &response, &deployment_record, &made) ||
		deployment_id(&made) == NULL)
		return action_failed(context);
	checkpoint->watch.id = deployment_id(&made);
	action_log(context, "started deployment %s, a rebuild of %s", checkpoint->watch.id,
		checkpoint->source);
	return deployment_own(context, checkpoint->watch.id, true) ? ACTION_DONE
								   : action_failed(context);
}

/* Finds or creates the deployment; ACTION_DONE once the checkpoint has its id. */
static enum action_result begin(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct object_list recent, ready;
	const char *production;
	struct deployment shown;

	/* The live ones have a list of their own, because many cancelled ones may be newer. */
	if (!deployments_list(context, input->project, "production", NULL, NULL, &recent) ||
		!deployments_list(context, input->project, "production", NULL, "READY", &ready) ||
		!production_find(context, input->project, &production) ||
		(production != NULL && !deployment_get(context, production, &shown)))
		return action_failed(context);

	/* After a rollback, what production shows is older than the last one that was live. */
	const struct deployment *ours = find_ours(context, &recent);
	const struct deployment *last = production != NULL ? &shown : find_last(&ready);
	if (ours != NULL) {
		checkpoint->watch.id = deployment_id(ours);
		return deployment_own(context, checkpoint->watch.id, true) ? ACTION_DONE
									   : action_failed(context);
	}

	/* The response to an earlier request was lost; the deployment that it started may be
	 * invisible for a while. */
	if (checkpoint->source != NULL &&
		action_run_age_ms(context) - checkpoint->sent_age_ms <
			provider_lost_response_ms(context))
		return action_wait(
			context, 5000, "a deployment to appear that may have been started");
	if (last == NULL) {
		action_fail(context, ERROR_NOT_FOUND,
			"the Vercel project %s has no live production deployment", input->project);
		return action_remedy(
			context, NULL, "Deploy the project first, then trigger this step again.");
	}

	const struct deployment_options options = { input->project, "production", NULL,
		input->promote };
	enum action_result foreseen = deployment_foresee(context, &options);
	return foreseen == ACTION_DONE ? create(context, input, last, checkpoint) : foreseen;
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	const struct deployment_options options = { input->project, "production", NULL,
		input->promote };
	struct checkpoint *checkpoint = raw_checkpoint;
	struct deployment deployment;
	const char *alias;

	if (checkpoint->watch.id == NULL) {
		enum action_result begun = begin(context, input, checkpoint);
		if (begun != ACTION_DONE)
			return begun;
	}

	enum action_result live =
		deployment_follow(context, &options, &checkpoint->watch, &deployment);
	if (live != ACTION_DONE)
		return live;
	if (!deployment_alias(context, input->project, &deployment, &alias))
		return action_failed(context);
	*(struct output *)raw_output = (struct output){ .id = deployment_id(&deployment),
		.source = checkpoint->source,
		.url = deployment_url(context, &deployment),
		.alias = alias,
		.inspector_url = deployment.inspector_url,
		.created_at = deployment_created(&deployment) };
	return action_done(context);
}

const struct action_definition vercel_redeploy = {
	.id = "vercel.redeploy",
	.summary = "Rebuilds the last production deployment and waits until it is live",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.run_timeout_s = 4 * 3600,
};
